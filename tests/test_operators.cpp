// Runs every check of the operator harness over every registered case. SCIMIX_OP=REGEX keeps the
// cases whose "operator/label" matches, e.g. SCIMIX_OP=^conv2d/ or SCIMIX_OP='batch_norm/.*zero'.
// The tests of other files run, too, unless -tc="operators:*" is given.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <regex>
#include <set>
#include <sstream>

#include "core/device.hpp"
#include "tests/op_harness.hpp"
#include "tests/paths.hpp"
#include "tests/skip.hpp"

using namespace scimix;

namespace {

constexpr Device kGpu{Device::Kind::cuda, 0};

const std::vector<OpCase>& selected_cases() {
  static const std::vector<OpCase> cases = [] {
    const char* pattern = std::getenv("SCIMIX_OP");
    const std::regex keep(pattern == nullptr ? ".*" : pattern);
    std::vector<OpCase> out;
    for (OpCase& c : all_op_cases()) {
      if (c.test && std::regex_search(c.op + "/" + c.label, keep)) out.push_back(std::move(c));
    }
    return out;
  }();
  return cases;
}

// One assertion for each case, so that the counts of the run mean something.
void expect_none(const Findings& findings) {
  std::string lines;
  for (const std::string& finding : findings) lines += "\n  " + finding;
  CHECK_MESSAGE(findings.empty(), lines);
}

template <class Keep, class Check>
void for_cases(Keep keep, Check check) {
  for (const OpCase& c : selected_cases()) {
    if (keep(c)) expect_none(check(c));
  }
}

bool any(const OpCase&) {
  return true;
}
bool has_gradient(const OpCase& c) {
  return c.gradient;
}
bool has_bf16(const OpCase& c) {
  return c.bf16;
}

// The operators that autograd/ops.hpp declares: functions that return Variables.
std::set<std::string> declared_operators() {
  std::ifstream file(source_dir().string() + "/autograd/ops.hpp");
  std::set<std::string> names;
  const std::regex declaration(
      R"(^\[\[nodiscard\]\] (?:Variable|AddBatchNorm|std::vector<Variable>) (\w+)\()");
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_search(line, match, declaration)) names.insert(match[1]);
  }
  return names;
}

}  // namespace

TEST_SUITE_BEGIN("operators");

TEST_CASE("operators: each one that is declared has test cases and a benchmark case") {
  std::set<std::string> tested;
  std::set<std::string> timed;
  int cases = 0;
  for (const OpCase& c : all_op_cases()) {
    if (c.test) tested.insert(c.op);
    if (c.bench) timed.insert(c.op);
    cases += c.test ? 1 : 0;
    CHECK_MESSAGE((c.test || c.bench), c.op, " '", c.label, "' is neither tested nor timed");
    CHECK_MESSAGE(static_cast<bool>(c.run), c.op, " '", c.label, "' has no run");
  }
  const std::set<std::string> declared = declared_operators();
  REQUIRE(declared.size() > 30);
  for (const std::string& op : declared) {
    CHECK_MESSAGE(tested.contains(op), op, " is declared in autograd/ops.hpp without a test case");
    CHECK_MESSAGE(timed.contains(op), op, " is declared in autograd/ops.hpp without a bench case");
  }
  std::cout << "operators: " << tested.size() << " with " << cases << " cases; "
            << selected_cases().size() << " cases selected\n";
  CHECK_MESSAGE(!selected_cases().empty(), "SCIMIX_OP matches no case of any operator");
}

TEST_CASE("operators: forward in f64 against the definition") {
  for_cases(any, [](const OpCase& c) { return check_forward(c, DType::f64); });
}

TEST_CASE("operators: forward in f32 against the definition") {
  for_cases(any, [](const OpCase& c) { return check_forward(c, DType::f32); });
}

TEST_CASE("operators: forward in bf16 against the definition") {
  for_cases(has_bf16, [](const OpCase& c) { return check_forward(c, DType::bf16); });
}

TEST_CASE("operators: gradient in f64 against central differences") {
  for_cases(has_gradient, check_gradient);
}

TEST_CASE("operators: second derivative in f64 against central differences" *
          doctest::test_suite("full")) {
  for_cases(has_gradient, check_second_gradient);
}

TEST_CASE("operators: gradient in f32 against f64") {
  for_cases(has_gradient, [](const OpCase& c) { return check_gradient_in(c, DType::f32); });
}

TEST_CASE("operators: gradient in bf16 against f64") {
  for_cases([](const OpCase& c) { return c.gradient && c.bf16; },
            [](const OpCase& c) { return check_gradient_in(c, DType::bf16); });
}

TEST_CASE("operators: guarded and poisoned memory, f32") {
  for_cases(any, [](const OpCase& c) { return check_memory(c, DType::f32); });
}

TEST_CASE("operators: guarded and poisoned memory, bf16") {
  for_cases(has_bf16, [](const OpCase& c) { return check_memory(c, DType::bf16); });
}

TEST_CASE("operators: the order inside a phase does not matter") {
  for_cases(any, check_phase_order);
}

TEST_CASE("operators: a gradient wanted alone is the same") {
  for_cases(has_gradient, [](const OpCase& c) { return check_wanted(c); });
}

TEST_CASE("operators: nothing is held afterwards") {
  for_cases(any, check_released);
}

TEST_CASE("operators: the GPU against the CPU's f64") {
  for (const OpCase& c : selected_cases()) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      if (dtype == DType::bf16 && !c.bf16) continue;
      if (cuda_device_count() == 0) {
        skip_gpu_check("an operator case on the GPU against the CPU, in one element type");
        continue;
      }
      expect_none(check_forward(c, dtype, kGpu));
      if (c.gradient) {
        expect_none(check_gradient_in(c, dtype, kGpu));
        expect_none(check_wanted(c, dtype, kGpu));
      }
      expect_none(check_memory(c, dtype, kGpu));
    }
  }
}

TEST_SUITE_END();

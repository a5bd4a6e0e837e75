#include "bench/suite.hpp"

#include <array>
#include <utility>

#include "core/error.hpp"

namespace scimix {

namespace {

constexpr std::array<std::pair<Suite, const char*>, 5> kSuites{{{Suite::standard, "default"},
                                                                {Suite::cpu, "cpu"},
                                                                {Suite::cpu_tiny, "cpu-tiny"},
                                                                {Suite::gpu, "gpu"},
                                                                {Suite::gpu_tiny, "gpu-tiny"}}};

}  // namespace

Suite parse_suite(const std::string& name) {
  for (const auto& [suite, known] : kSuites) {
    if (name == known) return suite;
  }
  user_error("--suite ", name, ": expected default, cpu, cpu-tiny, gpu or gpu-tiny");
}

std::string name_of(Suite suite) {
  for (const auto& [known, name] : kSuites) {
    if (suite == known) return name;
  }
  return "?";
}

std::vector<OpCase> operators_of(Suite suite) {
  if (suite == Suite::gpu) return gpu_operators(512, 64);
  if (suite == Suite::gpu_tiny) return gpu_operators(2, 1);
  std::vector<OpCase> timed;
  if (suite != Suite::standard) return timed;
  for (OpCase& c : all_op_cases()) {
    if (c.bench) timed.push_back(std::move(c));
  }
  return timed;
}

std::vector<BenchStep> steps_of(Suite suite) {
  std::vector<BenchStep> chosen;
  for (const BenchStep& step : all_bench_steps()) {
    if (step.suite == suite) chosen.push_back(step);
  }
  return chosen;
}

}  // namespace scimix

// Execution plans of the real cuDNN for GPUs that are not there: every convolution that the
// operator tests and the networks ask for has one. cuDNN makes plans from a description of a GPU,
// so this needs the library alone.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "cases/op_case.hpp"
#include "kernels/conv/conv_plans.hpp"
#include "models/discriminator.hpp"
#include "models/generator.hpp"
#include "models/wide_resnet.hpp"
#include "network_checks.hpp"
#include "temp_folder.hpp"
#include "tests/op_harness.hpp"
#include "tests/paths.hpp"
#include "tests/skip.hpp"

using namespace scimix;

namespace {

struct Request {
  ConvKind kind;
  Conv2dGeometry geometry;
  friend auto operator<=>(const Request&, const Request&) = default;
};
using Requests = std::set<Request>;

constexpr std::int64_t kBatch = 64;

// Returns the convolutions that `run` executes, for a batch of `batch` images where that is given.
template <class F>
Requests requests_of(F run, std::optional<std::int64_t> batch = std::nullopt) {
  Requests out;
  listen_to_convs([&](ConvKind kind, const Conv2dGeometry& geometry) {
    Request request{kind, geometry};
    if (geometry.n == 0) return;
    if (batch) request.geometry.n = *batch;
    out.insert(request);
  });
  run();
  listen_to_convs(nullptr);
  return out;
}

Requests of_operators() {
  return requests_of([] {
    for (const OpCase& c : all_op_cases()) {
      const bool convolves = c.op.find("conv") != std::string::npos;
      if (c.test && convolves && c.gradient) static_cast<void>(check_gradient_in(c, DType::f32));
    }
  });
}

Variable images(std::int64_t size, std::int64_t channels, std::uint32_t item) {
  return Variable(normal_tensor({1, size, size, channels}, DType::f32, item), true);
}

// Every convolution of a training step: those of the second derivative (R1) are of the same kinds
// and sizes.
Requests of_networks(std::int64_t size, std::int64_t max_channels) {
  return requests_of(
      [&] {
        const WideResNet encoder({.depth = 28, .width = 2}, 1, kCpu);
        backward(sum(encoder.forward(images(size, 3, 0), {}).logits));
        const std::int64_t codes = encoder.features();
        const Generator generator({.image_size = size,
                                   .latent_channels = codes,
                                   .style_channels = codes,
                                   .max_channels = max_channels},
                                  1, kCpu);
        const Variable style(normal_tensor({1, codes}, DType::f32, 1), true);
        backward(sum(generator.forward(images(size / 4, codes, 2), style)));
        for (const DiscriminatorArch arch : {DiscriminatorArch::orig, DiscriminatorArch::resnet}) {
          const Discriminator critic(
              {.image_size = size, .max_channels = max_channels, .arch = arch}, 1, kCpu);
          backward(sum(critic.forward(images(size, 3, 3))));
        }
      },
      kBatch);
}

struct Precision {
  const char* name;
  DType dtype;
  bool tf32;
};
constexpr Precision kPrecisions[] = {
    {"f32", DType::f32, false}, {"tf32", DType::f32, true}, {"bf16", DType::bf16, false}};
constexpr const char* kKinds[] = {"fprop", "dgrad", "wgrad"};
constexpr const char* kGpus[] = {"h100", "a100", "rtx4090", "b200"};

struct Row {
  int problems = 0;
  int without_plan = 0;
  int not_deterministic = 0;
  int fewest = 0;  // plans offered, of the problems that have any
};
// By "precision kind" and GPU.
using Table = std::map<std::string, std::map<std::string, Row>>;

std::string description_of(const std::string& gpu) {
  return test::read_bytes(source_dir() / "tests/golden/gpu" / (gpu + ".json"));
}

// Asks for the plans of all requests in every precision. Returns what has none, one line each.
std::vector<std::string> ask(const Requests& requests, const std::string& gpu, Table& table) {
  std::vector<std::string> missing;
  const std::string description = description_of(gpu);
  for (const Precision& precision : kPrecisions) {
    std::set<ConvProblem> problems;
    for (const Request& request : requests) {
      problems.insert(with_whole_channels({.kind = request.kind,
                                           .dtype = precision.dtype,
                                           .tf32 = precision.tf32,
                                           .geometry = request.geometry}));
    }
    for (const ConvProblem& problem : problems) {
      const ConvPlans plans = cuda::conv_plans(description, problem);
      const std::string name =
          std::string(precision.name) + " " + kKinds[static_cast<int>(problem.kind)];
      Row& row = table[name][gpu];
      ++row.problems;
      if (plans.first.empty()) {
        ++row.without_plan;
        missing.push_back(text(gpu, ": ", problem, ": ", plans.reason.substr(0, 200)));
        continue;
      }
      row.not_deterministic += plans.deterministic ? 0 : 1;
      row.fewest = row.fewest == 0 ? plans.offered : std::min(row.fewest, plans.offered);
    }
  }
  return missing;
}

void print(std::ostream& out, const Table& table) {
  out << "| precision and kind | GPU | problems | without a plan | only plans that are not "
         "deterministic | "
         "fewest plans offered |\n|---|---|---:|---:|---:|---:|\n";
  for (const auto& [name, columns] : table) {
    for (const auto& [gpu, row] : columns) {
      out << "| " << name << " | " << gpu << " | " << row.problems << " | " << row.without_plan
          << " | " << row.not_deterministic << " | " << row.fewest << " |\n";
    }
  }
}

bool can_ask() {
  if (SCIMIX_WITH_CUDNN != 0) return true;
  skip_check("execution plans of cuDNN: this build does not link the real library");
  return false;
}

void expect_plans(const Requests& requests, const std::vector<std::string>& gpus) {
  REQUIRE(requests.size() > 10);
  Table table;
  std::string lines;
  for (const std::string& gpu : gpus) {
    for (const std::string& line : ask(requests, gpu, table)) lines += "\n  " + line;
  }
  CHECK_MESSAGE(lines.empty(), lines);
  // SCIMIX_PLAN_TABLE=FILE adds the table to a file.
  if (const char* const file = std::getenv("SCIMIX_PLAN_TABLE"); file != nullptr) {
    std::ofstream out(file, std::ios::app);
    print(out, table);
  }
}

}  // namespace

TEST_CASE("conv plans: every convolution of the operator tests has one, on four GPUs") {
  if (!can_ask()) return;
  expect_plans(of_operators(), {std::begin(kGpus), std::end(kGpus)});
}

TEST_CASE("conv plans: every convolution of the networks at 32 pixels has one, on four GPUs") {
  if (!can_ask()) return;
  expect_plans(of_networks(32, 256), {std::begin(kGpus), std::end(kGpus)});
}

TEST_CASE("conv plans: every convolution of the networks at 16 to 96 pixels has one, on four GPUs" *
          doctest::test_suite("full")) {
  if (!can_ask()) return;
  Requests all;
  for (const std::int64_t size : {16, 64, 96}) all.merge(of_networks(size, 256));
  all.merge(of_networks(32, 512));
  expect_plans(all, {std::begin(kGpus), std::end(kGpus)});
}

// The precompiled engines of cuDNN 9.19 have no f32 weight gradient of bf16 images. convolve() then
// takes a bf16 one, which has plans everywhere, and converts it.
TEST_CASE("conv plans: a bf16 weight gradient stands in where there is no f32 one") {
  if (!can_ask()) return;
  const Conv2dGeometry geometry = conv2d_geometry({kBatch, 32, 32, 32}, {32, 3, 3, 32}, {});
  for (const std::string gpu : kGpus) {
    CAPTURE(gpu);
    ConvProblem problem{.kind = ConvKind::wgrad, .dtype = DType::bf16, .geometry = geometry};
    const ConvPlans narrow = cuda::conv_plans(description_of(gpu), problem);
    CHECK_FALSE(narrow.first.empty());
    problem.wide_gradient = true;
    const ConvPlans wide = cuda::conv_plans(description_of(gpu), problem);
    MESSAGE(gpu << ": f32 weight gradient of bf16 images: "
                << (wide.first.empty() ? "no plan" : wide.first));
  }
}

TEST_CASE("conv plans: a problem that no engine computes is reported with cuDNN's reason") {
  if (!can_ask()) return;
  ConvProblem problem{.kind = ConvKind::fprop,
                      .dtype = DType::bf16,
                      .geometry = conv2d_geometry({2, 8, 8, 3}, {5, 3, 3, 3}, {})};
  problem.geometry.p = 5;  // not the size that x and w have
  const ConvPlans plans = cuda::conv_plans(description_of("h100"), problem);
  CHECK(plans.first.empty());
  CHECK_FALSE(plans.reason.empty());
  CHECK_THROWS_WITH_AS(static_cast<void>(cuda::conv_plans("{", problem)),
                       doctest::Contains("does not understand"), Error);
}

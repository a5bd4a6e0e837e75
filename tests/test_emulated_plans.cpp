// How the CUDA backend chooses execution plans of cuDNN: which it times and how, which it must not
// take, and what it does with a plan file that fits no more. The emulated cuDNN has the habits of
// other releases for this (emulated/cudnn.cpp).
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "core/device.hpp"
#include "core/graph.hpp"
#include "cuda_calls.hpp"
#include "differences.hpp"
#include "kernels/conv/conv.hpp"
#include "kernels/elementwise/elementwise.hpp"
#include "network_checks.hpp"
#include "planted.hpp"
#include "skip.hpp"
#include "temp_folder.hpp"

using namespace scimix;
using test::in_f64;
using test::not_planted;
using test::ProgramResult;

namespace {

constexpr Device kGpu{Device::Kind::cuda, 0};

}  // namespace

TEST_SUITE_BEGIN("emulated GPU");

namespace {

// A launch takes the host longer than a small convolution takes the GPU, so plans whose single
// executions are timed look alike.
void convolve_for_the_first_time(DType dtype) {
  select_device(kGpu);
  const auto ones = [&](const Shape& shape) {
    Tensor out = Tensor::empty(shape, dtype, kGpu);
    fill(out, 1.0);
    return out;
  };
  const Tensor x = ones({1, 4, 4, 8});
  const Tensor w = ones({8, 3, 3, 8});
  const Conv2dGeometry geometry = conv2d_geometry(x.shape(), w.shape(), {});
  Tensor y = Tensor::empty(geometry.y_shape(), dtype, kGpu);
  for (const char* const time : {"first", "second"}) {
    conv_fprop(x, w, y, geometry);
    std::printf("%s: %d graphs started\n", time,
                static_cast<int>(emulated::calls_of("cudaGraphLaunch")));
  }
  // In the corner of an image, 4 of the 9 taps lie inside it, and all of them in its middle.
  const std::vector<double> sums = y.to_doubles();
  CHECK(sums[0] == 4 * 8);
  CHECK(sums[(4 + 1) * 8] == 9 * 8);
}

// Returns the number that a planted case has printed after `word` and a colon.
double printed(const ProgramResult& result, const std::string& word) {
  CAPTURE(result.out);
  CAPTURE(result.error);
  CHECK(result.exit_code == 0);
  const auto at = result.out.find(word + ": ");
  REQUIRE(at != std::string::npos);
  return std::atof(result.out.c_str() + at + word.size() + 2);
}

}  // namespace

TEST_CASE("planted: a small convolution for the first time" * doctest::skip(not_planted())) {
  convolve_for_the_first_time(DType::f32);
}
TEST_CASE("planted: a small convolution in bf16 for the first time" *
          doctest::skip(not_planted())) {
  convolve_for_the_first_time(DType::bf16);
}

TEST_CASE("emulated: execution plans are timed as graphs, once") {
  const ProgramResult result = test::run_planted("a small convolution for the first time");
  // Each plan is executed once to begin with, and three times to be timed.
  CHECK(printed(result, "first") >= 4);
  CHECK(printed(result, "second") == printed(result, "first"));
}

// The plan file may come from another build of cuDNN. Strict f32 leaves one plan of the emulated
// cuDNN, engine 0: the others round their inputs or are not deterministic. So every measurement
// finds the same.
TEST_CASE("emulated: a plan of the plan file that cuDNN does not have is measured anew") {
  const test::TempFolder folder;
  const auto graphs_started = [&] {
    const test::WithEnvironment environment(
        test::Environment{{"SCIMIX_PLANTED", "1"}, {"SCIMIX_CACHE_DIR", folder.path().string()}});
    return printed(test::run_program("scimix_tests", {"--test-case=planted: a small convolution "
                                                      "for the first time"}),
                   "first");
  };
  CHECK(graphs_started() >= 4);
  REQUIRE(folder.count() == 1);
  const std::filesystem::path file = std::filesystem::directory_iterator(folder.path())->path();
  const std::string measured = test::read_bytes(file);
  CHECK(graphs_started() == 0);
  const std::string plan = "\"eng0\"";
  const auto at = measured.find(plan);
  REQUIRE(at != std::string::npos);
  test::write_bytes(file, std::string(measured).replace(at, plan.size(), "\"eng99\""));
  CHECK(graphs_started() >= 4);
  CHECK(test::read_bytes(file) == measured);
}

// In bf16 the emulated cuDNN has several plans, and offers that of engine 4 first.
TEST_CASE("emulated: only as many execution plans are timed as the user allows") {
  const ProgramResult result = test::run_planted("a small convolution in bf16 for the first time",
                                                 {{"SCIMIX_PLAN_CANDIDATES", "1"}});
  CHECK(printed(result, "first") == 4);
  const ProgramResult usual = test::run_planted("a small convolution in bf16 for the first time");
  CHECK(printed(usual, "first") >= 2 * 4);
}

// A plan may want more workspace than a convolution is worth, or do what a capture forbids without
// saying so. If such a plan were taken, as many graphs would be started as without the fault, or
// ending the capture would fail.
TEST_CASE("emulated: execution plans that may not be taken leave the others to choose from") {
  const auto graphs_started = [](const char* habit) {
    return printed(test::run_planted("a small convolution in bf16 for the first time",
                                     {{"SCIMIX_EMULATED_CUDNN", habit}}),
                   "first");
  };
  const double usual = graphs_started("none");
  for (const char* const habit : {"large-workspace", "breaks-captures"}) {
    CAPTURE(std::string(habit));
    const double started = graphs_started(habit);
    CHECK(started >= 4);
    CHECK(started < usual);
  }
}

TEST_CASE("planted: a convolution that a capture meets first" * doctest::skip(not_planted())) {
  select_device(kGpu);
  const Tensor x = Tensor::zeros({1, 4, 4, 8}, DType::f32, kGpu);
  const Tensor w = Tensor::zeros({8, 3, 3, 8}, DType::f32, kGpu);
  const Conv2dGeometry geometry = conv2d_geometry(x.shape(), w.shape(), {});
  Tensor y = Tensor::empty(geometry.y_shape(), DType::f32, kGpu);
  const MemoryArena arena(kGpu);
  try {
    const Graph graph(kGpu, arena, [&] { conv_fprop(x, w, y, geometry); });
    graph.replay();
    std::printf("captured: %g\n", y.to_doubles()[0]);
  } catch (const Error& error) {
    std::printf("refused: %s\n", error.what());
  }
  // The stream can be used again.
  fill(y, 3.0);
  CHECK(y.to_doubles()[0] == 3);
}

TEST_CASE("emulated: a capture in which no execution plan can be built names the convolution") {
  const char* const name = "a convolution that a capture meets first";
  CHECK(printed(test::run_planted(name), "captured") == 0);
  const ProgramResult result = test::run_planted(name, {{"SCIMIX_EMULATED_CUDNN", "no-plans"}});
  CAPTURE(result.out);
  CHECK(result.exit_code == 0);
  CHECK(result.out.find("refused: ") != std::string::npos);
  CHECK(result.out.find("cuDNN has no plan for conv_fprop, f32, x [1,4,4,8], w [8,3,3,8]") !=
        std::string::npos);
}

TEST_CASE("planted: an f32 weight gradient of bf16 images" * doctest::skip(not_planted())) {
  select_device(kGpu);
  const Tensor x = normal_tensor({1, 5, 4, 8}, DType::bf16, 1);
  const Tensor gy = normal_tensor({1, 5, 4, 8}, DType::bf16, 2);
  const Shape w{8, 3, 3, 8};
  const Conv2dGeometry geometry = conv2d_geometry(x.shape(), w, {});
  Tensor exact = Tensor::empty(w, DType::f64);
  conv_wgrad(in_f64(gy), in_f64(x), exact, geometry);
  Tensor found = Tensor::empty(w, DType::f32, kGpu);
  conv_wgrad(gy.to(kGpu), x.to(kGpu), found, geometry);
  std::printf("distance: %.3g\n", test::relative_distance(found, exact));
}

// A cuDNN that computes such gradients may also have plans that round them on the way. The emulated
// one offers such a plan first. As only one candidate is timed here, it would be taken if it were
// not barred. Rounding to
// f32 costs at most 2^-24 = 6e-8 of a number, and rounding to bf16 some 2^-10 = 1e-3.
TEST_CASE("emulated: f32 weight gradients of bf16 images are rounded only if cuDNN must") {
  const auto distance = [](const char* habit) {
    return printed(
        test::run_planted("an f32 weight gradient of bf16 images",
                          {{"SCIMIX_EMULATED_CUDNN", habit}, {"SCIMIX_PLAN_CANDIDATES", "1"}}),
        "distance");
  };
  CHECK(distance("wide-gradients") < 1e-7);
  const double rounded = distance("none");
  CHECK(rounded > 1e-4);
  CHECK(rounded < 1e-2);
}

TEST_SUITE_END();

// Evaluations: their memory does not grow with the images' size, and none is made twice.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <limits>
#include <numeric>
#include <sstream>

#include "autograd/tape.hpp"
#include "command_line.hpp"
#include "core/allocator.hpp"
#include "core/work.hpp"
#include "tests/tiny_generator.hpp"
#include "tests/tiny_runs.hpp"
#include "tools/eval/eval_accuracy.hpp"
#include "tools/eval/eval_transfer.hpp"
#include "tools/mix/mix_images.hpp"
#include "trainers/classifier_run.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/generator_evaluation.hpp"
#include "trainers/generator_run.hpp"
#include "trainers/mixers.hpp"

using namespace scimix;
using test::operator+;
using test::TempFolder;
using test::Words;
using test::words_of;

namespace {

// At this side, an evaluation takes a quarter of --batch images at a time.
constexpr std::int64_t kSide = 64;
constexpr std::int64_t kImages = 20;
constexpr std::int64_t kBatch = 20;

const Dataset& large_digits() {
  static const Dataset set =
      load_dataset("digits", "", {.size = kSide, .digits_train = 20, .digits_test = kImages});
  return set;
}

const Autoencoder& networks() {
  static const Autoencoder made = test::tiny_networks(kSide);
  return made;
}

// The bytes that `work` needs on the device at one time.
std::size_t peak_of(const std::function<void()>& work) {
  reset_peak(kCpu);
  const std::size_t before = memory_stats(kCpu).in_use;
  work();
  return memory_stats(kCpu).peak - before;
}

// Calls a command of scimix_eval in this process.
void call(int (*command)(const std::vector<std::string>&), const Words& arguments) {
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  CHECK(command(arguments) == 0);
  std::cout.rdbuf(before);
}

std::size_t peak_of_mixing(std::int64_t pairs) {
  const ResidentSet images(large_digits().test, kCpu);
  std::vector<std::int32_t> some(static_cast<std::size_t>(pairs));
  std::iota(some.begin(), some.end(), 0);
  return peak_of([&] {
    const Tensor x = images.plain(some, DType::f32).images.value();
    (void)scimix_mixer(networks())(x, x, 0);
  });
}

}  // namespace

TEST_CASE("memory of evaluations: --batch counts images of 32x32 pixels in every program" *
          doctest::test_suite("full")) {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  test::train(words_of("classifier --digits-train 20 --digits-test 20 --image-size 64 --crop-pad 1 "
                       "--depth 10 --width 1 --batch 4 --steps 1 --device cpu") +
              Words{"--out", run});
  const std::string generator = (folder / "g.safetensors").string();
  test::save_generator(generator, networks());
  const ResidentSet images(large_digits().test, kCpu);
  const WideResNet network({.depth = 10, .width = 1, .classes = 10}, 3, kCpu);
  const auto peak_at = [&](std::int64_t batch) {
    return peak_of([&] { (void)evaluate(network, images, batch, DType::f32); });
  };
  REQUIRE(peak_at(kBatch) > 3 * peak_at(kBatch / 4));

  CHECK(peak_of([&] { call(eval_accuracy, Words{run} + words_of("--device cpu --batch 20")); }) <
        peak_at(kBatch) / 2);
  // As few pairs as images, and few hybrids whose diversity is measured: the batch decides the
  // peak.
  const Words transfer{"--generator", generator, "--oracle",
                       run,           "--grid",  (folder / "grid.png").string()};
  CHECK(peak_of([&] {
          call(eval_transfer, transfer + words_of("--digits-train 20 --digits-test 10 --pairs 24 "
                                                  "--grid-pairs 24 --device cpu --batch 20"));
        }) < 3 * peak_of_mixing(kBatch) / 4);

  Pairs pairs;
  for (std::int32_t i = 0; i < kImages; ++i) {
    pairs.content.push_back(i);
    pairs.scene.push_back((i + 1) % kImages);
  }
  const Dataset& digits = large_digits();
  MixedImages mixed;
  CHECK(peak_of([&] {
          mixed = mix_images(networks(), digits.test, digits.test.labels, digits.test, pairs,
                             {.batch = kBatch}, kCpu);
        }) < peak_of_mixing(kBatch) / 2);
  // All pairs, in their order.
  CHECK(mixed.parents.content == pairs.content);
  CHECK(peak_of([&] { (void)sample_grid(networks(), images, kImages, kBatch / 4); }) <
        peak_of_mixing(kBatch) / 2);
}

TEST_CASE("a picture of samples does not depend on how many pairs are mixed at a time") {
  const ResidentSet images(large_digits().test, kCpu);
  const std::vector<std::uint8_t> whole = sample_grid(networks(), images, 5, 5);
  const std::vector<std::uint8_t> parts = sample_grid(networks(), images, 5, 2);
  REQUIRE(whole.size() == static_cast<std::size_t>(5 * 4 * kSide * kSide * 3));
  REQUIRE(parts.size() == whole.size());
  int largest = 0;  // f32, other sizes of matrix products
  for (std::size_t i = 0; i < whole.size(); ++i) {
    largest = std::max(largest, std::abs(int{whole[i]} - int{parts[i]}));
  }
  CHECK(largest <= 1);
}

TEST_CASE("the batch of an evaluation: a huge --batch is no overflow") {
  CHECK(evaluation_batch(250, 32, 32) == 250);
  CHECK(evaluation_batch(250, 64, 64) == 62);
  CHECK(evaluation_batch(1, 4096, 4096) == 1);
  CHECK(evaluation_batch(std::numeric_limits<std::int64_t>::max(), 32, 32) > 1'000'000'000);
}

// Each step of training adds to the metrics once, and so does each pass over the test images, which
// fit into one batch here.
TEST_CASE("a run evaluates its test images once for each evaluation, and never again at its end") {
  const TempFolder folder;
  std::ostringstream out;
  const auto metrics_of = [](const std::function<RunResult()>& run) {
    const WorkPlan plan;
    CHECK_FALSE(run().interrupted);
    return std::ranges::count(plan.entries(), "add_metrics", &WorkPlan::Entry::name);
  };
  const auto train = [&](const char* name, std::int64_t steps, std::int64_t eval_every) {
    ClassifierConfig config = test::small_config();
    config.data.digits_train = 20;
    config.data.digits_test = 30;
    config.data.image_size = 16;
    config.data.crop_pad = 2;
    config.batch = 4;
    config.steps = steps;
    config.output.device = "cpu";
    config.output.eval_every = eval_every;
    config.output.out = (folder / name).string();
    config.graphs.graph = GraphMode::off;
    return metrics_of([&] { return run_classifier(config, RunRequest{}, {out, out}); });
  };
  CHECK(train("a", 4, 2) == 4 + 2);     // after steps 2 and 4
  CHECK(train("b", 4, 1000) == 4 + 1);  // after the last step
  CHECK(train("c", 3, 2) == 3 + 2);     // after steps 2 and 3

  GeneratorRunConfig config = test::tiny_generator_config();
  config.data.digits_train = 40;
  config.data.digits_test = 30;
  config.steps = 2;
  config.output.device = "cpu";
  config.output.eval_every = 1;
  config.output.out = (folder / "g").string();
  config.graphs.graph = GraphMode::off;
  config.output.eval_batch = 100;
  // Both evaluations measure C on the test images and on hybrids.
  CHECK(metrics_of([&] { return run_generator(config, RunRequest{}, {out, out}); }) == 2 + 2 * 2);
}

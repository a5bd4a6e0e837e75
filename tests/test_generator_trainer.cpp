// Training of the generator: it learns, it resumes bit for bit, it notices divergence.
#include <doctest/doctest.h>

#include "core/allocator.hpp"
#include "core/device.hpp"
#include "core/error.hpp"
#include "skip.hpp"
#include "temp_folder.hpp"
#include "tiny_runs.hpp"
#include "trainers/generator_checkpoint.hpp"
#include "trainers/generator_trainer.hpp"
#include "trainers/mixers.hpp"

using namespace scimix;
using namespace scimix::test;

namespace {

double term(const TrainingMetrics& metrics, Term which) {
  return metrics.terms[static_cast<std::size_t>(which)].value();
}

}  // namespace

TEST_CASE("generator training lowers its losses" * doctest::test_suite("full")) {
  GeneratorTrainer trainer(tiny_generator_config(), tiny_inputs());
  const auto mean_of_next = [&](int steps) {
    for (int i = 0; i < steps; ++i) trainer.step();
    trainer.check_finite();
    return trainer.read_metrics();
  };
  const TrainingMetrics first = mean_of_next(10);
  static_cast<void>(mean_of_next(40));
  const TrainingMetrics last = mean_of_next(10);
  CHECK(term(last, Term::reconstruction) < 0.8 * term(first, Term::reconstruction));
  CHECK(term(last, Term::supervised) < term(first, Term::supervised));
  CHECK(term(last, Term::critic_real) > 0);
  CHECK_FALSE(first.terms[static_cast<std::size_t>(Term::consistency)].has_value());
}

TEST_CASE("a resumed generator run ends with the same bits as an uninterrupted one" *
          doctest::test_suite("full")) {
  const test::TempFolder folder;
  for (const std::string labels : {"all", "40"}) {  // 40: Mean Teacher as well
    CAPTURE(labels);
    GeneratorRunConfig config = tiny_generator_config();
    config.noise = true;
    config.steps = 12;
    const auto path = folder / (labels + ".safetensors");
    GeneratorTrainer whole(config, tiny_inputs(labels));
    for (int i = 0; i < 5; ++i) whole.step();
    whole.save(path);
    for (int i = 0; i < 7; ++i) whole.step();

    GeneratorTrainer resumed(config, tiny_inputs(labels));
    resumed.load(path);
    CHECK(resumed.steps_done() == 5);
    for (int i = 0; i < 7; ++i) resumed.step();
    whole.save(folder / "whole.safetensors");
    resumed.save(folder / "resumed.safetensors");
    CHECK(test::read_bytes(folder / "whole.safetensors") ==
          test::read_bytes(folder / "resumed.safetensors"));
  }
}

TEST_CASE("a diverging generator run names the step, the phase and the term") {
  GeneratorRunConfig config = tiny_generator_config();
  config.sgd.learning_rate = 1e30;
  GeneratorTrainer trainer(config, tiny_inputs());
  trainer.step();
  trainer.check_finite();  // the first step's losses are those of the initial weights
  trainer.step();
  trainer.step();
  CHECK_THROWS_WITH_AS(trainer.check_finite(),
                       doctest::Contains("step 2, phase critic: the loss term critic_rec"), Error);
}

TEST_CASE("parameters that are not finite are not saved") {
  const test::TempFolder folder;
  GeneratorRunConfig config = tiny_generator_config();
  config.adam.learning_rate = 1e38;  // an update of Adam is about as large as its learning rate
  config.steps = 100;
  GeneratorTrainer trainer(config, tiny_inputs());
  const auto path = folder / "a.safetensors";
  const auto parameters = trainer.networks().generator().parameters().parameters();
  while (first_not_finite(parameters).empty()) trainer.step();
  CHECK_THROWS_WITH_AS(
      trainer.save(path),
      doctest::Contains("has an element that is not a finite number; try a smaller"), Error);
  CHECK_FALSE(std::filesystem::exists(path));
}

namespace {

Tensor first_weight(const Autoencoder& networks) {
  return networks.generator().parameters().parameters().front().value();
}

// Saves a generator of an f64 run, and returns its first weight.
std::vector<double> save_in_f64(const std::filesystem::path& path) {
  GeneratorRunConfig config = tiny_generator_config();
  config.precision = Precision::f64;
  GeneratorTrainer trainer(config, tiny_inputs());
  trainer.step();
  trainer.save(path);
  return first_weight(trainer.average()).to_doubles();
}

std::vector<double> rounded_to_f32(std::vector<double> values) {
  for (double& value : values) value = static_cast<float>(value);
  return values;
}

}  // namespace

TEST_CASE("a generator in f64 is loaded in f32 and in f64") {
  const test::TempFolder folder;
  const auto path = folder / "wide.safetensors";
  const std::vector<double> saved = save_in_f64(path);
  CHECK(first_weight(load_generator(path, kCpu, DType::f64).networks).to_doubles() == saved);
  const Tensor narrow = first_weight(load_generator(path, kCpu).networks);
  CHECK(narrow.dtype() == DType::f32);
  CHECK(narrow.to_doubles() == rounded_to_f32(saved));
  CHECK(narrow.to_doubles() != saved);
}

TEST_CASE("the GPU loads a generator that was trained in f64") {
  if (cuda_device_count() == 0) return skip_gpu_check("a generator in f64, loaded on the GPU");
  const test::TempFolder folder;
  const auto path = folder / "wide.safetensors";
  const std::vector<double> saved = save_in_f64(path);
  const Device gpu{Device::Kind::cuda, 0};
  CHECK(first_weight(load_generator(path, gpu).networks).to_doubles() == rounded_to_f32(saved));
}

TEST_CASE("a steady generator step asks the system for no memory") {
  GeneratorTrainer trainer(tiny_generator_config(), tiny_inputs("40"));
  for (int i = 0; i < 6; ++i) trainer.step();  // two of them with R1
  const std::uint64_t before = memory_stats(kCpu).system_calls;
  for (int i = 0; i < 8; ++i) trainer.step();
  CHECK(memory_stats(kCpu).system_calls == before);
}

TEST_CASE("a trained generator is loaded as it was saved, and mixes what it is given") {
  const test::TempFolder folder;
  for (const char* variant : {"full", "structural-zc"}) {
    CAPTURE(variant);
    GeneratorRunConfig config = tiny_generator_config();
    config.variant = choice_of<Variant>(variant);
    GeneratorTrainer trainer(config, tiny_inputs());
    for (int i = 0; i < 3; ++i) trainer.step();
    const auto path = folder / (std::string(variant) + ".safetensors");
    trainer.save(path);
    const TrainedGenerator loaded = load_generator(path, kCpu);
    CHECK(loaded.class_names == tiny_inputs().dataset.class_names);
    const ResidentSet test(tiny_inputs().dataset.test, kCpu);
    const std::vector<std::int32_t> content{0, 1, 2};
    const std::vector<std::int32_t> scene{3, 4, 5};
    const Tensor x_c = test.plain(content, DType::f32).images.value();
    const Tensor x_r = test.plain(scene, DType::f32).images.value();
    const Tensor here = scimix_mixer(trainer.average())(x_c, x_r, 0);
    const Tensor there = scimix_mixer(loaded.networks)(x_c, x_r, 0);
    CHECK(here.to_doubles() == there.to_doubles());
    for (const double value : here.to_doubles()) CHECK(std::abs(value) <= 1.0);
    // Both parents matter.
    CHECK(scimix_mixer(loaded.networks)(x_r, x_r, 0).to_doubles() != there.to_doubles());
    CHECK(scimix_mixer(loaded.networks)(x_c, x_c, 0).to_doubles() != there.to_doubles());
  }
}

TEST_CASE("evaluation and samples of a generator") {
  GeneratorTrainer trainer(tiny_generator_config(), tiny_inputs());
  trainer.step();
  const GeneratorEvaluation e = trainer.evaluate_ema();
  CHECK(e.classifier.images == 100);
  CHECK(e.transfer.pairs == 50);
  CHECK(e.reconstruction > 0);
  CHECK(trainer.samples().size() == 3U * 4U * 16U * 16U * 3U);
  CHECK(trainer.samples() == trainer.samples());
}

TEST_CASE("a generator's checkpoint must be one, and of this data") {
  const test::TempFolder folder;
  GeneratorTrainer trainer(tiny_generator_config(), tiny_inputs());
  const auto path = folder / "generator.safetensors";
  trainer.save(path);
  GeneratorRunConfig wider = tiny_generator_config();
  wider.g_channels = 16;
  GeneratorTrainer other(wider, tiny_inputs());
  CHECK_THROWS_WITH_AS(other.load(path), doctest::Contains("expected ["), Error);
  const auto elsewhere = folder / "other.safetensors";
  save_checkpoint(elsewhere, {}, {{"format", "scimix-classifier-1"}});
  CHECK_THROWS_WITH_AS(static_cast<void>(load_generator(elsewhere, kCpu)),
                       doctest::Contains("expected \"scimix-generator-2\""), Error);
  CHECK_THROWS_WITH_AS(trainer.load(elsewhere), doctest::Contains("scimix-generator-2"), Error);
}

TEST_CASE("what a generator run refuses before it starts") {
  GeneratorRunConfig config = tiny_generator_config();
  CHECK_THROWS_WITH_AS(static_cast<void>(choice_of<Variant>("no_hyb")),
                       doctest::Contains("did you mean no-hyb?"), Error);
  config.minibatch_std = 3;
  CHECK_THROWS_WITH_AS(check(config), doctest::Contains("expected a divisor of --batch 8"), Error);
  config = tiny_generator_config();
  config.batch = 1;
  CHECK_THROWS_WITH_AS(check(config), doctest::Contains("--batch 1: expected 2 to 100000"), Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(choice_of<WeightPreset>("papr")),
                       doctest::Contains("did you mean paper?"), Error);

  check_generated_size(512, Precision::f32);
  CHECK_THROWS_WITH_AS(check_generated_size(1024, Precision::f32),
                       doctest::Contains("images of 1024x1024 pixels: expected at most 512x512"),
                       Error);
  CHECK_THROWS_WITH_AS(check_generated_size(512, Precision::f64),
                       doctest::Contains("expected at most 256x256 for a generator in f64"), Error);
  config = tiny_generator_config();
  config.r1_every = std::int64_t{1} << 32;
  CHECK_THROWS_WITH_AS(check(config), doctest::Contains("--r1-every 4294967296: expected"), Error);
  config = tiny_generator_config();
  config.variant = Variant::no_hyb;
  config.weights = {.reconstruction = 0, .adversarial = 0, .semantic = 0};
  CHECK_THROWS_WITH_AS(GeneratorTrainer(config, tiny_inputs()),
                       doctest::Contains("no loss that this run computes has a weight above 0"),
                       Error);

  RunInputs odd = tiny_inputs();
  odd.dataset = load_dataset("digits", "", {.size = 36, .digits_train = 20, .digits_test = 10});
  CHECK_THROWS_WITH_AS(GeneratorTrainer(tiny_generator_config(), odd),
                       doctest::Contains("no number of stages fits"), Error);
}

TEST_CASE("a generator whose test images make no pair is refused before training") {
  RunInputs one = tiny_inputs();
  ImageSet& test = one.dataset.test;
  test.count = 1;
  test.pixels.resize(static_cast<std::size_t>(test.image_bytes()));
  test.labels.resize(1);
  CHECK_THROWS_WITH_AS(GeneratorTrainer(tiny_generator_config(), one),
                       doctest::Contains("test images: 1, expected at least 2"), Error);
}

TEST_CASE("the paper's preset has the printed weights") {
  const LossWeights paper = preset_weights(WeightPreset::paper);
  CHECK(paper.reconstruction == 1);
  CHECK(paper.adversarial == 1);
  CHECK(paper.class_minus == 0.1);
  CHECK(preset_weights(WeightPreset::tuned).reconstruction == 5);
}

// Supervised training: it learns, it resumes bit for bit, it notices divergence.
#include <doctest/doctest.h>

#include "autograd/tape.hpp"
#include "core/allocator.hpp"
#include "core/error.hpp"
#include "temp_folder.hpp"
#include "trainers/classifier_trainer.hpp"

using namespace scimix;

namespace {

ClassifierConfig small_config() {
  ClassifierConfig config;
  config.data.digits_train = 400;
  config.data.digits_test = 100;
  config.model.depth = 10;
  config.model.width = 1;
  config.batch = 32;
  config.steps = 150;
  config.sgd.learning_rate = 0.1;
  config.ema_decay = 0.9;
  config.model.norm_momentum = 0.1;
  return config;
}

// The digits of the tests, drawn once.
const Dataset& digits() {
  static const Dataset set = [] {
    const ClassifierConfig config = small_config();
    return load_dataset(
        "digits", "",
        {.digits_train = config.data.digits_train, .digits_test = config.data.digits_test});
  }();
  return set;
}

ClassifierTrainer make_trainer(const ClassifierConfig& config) {
  return {config, digits(), make_split(digits(), std::nullopt, 0), kCpu};
}

}  // namespace

TEST_CASE("supervised training lowers the loss and lifts the accuracy") {
  ClassifierTrainer trainer = make_trainer(small_config());
  const auto mean_of_next = [&](int steps) {
    static_cast<void>(trainer.read_metrics());
    for (int i = 0; i < steps; ++i) trainer.step();
    return trainer.read_metrics();
  };
  trainer.step();
  const TrainingMetrics first = mean_of_next(10);
  static_cast<void>(mean_of_next(129));
  const TrainingMetrics last = mean_of_next(10);
  CHECK(last.loss < 0.9 * first.loss);
  CHECK(last.accuracy > first.accuracy + 0.05);
}

TEST_CASE("a resumed run ends with the same bits as an uninterrupted one") {
  const test::TempFolder folder;
  const ClassifierConfig config = small_config();
  {
    ClassifierTrainer whole = make_trainer(config);
    for (int i = 0; i < 9; ++i) {
      if (i == 4) whole.save(folder / "middle.safetensors");
      whole.step();
    }
    whole.save(folder / "whole.safetensors");
  }
  ClassifierTrainer resumed = make_trainer(config);
  resumed.step();  // whatever it did before is overwritten
  resumed.load(folder / "middle.safetensors");
  CHECK(resumed.steps_done() == 4);
  while (resumed.steps_done() < 9) resumed.step();
  resumed.save(folder / "resumed.safetensors");
  CHECK(test::read_bytes(folder / "resumed.safetensors") ==
        test::read_bytes(folder / "whole.safetensors"));
}

TEST_CASE("a checkpoint of other images or another model is refused") {
  const test::TempFolder folder;
  const auto path = folder / "a.safetensors";
  make_trainer(small_config()).save(path);
  ClassifierConfig wider = small_config();
  wider.model.width = 2;
  ClassifierTrainer other = make_trainer(wider);
  try {
    other.load(path);
    FAIL("loaded a checkpoint of another width");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::user);
    const std::string message = error.what();
    CAPTURE(message);
    CHECK(message.find("has shape [") != std::string::npos);
    CHECK(message.find("expected [") != std::string::npos);
  }
  const Dataset more = load_dataset("digits", "", {.digits_train = 410, .digits_test = 100});
  ClassifierTrainer elsewhere(small_config(), more, make_split(more, std::nullopt, 0), kCpu);
  CHECK_THROWS_WITH_AS(elsewhere.load(path), doctest::Contains("trained on images with hash"),
                       Error);
}

TEST_CASE("a loss that is no number stops the run and names the step") {
  ClassifierConfig config = small_config();
  config.sgd.learning_rate = 1e30;
  ClassifierTrainer trainer = make_trainer(config);
  for (int i = 0; i < 4; ++i) trainer.step();
  CHECK_THROWS_WITH_AS(trainer.check_finite(), doctest::Contains("step 4"), Error);
}

TEST_CASE("a steady training step asks the system for no memory") {
  ClassifierTrainer trainer = make_trainer(small_config());
  for (int i = 0; i < 3; ++i) trainer.step();
  const std::uint64_t before = memory_stats(kCpu).system_calls;
  for (int i = 0; i < 5; ++i) trainer.step();
  CHECK(memory_stats(kCpu).system_calls == before);
}

TEST_CASE("evaluation counts every test image once, whatever the batch") {
  ClassifierConfig config = small_config();
  config.output.eval_batch = 100;
  ClassifierTrainer trainer = make_trainer(config);
  for (int i = 0; i < 5; ++i) trainer.step();
  const Evaluation whole = trainer.evaluate_ema();
  CHECK(whole.images == 100);
  const auto path = test::TempFolder();
  trainer.save(path / "a.safetensors");
  config.output.eval_batch = 33;
  ClassifierTrainer parts = make_trainer(config);
  parts.load(path / "a.safetensors");
  const Evaluation cut = parts.evaluate_ema();
  CHECK(cut.accuracy == whole.accuracy);
  CHECK(cut.loss == doctest::Approx(whole.loss).epsilon(1e-5));
}

TEST_CASE("bf16 training follows f32") {
  ClassifierConfig config = small_config();
  ClassifierTrainer f32 = make_trainer(config);
  config.precision = "bf16";
  ClassifierTrainer bf16 = make_trainer(config);
  for (int i = 0; i < 10; ++i) {
    f32.step();
    bf16.step();
  }
  // Same start, same images: ten steps part by rounding alone. bf16 keeps 8 bits.
  CHECK(bf16.read_metrics().loss == doctest::Approx(f32.read_metrics().loss).epsilon(0.05));
}

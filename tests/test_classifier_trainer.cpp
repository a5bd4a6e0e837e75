// Training of a classifier: it learns, it resumes bit for bit, it notices divergence. What holds
// for every method with every kind of hybrids is in test_method_matrix.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>

#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "core/safetensors.hpp"
#include "temp_folder.hpp"
#include "tiny_runs.hpp"
#include "trainers/classifier_trainer.hpp"
#include "user_errors.hpp"

using namespace scimix;
using namespace scimix::test;

namespace {

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

double loss_of(const TrainingMetrics& metrics) {
  return metrics.terms.at(static_cast<std::size_t>(ClassifierTerm::supervised)).value();
}

const std::vector<std::string> kMethods{"supervised", "mean-teacher", "mean-teacher-b", "fixmatch"};
double norm(const Slab& slab) {
  double sum = 0;
  for (const double value : slab.flat().to_doubles()) sum += value * value;
  return std::sqrt(sum);
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
  CHECK(loss_of(last) < 0.9 * loss_of(first));
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

TEST_CASE("no training step touches the generator") {
  const auto networks = [] {
    std::vector<const ParameterStore*> all{&generator().semantic_encoder().parameters(),
                                           &generator().scene_encoder().parameters(),
                                           &generator().generator().parameters()};
    return all;
  };
  const auto state = [&] {
    std::vector<double> all;
    for (const ParameterStore* store : networks()) {
      for (const double value : store->parameter_slab().flat().to_doubles()) all.push_back(value);
      for (const auto& buffer : store->buffers()) {
        for (const double value : buffer.value().to_doubles()) all.push_back(value);
      }
    }
    return all;
  };
  const std::vector<double> before = state();
  for (const std::string& method : kMethods) {
    CAPTURE(method);
    ClassifierConfig config = tiny_config(method);
    config.hybrids.mixer = MixerKind::scimix;
    config.init_from = InitFrom::generator;
    ClassifierTrainer trainer = tiny_trainer(config);
    for (int i = 0; i < 3; ++i) trainer.step();
    CHECK(state() == before);
    for (const ParameterStore* store : networks()) CHECK(norm(store->gradient_slab()) == 0);
  }
}

// The first step's loss has the weights of step 0. A weight that grows is then 0 or nearly so, and
// only what has no ramp teaches.
TEST_CASE("hybrids with labels count from the first step, predicted ones grow") {
  for (const std::string use : {"contradict", "labeled"}) {
    CAPTURE(use);
    const auto after_one_step = [&](const std::string& mixer) {
      ClassifierConfig config = tiny_config("mean-teacher");
      config.hybrids.mixer = choice_of<MixerKind>(mixer);
      config.hybrids.use = choice_of<HybridUse>(use);
      ClassifierTrainer trainer = tiny_trainer(config);
      trainer.step();
      return trainer.model().parameters().parameter_slab().flat().to_doubles();
    };
    const std::vector<double> with = after_one_step("mixup");
    const std::vector<double> without = after_one_step("none");
    double apart = 0;
    for (std::size_t i = 0; i < with.size(); ++i) {
      apart = std::max(apart, std::abs(with[i] - without[i]));
    }
    if (use == "labeled") CHECK(apart > 1e-4);
    if (use == "contradict") CHECK(apart < 1e-7);  // rounding: their gradients are times 0
  }
}

TEST_CASE("settings that a method does not have change nothing") {
  const auto after = [](const ClassifierConfig& config) {
    ClassifierTrainer trainer = tiny_trainer(config);
    for (int i = 0; i < 2; ++i) trainer.step();
    return trainer.model().parameters().parameter_slab().flat().to_doubles();
  };
  ClassifierConfig config = tiny_config("supervised");
  const std::vector<double> plain = after(config);
  config.consistency.weight = 1000;
  config.fixmatch.weight = 1000;
  config.hybrids.alpha = 0.6;
  config.unlabeled_batch = 100'000;  // more than there are: of no interest
  CHECK(after(config) == plain);
}

TEST_CASE("each setting of a method changes what it learns") {
  const auto after = [](const ClassifierConfig& config) {
    ClassifierTrainer trainer = tiny_trainer(config);
    for (int i = 0; i < 3; ++i) trainer.step();
    return trainer.model().parameters().parameter_slab().flat().to_doubles();
  };
  const auto changes = [&](const std::string& method, const std::string& mixer,
                           const std::function<void(ClassifierConfig&)>& change) {
    ClassifierConfig config = tiny_config(method);
    config.hybrids.mixer = choice_of<MixerKind>(mixer);
    ClassifierConfig changed = config;
    change(changed);
    return after(config) != after(changed);
  };
  using C = ClassifierConfig;
  CHECK(changes("mean-teacher", "none", [](C& c) { c.consistency.weight = 50; }));
  CHECK(changes("mean-teacher", "none", [](C& c) { c.consistency.ramp = 1; }));
  CHECK(
      changes("mean-teacher", "none", [](C& c) { c.consistency.ramp_shape = RampShape::sigmoid; }));
  CHECK(changes("mean-teacher", "none", [](C& c) { c.norm_statistics = NormStatistics::joint; }));
  CHECK(changes("mean-teacher", "none", [](C& c) { c.input_noise = 0.1; }));
  CHECK(changes("mean-teacher", "none", [](C& c) { c.optimizer = OptimizerKind::adam; }));
  CHECK(changes("mean-teacher", "none", [](C& c) { c.ema_decay = 0.5; }));  // the teacher's
  CHECK(changes("mean-teacher", "none", [](C& c) { c.unlabeled_includes_labeled = false; }));
  CHECK(changes("supervised", "none", [](C& c) { c.supervised_weight = 0.5; }));
  CHECK(changes("fixmatch", "none", [](C& c) { c.fixmatch.threshold = 1; }));
  CHECK(changes("fixmatch", "none", [](C& c) { c.fixmatch.weight = 2; }));
  CHECK(changes("fixmatch", "none", [](C& c) { c.fixmatch.strong_operations = 0; }));
  CHECK(changes("fixmatch", "none", [](C& c) { c.fixmatch.cutout = 0; }));
  CHECK(changes("supervised", "adain", [](C& c) { c.hybrids.alpha = 0.7; }));
  CHECK(changes("supervised", "adain", [](C& c) { c.hybrids.weight = 0.5; }));
  CHECK(changes("mean-teacher", "scimix", [](C& c) { c.hybrids.filter = false; }));
  CHECK(changes("supervised", "mixup", [](C& c) { c.hybrids.mixup_alpha = 0.2; }));
  CHECK(changes("mean-teacher-b", "none", [](C& c) {
    c.early_ema_decay = 0.2;
    c.ramp_up = 1;
  }));
  CHECK(changes("mean-teacher-b", "none", [](C& c) { c.ramp_up = 0; }));
}

TEST_CASE("fewer unlabelled images than a step takes are refused") {
  ClassifierConfig config = tiny_config("mean-teacher");
  config.unlabeled_batch = 61;
  CHECK_THROWS_WITH_AS(static_cast<void>(tiny_trainer(config)),
                       "digits: 60 unlabelled images, expected at least the 61 of a step "
                       "(--unlabeled-batch)",
                       Error);
  config.unlabeled_batch = 60;
  CHECK_NOTHROW(static_cast<void>(tiny_trainer(config)));
  config.unlabeled_includes_labeled = false;  // 40 are left
  CHECK_THROWS_WITH_AS(static_cast<void>(tiny_trainer(config)),
                       doctest::Contains("40 unlabelled images, expected at least the 60"), Error);
  config.method = Method::fixmatch;
  config.unlabeled_batch = 0;
  config.batch = 6;  // 42 unlabelled ones
  CHECK_THROWS_WITH_AS(static_cast<void>(tiny_trainer(config)),
                       doctest::Contains("the 42 of a step"), Error);
}

TEST_CASE("a run shows what its networks see: views and hybrids") {
  for (const std::string& method : kMethods) {
    CAPTURE(method);
    ClassifierConfig config = tiny_config(method);
    config.hybrids.mixer = MixerKind::scimix;
    const ClassifierTrainer trainer = tiny_trainer(config);
    const std::vector<Sheet> sheets = trainer.preview(7);
    std::vector<std::string> names;
    for (const Sheet& sheet : sheets) {
      names.push_back(sheet.name);
      const std::size_t images = sheet.name == "hybrids" ? 3 * 7 : 7;
      CHECK(sheet.pixels.size() == images * 16 * 16 * 3);
      CHECK_FALSE(sheet.caption.empty());
    }
    const std::vector<std::string> expected =
        method == "fixmatch" ? std::vector<std::string>{"augmented", "strong", "hybrids"}
                             : std::vector<std::string>{"augmented", "hybrids"};
    CHECK(names == expected);
    CHECK(trainer.preview(7)[0].pixels == sheets[0].pixels);
  }
}

TEST_CASE("a checkpoint of other images or another model is refused") {
  const test::TempFolder folder;
  const auto path = folder / "a.safetensors";
  make_trainer(small_config()).save(path);
  ClassifierConfig wider = small_config();
  wider.model.width = 2;
  ClassifierTrainer other = make_trainer(wider);
  const std::string message = user_error_list_of([&] { other.load(path); });
  CAPTURE(message);
  CHECK(message.find("has shape [") != std::string::npos);
  CHECK(message.find("expected [") != std::string::npos);
  const Dataset more = load_dataset("digits", "", {.digits_train = 410, .digits_test = 100});
  ClassifierTrainer elsewhere(small_config(), more, make_split(more, std::nullopt, 0), kCpu);
  CHECK_THROWS_WITH_AS(elsewhere.load(path), doctest::Contains("trained on images with hash"),
                       Error);
}

TEST_CASE(
    "a checkpoint with other loss terms is loaded, and only the means of the log begin anew") {
  const test::TempFolder folder;
  const auto path = folder / "a.safetensors";
  ClassifierTrainer trainer = make_trainer(small_config());
  trainer.step();
  trainer.save(path);
  const SafetensorsFile file(path);
  const auto lasting = [](const TensorEntry& entry) { return !entry.name.starts_with("metrics."); };
  const auto has_means = [](ClassifierTrainer& one) {
    const auto terms = one.read_metrics().terms;
    return std::any_of(terms.begin(), terms.end(), [](const auto& mean) { return mean; });
  };
  ClassifierTrainer same = make_trainer(small_config());
  same.load(path);
  CHECK(has_means(same));
  // Two ways to notice other terms: by the names, or, in a checkpoint without names, by their
  // number.
  for (const bool named : {true, false}) {
    CAPTURE(named);
    std::vector<TensorEntry> entries(file.entries().begin(), file.entries().end());
    SafetensorsMetadata metadata = file.metadata();
    metadata["loss_terms"] = "others";
    const std::vector<float> one_term{1};
    if (!named) {
      metadata.erase("loss_terms");
      for (TensorEntry& entry : entries) {
        if (lasting(entry) || entry.name == "metrics.accuracy") continue;
        entry.shape = {1};
        entry.bytes = std::as_bytes(std::span(one_term));
      }
    }
    write_safetensors(folder / "other.safetensors", entries, metadata);
    ClassifierTrainer resumed = make_trainer(small_config());
    resumed.step();
    resumed.step();  // its sums are not zero
    resumed.load(folder / "other.safetensors");
    CHECK(resumed.steps_done() == 1);
    CHECK_FALSE(has_means(resumed));
    resumed.load(folder / "other.safetensors");
    resumed.save(folder / "again.safetensors");
    const SafetensorsFile again(folder / "again.safetensors");
    for (const TensorEntry& entry : file.entries()) {
      CAPTURE(entry.name);
      if (lasting(entry)) CHECK(std::ranges::equal(again.entry(entry.name).bytes, entry.bytes));
    }
  }
}

TEST_CASE("a loss that is no number stops the run and names the step and the term") {
  ClassifierConfig config = small_config();
  config.sgd.learning_rate = 1e30;
  ClassifierTrainer trainer = make_trainer(config);
  for (int i = 0; i < 4; ++i) trainer.step();
  // The first loss is that of the initial weights; the second sees weights of 1e30 gradients.
  CHECK_THROWS_WITH_AS(trainer.check_finite(),
                       doctest::Contains("step 2: the loss term supervised is not a finite number"),
                       Error);
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

TEST_CASE("larger images are evaluated fewer at a time, and memory stays the same") {
  const auto at_once = [](std::int64_t side) {
    const ImageSet set{.count = 1,
                       .height = side,
                       .width = side,
                       .pixels = PixelVector(static_cast<std::size_t>(side * side * 3)),
                       .labels = {0}};
    return evaluation_batch(250, ResidentSet(set, kCpu));
  };
  CHECK(at_once(16) == 250);
  CHECK(at_once(32) == 250);
  CHECK(at_once(64) == 62);
  CHECK(at_once(96) == 27);
  CHECK(at_once(1024) == 1);
}

TEST_CASE("an evaluation that is given up leaves no result, and counts no confusion unasked") {
  ClassifierTrainer trainer = make_trainer(small_config());
  int asked = 0;
  CHECK_FALSE(trainer.evaluate_ema({.give_up = [&] { return ++asked == 1; }}).has_value());
  CHECK(asked == 1);
  const auto whole = trainer.evaluate_ema({.confusion = true, .give_up = [] { return false; }});
  REQUIRE(whole.has_value());
  REQUIRE(whole->confusion.has_value());
  CHECK(whole->confusion->images() == 100);
  CHECK(whole->confusion->accuracy() == doctest::Approx(whole->accuracy));
  CHECK_FALSE(trainer.evaluate_ema().confusion.has_value());
}

TEST_CASE("an evaluation does not change what is trained") {
  ClassifierConfig config = tiny_config("mean-teacher");
  config.hybrids.mixer = MixerKind::scimix;
  ClassifierTrainer quiet = tiny_trainer(config);
  ClassifierTrainer evaluated = tiny_trainer(config);
  for (int i = 0; i < 3; ++i) {
    quiet.step();
    evaluated.step();
    static_cast<void>(evaluated.evaluate_ema());
    static_cast<void>(evaluated.preview(5));
  }
  CHECK(quiet.model().parameters().parameter_slab().flat().to_doubles() ==
        evaluated.model().parameters().parameter_slab().flat().to_doubles());
}

TEST_CASE("bf16 training follows f32" * doctest::test_suite("full")) {
  ClassifierConfig config = small_config();
  ClassifierTrainer f32 = make_trainer(config);
  config.precision = Precision::bf16;
  ClassifierTrainer bf16 = make_trainer(config);
  for (int i = 0; i < 10; ++i) {
    f32.step();
    bf16.step();
  }
  // Same start, same images: ten steps part by rounding alone. bf16 keeps 8 bits.
  CHECK(loss_of(bf16.read_metrics()) == doctest::Approx(loss_of(f32.read_metrics())).epsilon(0.05));
}

TEST_CASE("bf16 training takes every method and its hybrids" * doctest::test_suite("full")) {
  for (const std::string& method : kMethods) {
    for (const std::string mixer : {"scimix", "mixup"}) {
      CAPTURE(method);
      CAPTURE(mixer);
      ClassifierConfig config = tiny_config(method);
      config.hybrids.mixer = choice_of<MixerKind>(mixer);
      ClassifierTrainer f32 = tiny_trainer(config);
      config.precision = Precision::bf16;
      ClassifierTrainer bf16 = tiny_trainer(config);
      f32.step();
      bf16.step();
      CHECK_NOTHROW(bf16.check_finite());
      // One step from the same start: 8 bits behind ten layers, in which batch norm over few
      // values enlarges what is small.
      CHECK(loss_of(bf16.read_metrics()) ==
            doctest::Approx(loss_of(f32.read_metrics())).epsilon(0.05));
    }
  }
}

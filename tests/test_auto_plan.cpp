// The picks of scimix_train auto, with invented times of a step.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.hpp"
#include "settings/classifier_config.hpp"
#include "tools/auto/auto_plan.hpp"
#include "tools/auto/auto_settings.hpp"

using namespace scimix;

namespace {

// 20 labelled pictures of each of 10 classes, and many without a class.
AutoData many_pictures() {
  AutoData data;
  data.labeled = 200;
  data.unlabeled = 4800;
  data.test = 50;
  data.classes = 10;
  data.sides = {.smallest = 200, .median = 375, .largest = 500, .pictures = 60};
  return data;
}

AutoConfig minutes(double minutes) {
  AutoConfig asked;
  asked.minutes = minutes;
  return asked;
}

// A device that makes the usual steps at 16x16 pixels with the smallest network in 30 minutes if
// `speed` is 1. The time grows with the number of pixels, and for larger networks by 4 and by 16.
class Machine {
 public:
  explicit Machine(double speed) : speed_(speed) {}

  [[nodiscard]] AutoTimes times(const AutoCandidate& candidate, bool hybrids,
                                Method alone = Method::fixmatch) const {
    const double side = static_cast<double>(candidate.image_size) / 16;
    const double network = candidate.scale == RunScale::full ? 16 : (candidate.depth > 10 ? 4 : 1);
    const double factor = side * side * network / speed_;
    // A step of FixMatch has three times the images of a supervised one.
    if (!hybrids)
      return {.classifier = (alone == Method::supervised ? 150.0 : 450.0) / 8000 * factor};
    return {.guide = 450.0 / 8000 * factor,
            .generator = 540.0 / 3000 * factor,
            .classifier = 810.0 / 8000 * factor};
  }
  AutoPlan plan(const AutoConfig& asked, const AutoData& data) {
    return plan_auto(asked, data, measure());
  }
  AutoMeasure measure() {
    return [this](const AutoCandidate& candidate, std::optional<Method> alone) {
      if (!alone) measured.push_back(candidate);
      return times(candidate, !alone, alone.value_or(Method::fixmatch));
    };
  }

  std::vector<AutoCandidate> measured;  // with hybrids

 private:
  double speed_;
};

bool says(const AutoPlan& plan, const std::string& words) {
  return std::ranges::any_of(
      plan.reasons, [&](const std::string& line) { return line.find(words) != std::string::npos; });
}

double seconds_of(const AutoPlan& plan, const AutoTimes& times) {
  return times.guide * static_cast<double>(plan.guide_steps) +
         times.generator * static_cast<double>(plan.generator_steps) +
         times.classifier * static_cast<double>(plan.steps);
}

}  // namespace

TEST_CASE("auto: the planned steps fit the time on slow and fast devices") {
  int with_hybrids = 0;
  for (const double speed : {0.05, 0.5, 1.0, 3.0, 20.0, 300.0}) {
    for (const double time : {1.0, 10.0, 30.0, 120.0, 600.0}) {
      CAPTURE(speed);
      CAPTURE(time);
      Machine machine(speed);
      const AutoPlan plan = machine.plan(minutes(time), many_pictures());
      const double seconds = seconds_of(plan, machine.times(plan.candidate, plan.has_hybrids()));
      CHECK(seconds < 0.9 * 60 * time);
      CHECK(seconds == doctest::Approx(plan.seconds));
      CHECK(plan.steps >= 1);
      CHECK((plan.guide_steps > 0) == plan.has_hybrids());
      if (!plan.has_hybrids()) continue;
      ++with_hybrids;
      CHECK(plan.generator_steps >= 1500);
      CHECK(plan.method == Method::fixmatch);
      CHECK(machine.measured.front().image_size == 16);
    }
  }
  CHECK(with_hybrids == 20);
}

TEST_CASE("auto: half an hour on the slow device gives the smallest images, and fewer steps") {
  Machine machine(1);
  const AutoPlan plan = machine.plan(minutes(30), many_pictures());
  CHECK(plan.candidate == AutoCandidate{16, RunScale::cpu, 10, 1});
  CHECK(machine.measured.size() == 1);
  CHECK(plan.guide_steps == 6800);  // 85% of 8000, and so on: 85% of the time is for steps
  CHECK(plan.generator_steps == 2500);
  CHECK(plan.steps == 6800);
  CHECK(says(plan, "steps: fewer than usual"));
}

TEST_CASE("auto: without time for a generator there is only a classifier, which says so") {
  Machine machine(0.5);
  const AutoPlan plan = machine.plan(minutes(30), many_pictures());
  CHECK_FALSE(plan.has_hybrids());
  CHECK(plan.guide_steps == 0);
  CHECK(plan.method == Method::fixmatch);
  CHECK(plan.steps == 13600);  // 1530 s of 0.1125 s each
  CHECK(says(plan, "hybrids: none, as 30 minutes do not suffice"));
  CHECK_FALSE(says(plan, "warning"));
  CHECK(says(Machine(0.5).plan(minutes(0.05), many_pictures()), "warning: 22 steps are too few"));

  AutoConfig asked = minutes(30);  // who asks for a generator gets it
  asked.generator_steps = 700;
  const AutoPlan wanted = Machine(0.2).plan(asked, many_pictures());
  CHECK(wanted.generator_steps == 700);
  CHECK(wanted.guide_steps >= 4000);
}

TEST_CASE("auto: a weak guide leaves its time to a classifier without hybrids") {
  const AutoConfig asked = minutes(30);
  Machine machine(2);
  const AutoPlan plan = machine.plan(asked, many_pictures());
  REQUIRE(plan.plain.has_value());
  CHECK(plan.candidate == AutoCandidate{16, RunScale::cpu, 10, 1});
  // 13,600 steps of the guide take 382.5 s of the 1,530 s. The other 1,147.5 s suffice for 10,200
  // steps of a classifier at 32x32 pixels, and for 4,533 at 48x48, which is less than usual.
  CHECK(plan.guide_steps == 13600);
  CHECK(plan.plain->candidate == AutoCandidate{32, RunScale::cpu, 10, 1});
  CHECK(plan.plain->method == Method::fixmatch);
  CHECK(plan.plain->steps == 10200);
  CHECK(says(plan,
             "if the guide is right on less than 50% of the held-out images: no generator, "
             "and a fixmatch classifier without hybrids, 32x32 pixels"));

  const AutoConfig picked = with_picks(asked, plan);
  check(picked);
  const AutoRunSettings runs = auto_run_settings(picked);
  check(runs.plain);
  CHECK(runs.least_guide_accuracy == doctest::Approx(0.5));
  CHECK(runs.plain.method == Method::fixmatch);
  CHECK(runs.plain.hybrids.mixer == MixerKind::none);
  CHECK(runs.plain.data.image_size == 32);
  CHECK(runs.plain.data.crop_pad == 4);
  CHECK(runs.plain.steps == 10200);
  CHECK(runs.guide.data.image_size == 16);
  CHECK(runs.guide.data.crop_pad == 2);
}

TEST_CASE("auto: after a weak guide, the classifier is planned again for the time that is left") {
  const AutoConfig asked = minutes(30);
  Machine expected(2);
  const AutoConfig picked = with_picks(asked, expected.plan(asked, many_pictures()));
  REQUIRE(picked.plain.steps == 10200);

  // On a machine that turned out to be twice as fast, 1,147.5 s suffice for twice as many steps,
  // and for 9,066 steps at 48x48 pixels.
  Machine faster(4);
  const PlainPlan plain = plan_plain(asked, many_pictures(), faster.measure(), 1147.5);
  CHECK(plain.candidate == AutoCandidate{48, RunScale::cpu, 10, 1});
  CHECK(plain.steps == 9000);
  CHECK(plain.method == Method::fixmatch);
  CHECK(plain.least_guide_accuracy == doctest::Approx(0.5));
  CHECK(describe(plain) ==
        "fixmatch classifier without hybrids, 48x48 pixels with WideResNet-10-1, scale cpu, 9000 "
        "steps");

  // The other picks of the job stay.
  const AutoConfig again = with_plain_picks(picked, plain);
  check(again);
  CHECK(again.data.image_size == 16);
  CHECK(again.guide_steps == 13600);
  const AutoRunSettings runs = auto_run_settings(again);
  CHECK(runs.plain.data.image_size == 48);
  CHECK(runs.plain.data.crop_pad == 6);
  CHECK(runs.plain.steps == 9000);

  AutoConfig given = asked;  // what was asked for stays too
  given.plain.image_size = 32;
  given.plain.steps = 123;
  const PlainPlan as_given = plan_plain(given, many_pictures(), faster.measure(), 1147.5);
  CHECK(as_given.candidate.image_size == 32);
  CHECK(as_given.steps == 123);
}

TEST_CASE(
    "auto: the classifier for a weak guide is as asked, and there is none if nothing judges") {
  AutoConfig asked = minutes(30);
  asked.data.image_size = 48;
  asked.method = AutoMethod::mean_teacher;
  asked.plain.depth = 16;
  asked.plain.steps = 77;
  const AutoPlan plan = Machine(100).plan(asked, many_pictures());
  REQUIRE(plan.plain.has_value());
  CHECK(plan.plain->candidate == AutoCandidate{48, RunScale::cpu, 16, 1});
  CHECK(plan.plain->method == Method::mean_teacher);
  CHECK(plan.plain->steps == 77);

  AutoData no_test = many_pictures();
  no_test.test = 0;
  const AutoPlan unjudged = Machine(2).plan(minutes(30), no_test);
  CHECK_FALSE(unjudged.plain.has_value());
  CHECK(says(unjudged, "guide: not judged"));
  CHECK(auto_run_settings(with_picks(minutes(30), unjudged)).plain.steps == 0);

  for (const int way : {0, 1, 2}) {
    CAPTURE(way);
    AutoConfig in_any_case = minutes(30);
    if (way == 0) in_any_case.least_guide_accuracy = 0;
    if (way == 1) in_any_case.plain.steps = 0;
    if (way == 2) in_any_case.guide_steps = 0;
    CHECK_FALSE(Machine(2).plan(in_any_case, many_pictures()).plain.has_value());
  }
}

TEST_CASE("auto: the classifier for a weak guide is planned by the time of its own method") {
  AutoConfig asked = minutes(30);
  asked.plain.method = AutoMethod::supervised;
  const AutoPlan plan = Machine(2).plan(asked, many_pictures());
  REQUIRE(plan.plain.has_value());
  CHECK(plan.plain->method == Method::supervised);
  // A third of the time a step: three times the pixels fit, 13,600 steps at 48x48.
  CHECK(plan.plain->candidate == AutoCandidate{48, RunScale::cpu, 10, 1});
  CHECK(plan.plain->steps == 13600);
}

TEST_CASE("auto: which guide is weak depends on the number of classes") {
  AutoData data = many_pictures();
  const auto least = [&](std::int64_t classes, double asked = kPickAccuracy) {
    data.classes = classes;
    AutoConfig config = minutes(30);
    config.least_guide_accuracy = asked;
    const AutoPlan plan = Machine(2).plan(config, data);
    return with_picks(config, plan).least_guide_accuracy;
  };
  CHECK(least(10) == doctest::Approx(0.5));
  CHECK(least(2) == doctest::Approx(0.5 + 0.5 * 4 / 9));
  CHECK(least(200) == doctest::Approx(0.447).epsilon(1e-3));
  CHECK(least(2, 0.9) == 0.9);
  // A classifier that always names the largest class is right on nine tenths of the images.
  data.largest.images = 9 * data.labeled / 10;
  CHECK(least(2) == doctest::Approx(0.9 + 0.1 * 4 / 9));
}

TEST_CASE("auto: minutes in words") {
  CHECK(in_minutes(1) == "1 minute");
  CHECK(in_minutes(30) == "30 minutes");
  CHECK(in_minutes(0.5) == "0.5 minutes");
  CHECK(
      says(Machine(0.01).plan(minutes(1), many_pictures()), "none, as 1 minute does not suffice"));
}

TEST_CASE("auto: a faster device gets larger images, and then a larger network") {
  Machine fast(10);
  const AutoPlan plan = fast.plan(minutes(30), many_pictures());
  CHECK(plan.candidate == AutoCandidate{32, RunScale::cpu, 10, 1});
  CHECK(fast.measured.back().image_size == 48);  // it was tried, and did not fit
  CHECK(plan.guide_steps == 17000);              // 1530 s / 720 s times 8000
  CHECK(plan.generator_steps == 6300);
  CHECK(says(plan, "48x48 pixels with WideResNet-10-1, scale cpu would leave too few steps"));

  const AutoPlan faster = Machine(100).plan(minutes(30), many_pictures());
  CHECK(faster.candidate == AutoCandidate{64, RunScale::cpu, 16, 2});

  const AutoPlan fastest = Machine(1e5).plan(minutes(30), many_pictures());
  CHECK(fastest.candidate == AutoCandidate{64, RunScale::full, 28, 2});
  CHECK(fastest.steps == 120000);  // four times the usual number, not more
  CHECK(says(fastest, "the most that auto takes"));
}

TEST_CASE("auto: images are not larger than the pictures") {
  AutoData data = many_pictures();
  struct Sizes {
    int side;
    int picked;
  };
  for (const Sizes sizes : {Sizes{8, 16}, {16, 16}, {28, 32}, {32, 32}, {40, 48}, {500, 64}}) {
    CAPTURE(sizes.side);
    data.sides.median = sizes.side;
    CHECK(Machine(1e5).plan(minutes(30), data).candidate.image_size == sizes.picked);
  }
}

TEST_CASE("auto: what is asked for is kept") {
  AutoConfig asked = minutes(30);
  asked.data.image_size = 48;
  asked.depth = 16;
  asked.width = 3;
  asked.method = AutoMethod::supervised;
  asked.steps = 1234;
  Machine machine(100);
  const AutoPlan plan = machine.plan(asked, many_pictures());
  CHECK(plan.candidate == AutoCandidate{48, RunScale::cpu, 16, 3});
  CHECK(machine.measured.size() == 1);
  CHECK(plan.method == Method::supervised);
  CHECK(plan.steps == 1234);
  const AutoConfig picked = with_picks(asked, plan);
  CHECK(picked.data.crop_pad == 6);

  asked.scale = AutoScale::full;
  asked.depth = 0;
  CHECK(Machine(1e5).plan(asked, many_pictures()).candidate ==
        AutoCandidate{48, RunScale::full, 28, 3});

  asked.data.image_size = 36;  // no discriminator has such images
  const AutoPlan alone = machine.plan(asked, many_pictures());
  CHECK(alone.candidate.image_size == 36);
  CHECK_FALSE(alone.has_hybrids());
  CHECK(says(alone, "hybrids: none, as a generator's discriminator cannot have images of 36x36"));
  asked.generator_steps = 20;
  CHECK_THROWS_AS(static_cast<void>(machine.plan(asked, many_pictures())), Error);
  asked.generator_steps = 0;
  CHECK(machine.plan(asked, many_pictures()).candidate.image_size == 36);
}

TEST_CASE("auto: nothing is measured if nothing depends on it") {
  AutoConfig asked = minutes(30);
  asked.data.image_size = 16;
  asked.depth = 10;
  asked.width = 1;
  asked.guide_steps = 0;
  asked.generator_steps = 20;
  asked.steps = 30;
  Machine machine(1);
  const AutoPlan plan = machine.plan(asked, many_pictures());
  CHECK(machine.measured.empty());
  CHECK(plan.guide_steps == 0);
  CHECK(plan.generator_steps == 20);
  CHECK(plan.steps == 30);
}

TEST_CASE("auto: without unlabelled images there are no hybrids") {
  AutoData data = many_pictures();
  for (const std::int64_t unlabeled : {0, 63, 199}) {
    data.unlabeled = unlabeled;
    const AutoPlan plan = Machine(10).plan(minutes(30), data);
    CHECK_FALSE(plan.has_hybrids());
    CHECK(plan.method == Method::supervised);
    CHECK(says(plan, "hybrids: none, as there are too few unlabelled images"));
  }
  data.unlabeled = 200;
  CHECK(Machine(10).plan(minutes(30), data).has_hybrids());
}

TEST_CASE("auto: the settings of the three runs fit each other") {
  AutoConfig asked = minutes(30);
  asked.data.data_dir = "/pictures";
  asked.data.labels_file = "/labels.csv";
  asked.data.skip_unreadable = true;
  asked.data.test_share = 0.3;
  asked.seed = 5;
  asked.output.out = "/job";
  const AutoConfig picked = with_picks(asked, Machine(1).plan(asked, many_pictures()));
  check(picked);
  const AutoRunSettings runs = auto_run_settings(picked);
  check(runs.guide);
  check(runs.generator);
  check(runs.classifier);
  CHECK(runs.guide.method == Method::fixmatch);
  CHECK(runs.guide.hybrids.mixer == MixerKind::none);
  CHECK(runs.guide.output.out == "/job/guide");
  CHECK(runs.generator.guide.run == "/job/guide");
  CHECK(runs.generator.guide.steps == 0);
  CHECK(runs.generator.guide.semantic_learning_rate == 0.003);
  CHECK(runs.generator.semantic_loss == SemanticLoss::fixmatch);
  CHECK(runs.generator.output.out == "/job/generator");
  CHECK(runs.generator.steps == 2500);
  CHECK(runs.generator.g_channels == 32);  // of the scale cpu
  CHECK(runs.classifier.method == Method::fixmatch);
  CHECK(runs.classifier.hybrids.mixer == MixerKind::scimix);
  CHECK(runs.classifier.hybrids.generator == "/job/generator");
  CHECK(runs.classifier.init_from == InitFrom::generator);
  CHECK(runs.classifier.hybrids.use == HybridUse::pseudo);
  CHECK(runs.guide.hybrids.use == HybridUse::contradict);
  CHECK(runs.guide.init_from == InitFrom::scratch);
  CHECK(runs.classifier.steps == 6800);
  CHECK(runs.classifier.batch == 32);
  for (const DataSettings& data : {runs.guide.data, runs.generator.data, runs.classifier.data}) {
    CHECK(data.dataset == "folder");
    CHECK(data.data_dir == "/pictures");
    CHECK(data.labels_file == "/labels.csv");
    CHECK(data.skip_unreadable);
    CHECK(data.test_share == 0.3);
    CHECK(data.image_size == 16);
    CHECK(data.crop_pad == 2);
  }
  for (const std::uint64_t seed : {runs.guide.seed, runs.generator.seed, runs.classifier.seed}) {
    CHECK(seed == 5);
  }
}

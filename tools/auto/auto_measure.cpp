#include "tools/auto/auto_measure.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "data/split.hpp"
#include "report/progress.hpp"
#include "tools/auto/auto_settings.hpp"
#include "trainers/classifier_trainer.hpp"
#include "trainers/generator_trainer.hpp"

namespace scimix {

namespace {

constexpr double kShareOfTime = 0.003;  // of --minutes, for the steps of one measurement
constexpr double kMostSeconds = 4;      // the same in seconds, for long jobs
constexpr std::int64_t kImages = 1024;
constexpr std::int64_t kTestImages = 2;
// R1, the most costly part of a generator's step, is due at every 16th step.
constexpr std::int64_t kPeriod = 16;

ImageSet noise(std::int64_t count, std::int64_t side, std::int64_t classes, std::int64_t labeled) {
  ImageSet images;
  images.count = count;
  images.height = side;
  images.width = side;
  allocate_images(images, "images for measuring");
  std::uint32_t state = 1;  // a linear congruential generator: the noise need not be good
  for (std::uint8_t& pixel : images.pixels) {
    state = state * 1664525U + 1013904223U;
    pixel = static_cast<std::uint8_t>(state >> 24U);
  }
  for (std::int64_t i = 0; i < count; ++i) {
    images.labels[static_cast<std::size_t>(i)] =
        i < labeled ? static_cast<std::int32_t>(i % classes) : kUnknownLabel;
  }
  return images;
}

RunInputs noise_inputs(Device device, const AutoData& data, std::int64_t side, bool unlabeled,
                       Comm& ranks) {
  RunInputs inputs;
  inputs.device = device;
  inputs.ranks = &ranks;
  inputs.dataset.name = "noise";
  for (std::int64_t i = 0; i < data.classes; ++i) {
    inputs.dataset.class_names.push_back(std::to_string(i));
  }
  const std::int64_t labeled = std::max<std::int64_t>(2 * data.classes, kPeriod);
  inputs.dataset.train = noise(labeled + (unlabeled ? kImages : 0), side, data.classes, labeled);
  inputs.dataset.test = noise(kTestImages, side, data.classes, kTestImages);
  inputs.split = make_split(inputs.dataset, std::nullopt, 0);
  return inputs;
}

// Returns the seconds of a step. Reading the metrics waits for the device.
double seconds_per_step(TrainingSession& session, Device device, double patience) {
  // On a GPU, the first steps record graphs, and kinds of steps that come later record others.
  const std::int64_t block = device.is_cpu() ? 1 : kPeriod;
  const auto make = [&](std::int64_t count) {
    for (std::int64_t made = 0; made < count;) {
      const std::int64_t steps = std::min(session.steps_at_once(), count - made);
      session.steps(steps);
      made += steps;
    }
    (void)session.read_metrics();
  };
  make(device.is_cpu() ? 1 : 2 * kPeriod);
  const double start = steady_seconds();
  double seconds = 0;
  std::int64_t steps = 0;
  while (steps == 0 || (steps < std::max(kPeriod, 4 * block) && seconds < patience)) {
    make(block);
    steps += block;
    seconds = steady_seconds() - start;
  }
  return seconds / static_cast<double>(steps);
}

}  // namespace

AutoMeasure measure_on(Device device, const AutoConfig& asked, const AutoData& data, Comm& ranks) {
  const double patience = std::min(kMostSeconds, kShareOfTime * 60 * asked.minutes);
  return [device, asked, data, &ranks, patience](const AutoCandidate& candidate,
                                                 std::optional<Method> alone) {
    const bool hybrids = !alone;
    constexpr std::int64_t kSteps = 10000;  // only schedules depend on it
    AutoPlan plan{.candidate = candidate,
                  .method = alone ? *alone : method_with_hybrids(asked),
                  .steps = kSteps,
                  .plain = {},
                  .reasons = {}};
    if (hybrids) {
      plan.guide_steps = kSteps;
      plan.generator_steps = kSteps;
    }
    const AutoRunSettings runs = auto_run_settings(with_picks(asked, plan));
    const RunInputs inputs = noise_inputs(device, data, candidate.image_size,
                                          hybrids || plan.method != Method::supervised, ranks);
    AutoTimes times;
    const auto time = [&](TrainingSession& session) {
      return seconds_per_step(session, device, patience);
    };
    if (!hybrids) {
      ClassifierTrainer classifier(runs.classifier, inputs.dataset, inputs.split, device, nullptr,
                                   ranks);
      times.classifier = time(classifier);
      return times;
    }
    {
      ClassifierTrainer guide(runs.guide, inputs.dataset, inputs.split, device, nullptr, ranks);
      times.guide = time(guide);
    }
    GeneratorTrainer generator(runs.generator, inputs);
    times.generator = time(generator);
    ClassifierTrainer classifier(runs.classifier, inputs.dataset, inputs.split, device,
                                 &generator.average(), ranks);
    times.classifier = time(classifier);
    return times;
  };
}

}  // namespace scimix

#include "tools/auto/auto_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "models/discriminator.hpp"
#include "report/progress.hpp"

namespace scimix {

namespace {

constexpr double kLeastLength = 0.5;  // of the usual numbers of steps, with a generator
constexpr double kMostLength = 4;     // the most steps, in units of the usual numbers
constexpr std::int64_t kFewSteps = 1000;
constexpr double kRounding = 1e-6;  // steps: what compilers round differently changes no plan
// A larger candidate is measured only if it may fit. On a fast device, the time of a step grows
// more slowly than the number of pixels.
constexpr double kSlowestGrowth = 0.4;
constexpr std::array<std::int64_t, 4> kSizes{16, 32, 48, 64};

// The numbers of steps of the three runs. 0: no such run.
struct Lengths {
  std::int64_t guide = 0;
  std::int64_t generator = 0;
  std::int64_t classifier = 0;
};

// Returns the usual numbers of steps. Those of the scale cpu come from experiments with images of
// 16x16 pixels (docs/results/guided-generators.md). The scale full has slower averages of its
// networks and of batch norm, and needs longer runs.
Lengths usual_lengths(RunScale scale, bool hybrids) {
  const bool full = scale == RunScale::full;
  const std::int64_t classifier = full ? 30000 : 8000;
  if (!hybrids) return {.classifier = classifier};
  return {.guide = classifier, .generator = full ? 12000 : 3000, .classifier = classifier};
}

// The lengths with which the runs of a candidate fit the time.
class Fit {
 public:
  Fit(const AutoConfig& asked, const AutoCandidate& candidate, bool hybrids, const AutoTimes& times)
      : usual_(usual_lengths(candidate.scale, hybrids)), times_(times) {
    if (hybrids) {
      keep(asked.guide_steps, &Lengths::guide);
      keep(asked.generator_steps, &Lengths::generator);
    }
    keep(asked.steps, &Lengths::classifier);
    const double all = seconds(usual_);
    given_seconds_ = seconds(given_);
    open_seconds_ = all - given_seconds_;
  }

  // Returns the factor on the usual numbers of steps for which the time suffices.
  [[nodiscard]] double factor(double budget) const {
    if (open_seconds_ <= 0) return given_seconds_ <= budget ? kMostLength : 0;
    return (budget - given_seconds_) / open_seconds_;
  }
  // Returns the seconds that the usual numbers of steps take.
  [[nodiscard]] double usual_seconds() const { return given_seconds_ + open_seconds_; }

  [[nodiscard]] Lengths lengths(double factor) const {
    return {.guide = length(&Lengths::guide, factor),
            .generator = length(&Lengths::generator, factor),
            .classifier = length(&Lengths::classifier, factor)};
  }
  [[nodiscard]] double seconds(const Lengths& lengths) const {
    return times_.guide * static_cast<double>(lengths.guide) +
           times_.generator * static_cast<double>(lengths.generator) +
           times_.classifier * static_cast<double>(lengths.classifier);
  }

 private:
  void keep(std::int64_t steps, std::int64_t Lengths::*run) {
    if (steps == kPickSteps) return;
    usual_.*run = steps;
    given_.*run = steps;
    is_given_.*run = 1;
  }
  // Returns the number of steps of a run, rounded down to two digits or to hundreds.
  [[nodiscard]] std::int64_t length(std::int64_t Lengths::*run, double factor) const {
    if (is_given_.*run != 0 || usual_.*run == 0) return usual_.*run;
    const auto steps = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(factor * static_cast<double>(usual_.*run) + kRounding));
    if (steps < 100) return steps;
    const std::int64_t unit = steps < 1000 ? 10 : 100;
    return steps / unit * unit;
  }

  Lengths usual_;  // with the given numbers of steps in place of the usual ones
  Lengths given_;
  Lengths is_given_;  // 1 for a run whose number of steps is given
  AutoTimes times_;
  double given_seconds_ = 0;
  double open_seconds_ = 0;
};

constexpr std::int64_t kFewestUnlabeled = 64;  // two batches of the scale cpu

// Returns whether there are enough unlabelled images to learn from, beside the labelled ones.
bool has_unlabeled(const AutoData& data) {
  return data.unlabeled >= std::max(data.labeled, kFewestUnlabeled);
}

std::vector<std::int64_t> sizes_to_try(const AutoConfig& asked, const AutoData& data) {
  if (asked.data.image_size > 0) return {asked.data.image_size};
  std::vector<std::int64_t> sizes;
  for (const std::int64_t size : kSizes) {
    if (!sizes.empty() && sizes.back() >= data.sides.median) break;  // it would only be blurred
    sizes.push_back(size);
  }
  return sizes;
}

std::vector<AutoCandidate> networks_to_try(const AutoConfig& asked, const AutoData& data) {
  const std::array known{AutoCandidate{0, RunScale::cpu, 10, 1},
                         AutoCandidate{0, RunScale::cpu, 16, 2},
                         AutoCandidate{0, RunScale::full, 28, 2}};
  constexpr std::int64_t kUnlabeledOfFull = 7 * 64;  // images of a step of FixMatch
  std::vector<AutoCandidate> networks;
  for (const AutoCandidate& network : known) {
    const bool full = network.scale == RunScale::full;
    if (asked.scale == AutoScale::automatic ? full && data.unlabeled < kUnlabeledOfFull
                                            : name_of(asked.scale) != name_of(network.scale)) {
      continue;
    }
    networks.push_back(network);
  }
  if (asked.depth == 0 && asked.width == 0) return networks;
  networks.resize(1);
  if (asked.depth > 0) networks[0].depth = asked.depth;
  if (asked.width > 0) networks[0].width = asked.width;
  return networks;
}

// Returns the candidates, the fastest first.
std::vector<AutoCandidate> candidates(const AutoConfig& asked, const AutoData& data) {
  const std::vector<std::int64_t> sizes = sizes_to_try(asked, data);
  const std::vector<AutoCandidate> networks = networks_to_try(asked, data);
  std::vector<AutoCandidate> all;
  for (const std::int64_t size : sizes) {
    all.push_back(networks[0]);
    all.back().image_size = size;
  }
  for (std::size_t i = 1; i < networks.size(); ++i) {
    all.push_back(networks[i]);
    all.back().image_size = sizes.back();
  }
  return all;
}

std::string described(const AutoCandidate& candidate) {
  return fmt::format("{}x{} pixels with WideResNet-{}-{}, scale {}", candidate.image_size,
                     candidate.image_size, candidate.depth, candidate.width,
                     name_of(candidate.scale));
}

// What was found about the candidates.
struct Choice {
  AutoCandidate candidate;
  Lengths lengths;
  double seconds = 0;        // of all steps
  double guide_seconds = 0;  // of the guide's steps
  std::vector<std::string> reasons;
};

class Planner {
 public:
  // `budget` is the time for the steps of all runs, in seconds.
  Planner(const AutoConfig& asked, const AutoData& data, const AutoMeasure& measure, double budget)
      : asked_(asked),
        measure_(measure),
        alone_(method_without_hybrids(asked, data)),
        candidates_(candidates(asked, data)),
        budget_(budget) {}

  // Returns nothing if the time does not suffice for a generator that the user left open.
  [[nodiscard]] std::optional<Choice> choose(bool hybrids) const;

 private:
  [[nodiscard]] bool all_given(bool hybrids) const {
    return candidates_.size() == 1 && asked_.steps != kPickSteps &&
           (!hybrids || (asked_.guide_steps != kPickSteps && asked_.generator_steps != kPickSteps));
  }
  [[nodiscard]] bool may_fit(const AutoCandidate& next, const AutoCandidate& last,
                             double last_seconds) const {
    const double side = static_cast<double>(next.image_size) / static_cast<double>(last.image_size);
    const double growth = next.image_size == last.image_size ? 2 : side * side;
    return kSlowestGrowth * growth * last_seconds <= budget_;
  }
  [[nodiscard]] std::string lengths_reason(double factor) const;

  const AutoConfig& asked_;
  const AutoMeasure& measure_;
  Method alone_;  // of a classifier without hybrids
  std::vector<AutoCandidate> candidates_;
  double budget_;  // seconds
};

std::string Planner::lengths_reason(double factor) const {
  if (factor >= kMostLength) {
    return "steps: four times the usual numbers, the most that auto takes";
  }
  if (factor >= 1) return "steps: as many as the time allows, at least the usual numbers";
  return "steps: fewer than usual, as the time does not suffice for more; a larger --minutes gives "
         "a better result";
}

std::optional<Choice> Planner::choose(bool hybrids) const {
  if (all_given(hybrids)) {
    const Fit fit(asked_, candidates_[0], hybrids, {});
    return Choice{
        .candidate = candidates_[0], .lengths = fit.lengths(1), .reasons = {"steps: as asked"}};
  }
  std::optional<Fit> best;
  std::size_t picked = 0;
  const std::int64_t largest = candidates_.back().image_size;
  std::string stopped = asked_.data.image_size > 0 || largest == kSizes.back()
                            ? "nothing larger is tried"
                            : "images larger than the pictures would gain nothing";
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    const AutoCandidate& candidate = candidates_[i];
    const auto too_slow = [&] {
      return fmt::format("{} would leave too few steps", described(candidate));
    };
    if (best && !may_fit(candidate, candidates_[i - 1], best->usual_seconds())) {
      stopped = too_slow();
      break;
    }
    const Fit fit(asked_, candidate, hybrids,
                  measure_(candidate, hybrids ? std::nullopt : std::optional(alone_)));
    if (best && fit.factor(budget_) < 1) {
      stopped = too_slow();
      break;
    }
    best = fit;
    picked = i;
    if (fit.factor(budget_) < 1 && i + 1 < candidates_.size()) {
      stopped = "the smallest one; larger ones would leave too few steps";
      break;
    }
  }
  double factor = std::min(best->factor(budget_), kMostLength);
  if (hybrids && factor < kLeastLength) {
    if (asked_.generator_steps == kPickSteps) return std::nullopt;
    factor = kLeastLength;
  }
  Choice choice{.candidate = candidates_[picked], .lengths = best->lengths(factor), .reasons = {}};
  choice.seconds = best->seconds(choice.lengths);
  choice.guide_seconds = best->seconds({.guide = choice.lengths.guide});
  choice.reasons = {
      fmt::format("images and network: {} ({})", described(choice.candidate), stopped),
      lengths_reason(factor)};
  return choice;
}

Method method_of(const AutoConfig& asked, Method otherwise) {
  return asked.method == AutoMethod::automatic
             ? otherwise
             : choice_of<Method>(std::string(name_of(asked.method)));
}

std::string method_reason(const AutoConfig& asked, const AutoData& data, const AutoPlan& plan) {
  const std::string name(name_of(plan.method));
  if (asked.method != AutoMethod::automatic) return "method: " + name + ", as asked";
  if (plan.has_hybrids()) {
    const bool starts_there = asked.init_from == InitFrom::generator;
    return "method: " + name + " with hybrids of the generator" +
           (starts_there ? ", started from the generator's classifier" : "");
  }
  if (has_unlabeled(data)) return "method: " + name + ", which also learns from unlabelled images";
  return "method: " + name + ", as there are too few unlabelled images";
}

std::string few_steps_warning(std::int64_t steps) {
  return fmt::format("warning: {} steps are too few for a good classifier; give more --minutes",
                     steps);
}

// Returns the accuracy on the held-out images below which a guide counts as weak: what is asked
// for, or 4/9 of the way from chance to 1, which is a half with ten classes of equal size. Chance
// is the accuracy of a classifier that always names the largest class.
double least_accuracy(const AutoConfig& asked, const AutoData& data) {
  if (asked.least_guide_accuracy != kPickAccuracy) return asked.least_guide_accuracy;
  const double chance =
      std::max(1 / static_cast<double>(data.classes),
               static_cast<double>(data.largest.images) / static_cast<double>(data.labeled));
  return chance + (1 - chance) * 4 / 9;
}

// Returns what is asked of the classifier that is trained if the guide is weak.
AutoConfig asked_of_plain(AutoConfig asked) {
  const PlainSettings& plain = asked.plain;
  if (plain.method != AutoMethod::automatic) asked.method = plain.method;
  if (plain.image_size > 0) asked.data.image_size = plain.image_size;
  if (plain.scale != AutoScale::automatic) asked.scale = plain.scale;
  if (plain.depth > 0) asked.depth = plain.depth;
  if (plain.width > 0) asked.width = plain.width;
  if (plain.steps != kPickSteps) asked.steps = plain.steps;
  asked.guide_steps = 0;
  asked.generator_steps = 0;
  return asked;
}

// Returns the classifier that takes the rest of the time if the guide is weak. Nothing if there is
// no guide, or the generator is trained in any case. Adds what to say about it to `reasons`.
std::optional<PlainPlan> plan_rest(const AutoConfig& asked, const AutoData& data,
                                   const AutoMeasure& measure, const Choice& hybrids, double budget,
                                   std::vector<std::string>& reasons) {
  if (hybrids.lengths.guide == 0 || asked.plain.steps == 0 || asked.least_guide_accuracy == 0) {
    return std::nullopt;
  }
  if (data.test == 0) {
    reasons.emplace_back(
        "guide: not judged, as no images are held out; the generator is trained however weak it "
        "is");
    return std::nullopt;
  }
  const PlainPlan plain =
      plan_plain(asked, data, measure, std::max(0.0, budget - hybrids.guide_seconds));
  reasons.push_back(
      fmt::format("if the guide is right on less than {:.4g}% of the held-out images: no "
                  "generator, and a {}",
                  100 * plain.least_guide_accuracy, describe(plain)));
  if (plain.steps < kFewSteps && asked_of_plain(asked).steps == kPickSteps) {
    reasons.push_back(few_steps_warning(plain.steps));
  }
  return plain;
}

std::string steps_line(const AutoPlan& plan) {
  std::string line;
  if (plan.guide_steps > 0) line += fmt::format("guide {}, ", plan.guide_steps);
  if (plan.has_hybrids()) line += fmt::format("generator {}, ", plan.generator_steps);
  line += fmt::format("classifier {} steps", plan.steps);
  if (plan.seconds > 0) line += fmt::format("; they take about {}", format_duration(plan.seconds));
  return line;
}

}  // namespace

std::string in_minutes(double minutes) {
  return fmt::format("{:g} {}", minutes, minutes == 1 ? "minute" : "minutes");
}

Method method_with_hybrids(const AutoConfig& asked) {
  return method_of(asked, Method::fixmatch);
}

Method method_without_hybrids(const AutoConfig& asked, const AutoData& data) {
  return method_of(asked, has_unlabeled(data) ? Method::fixmatch : Method::supervised);
}

PlainPlan plan_plain(const AutoConfig& asked, const AutoData& data, const AutoMeasure& measure,
                     double seconds) {
  const AutoConfig plain = asked_of_plain(asked);
  const Choice choice = *Planner(plain, data, measure, seconds).choose(/*hybrids=*/false);
  return {.least_guide_accuracy = least_accuracy(asked, data),
          .method = method_without_hybrids(plain, data),
          .candidate = choice.candidate,
          .steps = choice.lengths.classifier};
}

std::string describe(const PlainPlan& plain) {
  return fmt::format("{} classifier without hybrids, {}, {} steps", name_of(plain.method),
                     described(plain.candidate), plain.steps);
}

AutoPlan plan_auto(const AutoConfig& asked, const AutoData& data, const AutoMeasure& measure) {
  const double budget = kAutoShareForSteps * 60 * asked.minutes;
  const Planner planner(asked, data, measure, budget);
  std::vector<std::string> reasons;
  bool hybrids = asked.generator_steps != 0;
  if (!hybrids) reasons.emplace_back("hybrids: none, as asked by --generator-steps 0");
  if (asked.generator_steps == kPickSteps && !has_unlabeled(data)) {
    hybrids = false;
    reasons.push_back(fmt::format(
        "hybrids: none, as there are too few unlabelled images ({} beside {} labelled, expected no "
        "fewer than the labelled ones and than {})",
        data.unlabeled, data.labeled, kFewestUnlabeled));
  }
  if (hybrids && asked.data.image_size > 0 && !is_critic_size(asked.data.image_size)) {
    if (asked.generator_steps != kPickSteps) check_critic_size(asked.data.image_size);
    hybrids = false;
    reasons.push_back(fmt::format(
        "hybrids: none, as a generator's discriminator cannot have images of {}x{} pixels; its "
        "--image-size is 4, 5, 6 or 7 times a power of two, such as 16, 24, 32, 48 or 64",
        asked.data.image_size, asked.data.image_size));
  }
  std::optional<Choice> choice = planner.choose(hybrids);
  if (!choice) {
    hybrids = false;
    reasons.push_back(
        fmt::format("hybrids: none, as {} {} not suffice for a guide and a generator; a larger "
                    "--minutes gives a better result",
                    in_minutes(asked.minutes), asked.minutes == 1 ? "does" : "do"));
    choice = planner.choose(hybrids);
  }
  AutoPlan plan{
      .candidate = choice->candidate,
      .method = hybrids ? method_with_hybrids(asked) : method_without_hybrids(asked, data),
      .guide_steps = choice->lengths.guide,
      .generator_steps = choice->lengths.generator,
      .steps = choice->lengths.classifier,
      .seconds = choice->seconds,
      .plain = {},
      .reasons = {}};
  plan.reasons = choice->reasons;
  plan.reasons.push_back(method_reason(asked, data, plan));
  plan.reasons.insert(plan.reasons.end(), reasons.begin(), reasons.end());
  plan.reasons.push_back(steps_line(plan));
  plan.plain = plan_rest(asked, data, measure, *choice, budget, plan.reasons);
  if (plan.steps < kFewSteps && asked.steps == kPickSteps) {
    plan.reasons.push_back(few_steps_warning(plan.steps));
  }
  return plan;
}

AutoConfig with_picks(AutoConfig asked, const AutoPlan& plan) {
  asked.data.image_size = plan.candidate.image_size;
  asked.scale = choice_of<AutoScale>(std::string(name_of(plan.candidate.scale)));
  asked.depth = plan.candidate.depth;
  asked.width = plan.candidate.width;
  asked.method = choice_of<AutoMethod>(std::string(name_of(plan.method)));
  asked.guide_steps = plan.guide_steps;
  asked.generator_steps = plan.generator_steps;
  asked.steps = plan.steps;
  if (asked.data.crop_pad < 0) {
    asked.data.crop_pad = static_cast<int>(plan.candidate.image_size / 8);
  }
  asked.plain.steps = 0;
  return plan.plain ? with_plain_picks(std::move(asked), *plan.plain) : asked;
}

AutoConfig with_plain_picks(AutoConfig picked, const PlainPlan& plain) {
  picked.least_guide_accuracy = plain.least_guide_accuracy;
  picked.plain = {.method = choice_of<AutoMethod>(std::string(name_of(plain.method))),
                  .image_size = plain.candidate.image_size,
                  .scale = choice_of<AutoScale>(std::string(name_of(plain.candidate.scale))),
                  .depth = plain.candidate.depth,
                  .width = plain.candidate.width,
                  .steps = plain.steps};
  return picked;
}

}  // namespace scimix

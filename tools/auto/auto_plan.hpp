// Picks image size, network, method and numbers of steps for scimix_train auto. The functions here
// only decide. The times on which they decide come from the caller (tools/auto/auto_measure.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "settings/auto_config.hpp"
#include "settings/choices.hpp"
#include "tools/auto/auto_data.hpp"

namespace scimix {

// An image size and a network that may be picked.
struct AutoCandidate {
  std::int64_t image_size = 0;
  RunScale scale = RunScale::cpu;
  int depth = 0;
  int width = 0;

  friend bool operator==(const AutoCandidate&, const AutoCandidate&) = default;
};

// Seconds for one step of each run. 0: the run is not part of the job.
struct AutoTimes {
  double guide = 0;
  double generator = 0;
  double classifier = 0;  // with hybrids, or alone if there is no generator
};

// Measures the steps of a candidate: of all runs, or of one classifier without hybrids that learns
// by the method `alone`.
using AutoMeasure =
    std::function<AutoTimes(const AutoCandidate& candidate, std::optional<Method> alone)>;

// The classifier without hybrids that is trained if the guide is weak, that is, if its accuracy on
// the held-out images is below `least_guide_accuracy`.
struct PlainPlan {
  double least_guide_accuracy = 0;
  Method method = Method::fixmatch;
  AutoCandidate candidate;
  std::int64_t steps = 0;
};

// The share of the time that is planned for steps. The rest is for reading the pictures, measuring,
// evaluations, checkpoints and reports.
inline constexpr double kAutoShareForSteps = 0.85;

struct AutoPlan {
  AutoCandidate candidate;
  Method method = Method::fixmatch;  // of the final classifier
  std::int64_t guide_steps = 0;      // 0: no guide
  std::int64_t generator_steps = 0;  // 0: no generator
  std::int64_t steps = 0;
  double seconds = 0;                // expected time of all steps; 0: nothing was measured
  std::optional<PlainPlan> plain;    // nothing if the generator is trained in any case
  std::vector<std::string> reasons;  // one line for each pick

  [[nodiscard]] bool has_hybrids() const { return generator_steps > 0; }
};

// Returns the method of a final classifier that learns with hybrids.
[[nodiscard]] Method method_with_hybrids(const AutoConfig& asked);

// Returns the method of a final classifier that learns without hybrids.
[[nodiscard]] Method method_without_hybrids(const AutoConfig& asked, const AutoData& data);

// Returns a length of time in words: "1 minute", "0.5 minutes".
[[nodiscard]] std::string in_minutes(double minutes);

// Returns the plan. The settings that `asked` gives are kept. Nothing is measured if no pick
// depends on time. With an --image-size that no discriminator accepts there is no generator.
// Errors (user): such a size, if `asked` gives the generator's steps.
//
// The candidates are tried from the smallest: first image sizes, up to the first that reaches the
// pictures' median side, then larger networks. The last one is picked for which the time suffices
// for the usual numbers of steps; it gets as many as the time allows, up to four times those. If
// the time does not suffice even for the smallest candidate, that one gets fewer steps: with a
// generator at least half the usual numbers. If that takes too long as well, no generator is
// trained, unless `asked` gives its steps.
//
// If there is a guide and there are held-out images to judge it, the plan also has the classifier
// that takes the rest of the time if the guide is weak, picked by the same rules. (If the
// size, the network and the numbers of steps of all other runs are given, nothing was measured, and
// the guide's time counts as 0.)
[[nodiscard]] AutoPlan plan_auto(const AutoConfig& asked, const AutoData& data,
                                 const AutoMeasure& measure);

// Returns the classifier that is trained if the guide is weak, picked so that its steps take at
// most `seconds`. What `asked` gives is kept.
[[nodiscard]] PlainPlan plan_plain(const AutoConfig& asked, const AutoData& data,
                                   const AutoMeasure& measure, double seconds);

// Returns a description of the classifier for a line of output.
[[nodiscard]] std::string describe(const PlainPlan& plain);

// Returns `asked` with the picks of the plan in place of what was left open.
[[nodiscard]] AutoConfig with_picks(AutoConfig asked, const AutoPlan& plan);

// Returns `picked` with these picks in place of those for the classifier after a weak guide.
[[nodiscard]] AutoConfig with_plain_picks(AutoConfig picked, const PlainPlan& plain);

}  // namespace scimix

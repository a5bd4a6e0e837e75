// All settings of scimix_train auto, which trains a guide, a generator and a classifier, and picks
// the settings that the user did not give.
#pragma once

#include <string>

#include "settings/settings.hpp"

namespace scimix {

// Method of the final classifier, and scale of all runs. `automatic` lets the program pick. The
// other names are those of Method and RunScale.
enum class AutoMethod { automatic, supervised, mean_teacher, fixmatch };
template <>
inline constexpr std::array<Named<AutoMethod>, 4> kChoiceNames<AutoMethod>{
    {{AutoMethod::automatic, "auto"},
     {AutoMethod::supervised, "supervised"},
     {AutoMethod::mean_teacher, "mean-teacher"},
     {AutoMethod::fixmatch, "fixmatch"}}};

enum class AutoScale { automatic, full, cpu };
template <>
inline constexpr std::array<Named<AutoScale>, 3> kChoiceNames<AutoScale>{
    {{AutoScale::automatic, "auto"}, {AutoScale::full, "full"}, {AutoScale::cpu, "cpu"}}};

// The value of a number of steps that the program picks.
inline constexpr std::int64_t kPickSteps = -1;
// The value of an accuracy that the program picks.
inline constexpr double kPickAccuracy = -1;

// Returns the data settings whose values are the defaults of scimix_train auto. With
// crop_pad = -1 and image_size = 0 the program picks them.
[[nodiscard]] inline DataSettings auto_data_settings() {
  DataSettings data;
  data.dataset = "folder";
  data.crop_pad = -1;
  return data;
}

// The classifier without hybrids that is trained instead of generator and classifier if the guide
// is weak. A setting that the user does not give takes the value that the user gave for the other
// runs, such as that of --depth for --plain-depth. If there is none, it is picked so that the run
// fits the time that the guide leaves.
struct PlainSettings {
  AutoMethod method = AutoMethod::automatic;
  std::int64_t image_size = 0;  // 0: picked
  AutoScale scale = AutoScale::automatic;
  int depth = 0;                    // 0: picked
  int width = 0;                    // 0: picked
  std::int64_t steps = kPickSteps;  // 0: the generator is trained however weak the guide is
};

struct AutoConfig {
  double minutes = 30;                        // how long the whole job may take
  AutoMethod method = AutoMethod::automatic;  // of the final classifier
  AutoScale scale = AutoScale::automatic;
  DataSettings data = auto_data_settings();
  bool unlabeled_includes_labeled = true;
  int depth = 0;                              // 0: picked
  int width = 0;                              // 0: picked
  std::int64_t guide_steps = kPickSteps;      // 0: no guide
  std::int64_t generator_steps = kPickSteps;  // 0: no generator, and so no hybrids
  std::int64_t steps = kPickSteps;            // of the final classifier
  InitFrom init_from = InitFrom::generator;   // of the final classifier, if it has hybrids
  HybridUse hybrid_use = HybridUse::pseudo;   // of the final classifier, if it has hybrids
  // A guide whose accuracy on the held-out images is smaller is weak.
  double least_guide_accuracy = kPickAccuracy;
  PlainSettings plain;
  std::uint64_t seed = 0;
  Precision precision = Precision::f32;
  OutputSettings output;  // only `out`, `device` and `threads`
};

// Checks all settings. Errors (user): a setting outside its range, or settings that contradict each
// other.
void check(const AutoConfig& config);

}  // namespace scimix

// The settings of the runs of scimix_train auto.
#pragma once

#include <filesystem>

#include "settings/auto_config.hpp"
#include "settings/classifier_config.hpp"
#include "settings/generator_run_config.hpp"

namespace scimix {

// Returns the folder of the job: --out, or its default if that is empty.
[[nodiscard]] std::filesystem::path run_folder_of(const AutoConfig& config);

// The folders of the runs in the folder of a job.
inline constexpr const char* kAutoGuide = "guide";
inline constexpr const char* kAutoGenerator = "generator";
inline constexpr const char* kAutoClassifier = "classifier";
inline constexpr const char* kAutoPlain = "plain";

// A link to the folder of the run to use.
inline constexpr const char* kAutoBest = "best";

// A run with 0 steps is not trained; its other settings have no meaning.
struct AutoRunSettings {
  ClassifierConfig guide;
  GeneratorRunConfig generator;
  ClassifierConfig classifier;
  ClassifierConfig plain;  // in place of generator and classifier if the guide is weak
  double least_guide_accuracy = 0;
};

// Returns the settings of the runs, each as scimix_train generator or scimix_train classifier would
// read them. `picked` leaves nothing open.
[[nodiscard]] AutoRunSettings auto_run_settings(const AutoConfig& picked);

}  // namespace scimix

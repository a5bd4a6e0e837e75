// Reads the settings of a run from its config.toml or from a configuration file.
#pragma once

#include <filesystem>

#include "settings/run_kinds.hpp"
#include "settings/settings_file.hpp"

namespace scimix {

// Return the settings of a configuration file, with preset and scale applied. Errors (user): the
// file cannot be read, or has settings of another kind of run.
[[nodiscard]] ClassifierConfig read_classifier_config(const std::filesystem::path& config);
[[nodiscard]] GeneratorRunConfig read_generator_config(const std::filesystem::path& config);

// Make the paths of data, generators and guides absolute, so that the run can be resumed from any
// working folder.
void make_paths_absolute(ClassifierConfig& config);
void make_paths_absolute(GeneratorRunConfig& config);

// Replaces {split}, {dataset} and {labels} in --generator and --generator-config by the values of
// these settings.
void fill_in_placeholders(ClassifierConfig& config);

}  // namespace scimix

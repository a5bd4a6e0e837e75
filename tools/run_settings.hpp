// The settings of a run, read from its config.toml or from a configuration file.
#pragma once

#include <filesystem>

#include "settings/run_kinds.hpp"
#include "settings/settings_file.hpp"

namespace scimix {

// Returns what a configuration file says, with presets and scale applied. Errors (user): it cannot
// be read, or holds settings of another kind of run.
[[nodiscard]] ClassifierConfig read_classifier_config(const std::filesystem::path& config);
[[nodiscard]] GeneratorRunConfig read_generator_config(const std::filesystem::path& config);

// Makes the paths to data, generators and guides absolute, so that the run resumes from any folder.
void make_paths_absolute(ClassifierConfig& config);
void make_paths_absolute(GeneratorRunConfig& config);

// Replaces {split}, {dataset} and {labels} in --generator and --generator-config.
void fill_in_placeholders(ClassifierConfig& config);

}  // namespace scimix

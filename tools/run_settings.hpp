// The settings of a run, read from its config.toml or from a configuration file.
#pragma once

#include <filesystem>

#include "settings/run_kinds.hpp"

namespace scimix {

// Returns what a configuration file says, with presets and scale applied. Errors (user): it cannot
// be read, or holds settings of another kind of run.
[[nodiscard]] ClassifierConfig read_classifier_config(const std::filesystem::path& config);
[[nodiscard]] GeneratorRunConfig read_generator_config(const std::filesystem::path& config);

// Returns config.toml of a run with these settings. `notes`: comments for its head, each one line.
[[nodiscard]] std::string config_text(const RunKind& kind, const SettingValues& values,
                                      const std::vector<std::string>& notes);

// Makes the paths to data and generators absolute, so that the run resumes from any folder.
void make_paths_absolute(ClassifierConfig& config);
void make_paths_absolute(GeneratorRunConfig& config);

// Replaces {split}, {dataset} and {labels} in --generator and --generator-config.
void fill_in_placeholders(ClassifierConfig& config);

}  // namespace scimix

// The settings of a run, read back from its config.toml.
#pragma once

#include <filesystem>

#include "settings/classifier_config.hpp"
#include "settings/generator_config.hpp"

namespace scimix {

// `config`: a configuration file. Errors (user): cannot be read, or holds settings of another kind
// of run.
[[nodiscard]] ClassifierConfig read_classifier_config(const std::filesystem::path& config);
[[nodiscard]] GeneratorRunConfig read_generator_config(const std::filesystem::path& config);

}  // namespace scimix

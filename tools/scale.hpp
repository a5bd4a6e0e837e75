// --scale cpu: a run of hours on a GPU, shrunk to minutes on two cores.
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <vector>

namespace scimix {

struct ScaledSetting {
  const char* option;
  const char* value;
};

// Model, batch and length, and what goes with the length: averages over steps and learning rates.
[[nodiscard]] std::span<const ScaledSetting> cpu_classifier();
[[nodiscard]] std::span<const ScaledSetting> cpu_generator();

// Where the command line itself says --scale cpu, gives every setting its small value, except those
// that the command line names. A scale that comes from a configuration file has been applied when
// that was written.
void apply_scale(CLI::App& app, const std::vector<std::string>& arguments,
                 std::span<const ScaledSetting> settings);

// Behind apply_scale: folders that a preset names get "-cpu" behind their names, so that small runs
// and whole ones don't mix. Those that the command line names stay.
void mark_scaled_folders(CLI::App& app, const std::vector<std::string>& arguments,
                         std::span<const std::string> options);

}  // namespace scimix

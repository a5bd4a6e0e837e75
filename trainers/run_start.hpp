// How a training run is asked for, and what it returns.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>

#include "core/ranks.hpp"
#include "settings/settings.hpp"

namespace scimix {

struct RunRequest {
  std::string config_text;                           // what config.toml shall hold
  std::string command;                               // the exact command line, for the report
  std::optional<std::filesystem::path> resume = {};  // the folder of a run to go on with
  bool settings_changed = false;                     // of that run: config.toml becomes config_text
  Ranks* ranks = nullptr;  // that train together; null: this process alone
};

// Where a run prints: results to `out`, the moving progress line to `progress`.
struct RunStreams {
  std::ostream& out;
  std::ostream& progress;
};

struct RunResult {
  double accuracy = 0.0;         // of the averaged classifier on the test images, at the end
  double median_accuracy = 0.0;  // of the last evaluations, 20 of them or as many as there are
  std::int64_t evaluations = 0;  // how many those are
  std::int64_t steps = 0;
  bool interrupted = false;  // by a signal; a checkpoint was written
};

// Returns the sentence with which every output of a scaled run says so; empty for scale `full`.
[[nodiscard]] std::string scale_note(RunScale scale);

}  // namespace scimix

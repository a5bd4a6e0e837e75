// The input of a training run besides its settings, and its result.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "core/ranks.hpp"
#include "settings/settings.hpp"

namespace scimix {

// A function that is called with the step and the numbers that were just logged. If it returns
// false, the run writes a checkpoint and ends, as after a signal.
using OnProgress =
    std::function<bool(std::int64_t step, const std::vector<std::pair<std::string, double>>&)>;

struct RunRequest {
  std::string config_text;                           // the text of config.toml
  std::string command;                               // that began the run, for the report
  std::vector<std::string> later_commands = {};      // that resumed it with changed settings
  std::optional<std::filesystem::path> resume = {};  // folder of the run to resume
  bool settings_changed = false;                     // replace the resumed run's config.toml
  std::string changes_training = {};                 // changed settings that steps must still use
  Ranks* ranks = nullptr;                            // null: this process alone
  OnProgress on_progress = {};                       // only for a run with one rank
};

// The streams to which a run prints: results to `out`, the progress line to `progress`.
struct RunStreams {
  std::ostream& out;
  std::ostream& progress;
};

struct RunResult {
  bool has_test_images = true;   // false: the accuracies are not measured
  double accuracy = 0.0;         // of the EMA classifier on the test images, at the end
  double median_accuracy = 0.0;  // median of the last evaluations, at most 20
  std::int64_t evaluations = 0;  // number of these evaluations
  std::int64_t steps = 0;
  bool interrupted = false;  // a signal ended the run; a checkpoint was written
};

// Returns the sentence that marks all output of a run with `--scale cpu`; empty for scale `full`.
[[nodiscard]] std::string scale_note(RunScale scale);

}  // namespace scimix

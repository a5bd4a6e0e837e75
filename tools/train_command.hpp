// What the commands of scimix_train share: reading the command line and configuration files, and
// resuming a run with its settings.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "settings/layers.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

inline constexpr int kExitInterrupted = 130;

// What a command line asks for.
struct AskedRun {
  std::optional<int> done;  // the exit code, where help was all that was asked for
  SettingValues values;
  std::filesystem::path resume = {};      // the run to go on with; empty: a new one
  std::vector<std::string> changed = {};  // settings that a resumed run had otherwise
  std::optional<std::string> seeds = {};  // the value of --seeds

  [[nodiscard]] bool resumes() const { return !resume.empty(); }
};

// Reads a command line, without the name of the command. Errors (user): an unknown option, a value
// of another type or out of range, a file that cannot be read; for a resumed run: a run of another
// command, a setting that may not change, fewer steps than have been made.
[[nodiscard]] AskedRun read_command(const RunKind& kind, const std::vector<std::string>& arguments);

// Returns the request for this run with these values, which `asked` led to. `typed`: the command
// line as the user typed it.
[[nodiscard]] RunRequest make_request(const RunKind& kind, const AskedRun& asked,
                                      const SettingValues& values, const std::string& typed,
                                      Ranks& ranks);

// Returns the arguments that go on with the run in `folder`, with those settings that may change on
// the way as `values` has them. The folder's own name is no difference. Errors (user): the run
// differs in another setting.
[[nodiscard]] std::vector<std::string> resume_arguments(const RunKind& kind,
                                                        const std::filesystem::path& folder,
                                                        const SettingValues& values);

// Standard output and error for rank 0, silence for others.
[[nodiscard]] RunStreams streams_of(const Ranks& ranks);

// Returns "scimix_train NAME ARGUMENTS", quoted for a shell, in one line of ASCII.
[[nodiscard]] std::string command_line(const std::string& name,
                                       std::span<const std::string> arguments);

}  // namespace scimix

// Reads the command line and configuration files of a scimix_train command, or the settings of the
// run that it resumes.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "settings/setting_layers.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

inline constexpr int kExitInterrupted = 130;

// The content of a command line.
struct AskedRun {
  std::optional<int> done;  // exit code if the command only printed its help
  SettingValues values;
  std::filesystem::path resume = {};      // folder of the run to resume; empty: a new run
  std::vector<std::string> changed = {};  // names of settings that differ from the resumed run's
  std::optional<std::string> seeds = {};  // the value of --seeds
  // For a new run: every setting that its configuration files or its command line give, as an
  // option such as "--steps=100", each setting once.
  std::vector<std::string> given = {};
  std::string note = {};  // of a new run: one line that its config.toml keeps (note_of)

  [[nodiscard]] bool resumes() const { return !resume.empty(); }
};

// Reads a command line, without the name of the command. Prints the help if it is asked for. Errors
// (user): an unknown option, a value of another type or out of range, a file that cannot be read.
// For a resumed run also: a run of another command, a change of a setting that must stay, fewer
// steps than the run has made.
[[nodiscard]] AskedRun read_command(const RunKind& kind, const std::vector<std::string>& arguments);

// Returns the command line with which the run or job of this config.toml was begun, "" if the file
// does not say.
[[nodiscard]] std::string command_that_began(const std::filesystem::path& config);

// Returns the note in the config.toml of a run or job (AskedRun::note), or nothing if it has none.
[[nodiscard]] std::optional<std::string> note_of(const std::filesystem::path& config);

// Returns the request for a run. `asked` is the command line, `values` its final settings, and
// `typed` the command line as the user typed it.
[[nodiscard]] RunRequest make_request(const RunKind& kind, const AskedRun& asked,
                                      const SettingValues& values, const std::string& typed,
                                      Ranks& ranks);

// Whether a command that finds a run begun may give it another number of steps.
enum class OtherSteps { refused, allowed };

// Returns the arguments that resume the run in `folder`, with those values in `values` that have no
// influence on its networks. `out` may differ, and so may the path of a guide that was moved
// together with the run. Errors (user): any other setting differs, except `steps` if that is
// allowed; the run is finished, and another folder of data or another generator is given.
[[nodiscard]] std::vector<std::string> resume_arguments(const RunKind& kind,
                                                        const std::filesystem::path& folder,
                                                        const SettingValues& values,
                                                        OtherSteps steps = OtherSteps::refused);

// Returns standard output and standard error on rank 0, and streams without output on other ranks.
[[nodiscard]] RunStreams streams_of(const Ranks& ranks);

// Returns "scimix_train NAME ARGUMENTS", quoted for a shell, in one line of ASCII.
[[nodiscard]] std::string command_line(const std::string& name,
                                       std::span<const std::string> arguments);

}  // namespace scimix

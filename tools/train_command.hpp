// What the commands of scimix_train share: --config, --resume, and what config.toml says of a run.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "trainers/run_start.hpp"

namespace scimix {

inline constexpr int kExitInterrupted = 130;

class TrainCommand {
 public:
  // `name`: generator, classifier.
  TrainCommand(std::string name, std::vector<std::string> arguments);

  // Parses the arguments with --config and --resume added. A resumed run takes its settings from
  // its own folder; what may differ is where it runs. Returns an exit code where help was asked
  // for. Errors (user): settings given for a resumed run, a run of another command.
  [[nodiscard]] std::optional<int> parse(CLI::App& app);

  [[nodiscard]] const std::vector<std::string>& arguments() const { return arguments_; }
  [[nodiscard]] bool resumes() const { return !resume_.empty(); }
  // Of the settings as they are now. `command`: as the user typed it.
  [[nodiscard]] RunRequest request(const CLI::App& app, const std::string& command,
                                   Ranks& ranks) const;

 private:
  void use_settings_of_resumed_run();

  std::string name_;
  std::vector<std::string> arguments_;
  std::string resume_;
};

// Standard output and error for rank 0, silence for others.
[[nodiscard]] RunStreams streams_of(const Ranks& ranks);

// Every setting, as config.toml holds it, without the lines that only say what made the file.
[[nodiscard]] std::string settings_text(const CLI::App& app);
[[nodiscard]] std::string settings_text(const std::filesystem::path& config);

// "scimix_train NAME ARGUMENTS", quoted for a shell.
[[nodiscard]] std::string command_line(const std::string& name,
                                       std::span<const std::string> arguments);

}  // namespace scimix

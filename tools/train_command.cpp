#include "tools/train_command.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>

#include "core/error.hpp"
#include "report/run_folder.hpp"
#include "tools/cli.hpp"

namespace scimix {

namespace {

constexpr const char* kCommandMark = "# made by: ";

// The first line of a run's config.toml.
std::string heading(const std::string& name) {
  return "# scimix_train " + name;
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// A run of another command has other settings. (A run without a heading is taken as it is.)
void check_command(const std::filesystem::path& config, const std::string& name) {
  const std::vector<std::string> lines = lines_of(config);
  if (lines.empty() || !lines[0].starts_with(heading("")) || lines[0] == heading(name)) return;
  user_error(config.string(), ": a run of ", lines[0].substr(2), ", expected one of ",
             heading(name).substr(2));
}

std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-_./=,:+@%").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

TrainCommand::TrainCommand(std::string name, std::vector<std::string> arguments)
    : name_(std::move(name)), arguments_(std::move(arguments)) {}

void TrainCommand::use_settings_of_resumed_run() {
  const auto flag = std::find(arguments_.begin(), arguments_.end(), "--resume");
  if (flag == arguments_.end() || flag + 1 == arguments_.end()) return;
  for (const std::string& word : arguments_) {
    const bool allowed = word == "--resume" || word == "--device" || word == "--help";
    if (word.starts_with("--") && !allowed) {
      user_error(word,
                 ": a resumed run keeps its settings, expected --resume FOLDER and at most "
                 "--device");
    }
  }
  const std::filesystem::path config = RunFolder::open(*(flag + 1)).config();
  check_command(config, name_);
  arguments_.insert(arguments_.begin(), {"--config", config.string()});
}

std::optional<int> TrainCommand::parse(CLI::App& app) {
  app.set_config("--config", "", "a preset: TOML with the long option names as keys")
      ->group("Output")
      ->configurable(false);
  app.add_option("--resume", resume_, "go on with the run in this folder, with its own settings")
      ->group("Output")
      ->configurable(false);
  use_settings_of_resumed_run();
  return scimix::parse(app, arguments_);
}

RunRequest TrainCommand::request(const CLI::App& app, const std::string& command,
                                 Ranks& ranks) const {
  RunRequest request{
      .config_text = heading(name_) + '\n' + kCommandMark + command + '\n' + settings_text(app),
      .command = command,
      .ranks = &ranks};
  if (!resumes()) return request;
  request.resume = resume_;
  for (const std::string& line : lines_of(RunFolder::open(resume_).config())) {
    if (line.starts_with(kCommandMark)) {
      request.command = line.substr(std::string_view(kCommandMark).size());
    }
  }
  return request;
}

// Standard output of the other ranks has been closed (tools/cli.hpp).
RunStreams streams_of(const Ranks& ranks) {
  return {std::cout, ranks.rank() == 0 ? std::cerr : std::cout};
}

std::string settings_text(const CLI::App& app) {
  return app.config_to_str(/*default_also=*/true, /*write_description=*/false);
}

std::string settings_text(const std::filesystem::path& config) {
  std::string text;
  for (const std::string& line : lines_of(config)) {
    if (!line.starts_with("#")) text += line + '\n';
  }
  return text;
}

std::string command_line(const std::string& name, std::span<const std::string> arguments) {
  std::string text = heading(name).substr(2);
  for (const std::string& word : arguments) text += " " + quoted(word);
  return text;
}

}  // namespace scimix

// scimix_train generator|classifier [options]: training runs.

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include "core/error.hpp"
#include "core/names.hpp"
#include "tools/classifier_options.hpp"
#include "tools/cli.hpp"
#include "tools/generator_options.hpp"
#include "trainers/classifier_run.hpp"
#include "trainers/generator_run.hpp"
#include "trainers/run_folder.hpp"

namespace {

constexpr int kExitInterrupted = 130;

constexpr const char* kUsage =
    "usage: scimix_train generator [options]\n"
    "       scimix_train classifier [options]\n"
    "\n"
    "  generator    train SciMix's generator: the class of one image in the scene of another\n"
    "  classifier   train a classifier (--method supervised)\n"
    "\n"
    "scimix_train COMMAND --help lists the options of a command.\n";

// The first line of a run's config.toml.
std::string heading(const std::string& command) {
  return "# scimix_train " + command;
}

// A run of another command has other settings. (A run without a heading is taken as it is.)
void check_command(const std::filesystem::path& config, const std::string& command) {
  std::ifstream file(config);
  std::string line;
  std::getline(file, line);
  if (line.starts_with(heading("")) && line != heading(command)) {
    scimix::user_error(config.string(), ": a run of ", line.substr(2), ", expected one of ",
                       heading(command).substr(2));
  }
}

// --config and --resume. A resumed run takes its settings from its own folder. What may differ is
// where it runs.
struct Source {
  std::string command;
  std::string resume = {};

  void add_options(CLI::App& app) {
    app.set_config("--config", "", "a preset: TOML with the long option names as keys")
        ->group("Output")
        ->configurable(false);
    app.add_option("--resume", resume, "go on with the run in this folder, with its own settings")
        ->group("Output")
        ->configurable(false);
  }

  void use_settings_of_resumed_run(std::vector<std::string>& arguments) const {
    const auto flag = std::find(arguments.begin(), arguments.end(), "--resume");
    if (flag == arguments.end() || flag + 1 == arguments.end()) return;
    for (const std::string& word : arguments) {
      const bool allowed = word == "--resume" || word == "--device" || word == "--help";
      if (word.starts_with("--") && !allowed) {
        scimix::user_error(word,
                           ": a resumed run keeps its settings, expected --resume FOLDER and "
                           "at most --device");
      }
    }
    const std::filesystem::path config = scimix::RunFolder::open(*(flag + 1)).config();
    check_command(config, command);
    arguments.insert(arguments.begin(), {"--config", config.string()});
  }

  [[nodiscard]] std::string settings_of(const CLI::App& app) const {
    return heading(command) + '\n' +
           app.config_to_str(/*default_also=*/true, /*write_description=*/false);
  }

  [[nodiscard]] std::optional<std::filesystem::path> folder() const {
    if (resume.empty()) return std::nullopt;
    return resume;
  }
};

int train_generator(std::vector<std::string> arguments) {
  CLI::App app("Trains SciMix's generator.", "scimix_train generator");
  scimix::GeneratorRunConfig config;
  scimix::add_generator_options(app, config);
  Source source{.command = "generator"};
  source.add_options(app);
  source.use_settings_of_resumed_run(arguments);
  if (const auto done = scimix::parse(app, arguments)) return *done;
  scimix::apply_preset(app, config);
  const auto result =
      scimix::run_generator(config, source.settings_of(app), source.folder(), std::cout, std::cerr);
  return result.interrupted ? kExitInterrupted : 0;
}

int train_classifier(std::vector<std::string> arguments) {
  CLI::App app("Trains a classifier.", "scimix_train classifier");
  scimix::ClassifierConfig config;
  scimix::add_classifier_options(app, config);
  Source source{.command = "classifier"};
  source.add_options(app);
  source.use_settings_of_resumed_run(arguments);
  if (const auto done = scimix::parse(app, arguments)) return *done;
  const auto result = scimix::run_classifier(config, source.settings_of(app), source.folder(),
                                             std::cout, std::cerr);
  return result.interrupted ? kExitInterrupted : 0;
}

int run(std::vector<std::string> arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    std::cout << kUsage;
    return arguments.empty() ? scimix::kExitUserError : 0;
  }
  const std::string command = arguments[0];
  arguments.erase(arguments.begin());
  if (command == "generator") return train_generator(std::move(arguments));
  if (command == "classifier") return train_classifier(std::move(arguments));
  static const std::array<std::string, 2> commands{"generator", "classifier"};
  scimix::user_error("unknown command ", command, "; did you mean ",
                     scimix::nearest_name(command, commands), "?");
}

}  // namespace

int main(int argc, char** argv) {
  return scimix::run_program("scimix_train", [&] { return run({argv + 1, argv + argc}); });
}

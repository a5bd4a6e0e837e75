// scimix_train classifier [options]: trains a classifier.

#include <algorithm>
#include <array>
#include <iostream>
#include <optional>

#include "core/error.hpp"
#include "core/names.hpp"
#include "tools/classifier_options.hpp"
#include "tools/cli.hpp"
#include "trainers/classifier_run.hpp"
#include "trainers/run_folder.hpp"

namespace {

constexpr int kExitInterrupted = 130;

constexpr const char* kUsage =
    "usage: scimix_train classifier [options]\n"
    "\n"
    "  classifier   train a classifier (--method supervised)\n"
    "\n"
    "scimix_train classifier --help lists its options.\n";

int train_classifier(std::vector<std::string> arguments) {
  CLI::App app("Trains a classifier.", "scimix_train classifier");
  scimix::ClassifierConfig config;
  scimix::add_classifier_options(app, config);
  app.set_config("--config", "", "a preset: TOML with the long option names as keys")
      ->group("Output")
      ->configurable(false);
  std::string resume;
  app.add_option("--resume", resume, "go on with the run in this folder, with its own settings")
      ->group("Output")
      ->configurable(false);

  // A resumed run takes its settings from its own folder. What may differ is where it runs.
  const auto flag = std::find(arguments.begin(), arguments.end(), "--resume");
  if (flag != arguments.end() && flag + 1 != arguments.end()) {
    for (const std::string& word : arguments) {
      const bool allowed = word == "--resume" || word == "--device" || word == "--help";
      if (word.starts_with("--") && !allowed) {
        scimix::user_error(word,
                           ": a resumed run keeps its settings, expected --resume FOLDER and "
                           "at most --device");
      }
    }
    arguments.insert(arguments.begin(),
                     {"--config", scimix::RunFolder::open(*(flag + 1)).config().string()});
  }
  if (const auto done = scimix::parse(app, arguments)) return *done;
  const auto from = resume.empty() ? std::nullopt : std::optional<std::filesystem::path>(resume);
  const std::string text = app.config_to_str(/*default_also=*/true, /*write_description=*/false);
  const auto result = scimix::run_classifier(config, text, from, std::cout, std::cerr);
  return result.interrupted ? kExitInterrupted : 0;
}

int run(std::vector<std::string> arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    std::cout << kUsage;
    return arguments.empty() ? scimix::kExitUserError : 0;
  }
  const std::string command = arguments[0];
  arguments.erase(arguments.begin());
  if (command == "classifier") return train_classifier(std::move(arguments));
  static const std::array<std::string, 1> commands{"classifier"};
  scimix::user_error("unknown command ", command, "; did you mean ",
                     scimix::nearest_name(command, commands), "?");
}

}  // namespace

int main(int argc, char** argv) {
  return scimix::run_program("scimix_train", [&] { return run({argv + 1, argv + argc}); });
}

// scimix_train generator|classifier|table [options]: training runs.

#include <array>
#include <iostream>

#include "core/error.hpp"
#include "core/names.hpp"
#include "tools/cli.hpp"
#include "tools/settings_help.hpp"
#include "tools/train_classifier.hpp"
#include "tools/train_generator.hpp"
#include "tools/train_table.hpp"

namespace {

constexpr const char* kUsage =
    "usage: scimix_train generator [options]\n"
    "       scimix_train classifier [options]\n"
    "       scimix_train table NAME [options]\n"
    "\n"
    "  generator    train SciMix's generator: the class of one image in the scene of another\n"
    "  classifier   train a classifier: supervised, Mean Teacher or FixMatch, with hybrids or\n"
    "               without\n"
    "  table        train all runs of a table of the paper, and write the table\n"
    "\n"
    "scimix_train COMMAND --help lists the everyday options of a command, --help-all all of them.\n"
    "scimix_train --completion bash|zsh prints a script that completes options.\n";

int run(std::vector<std::string> arguments, scimix::Ranks& ranks) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    std::cout << kUsage;
    return arguments.empty() ? scimix::kExitUserError : 0;
  }
  if (arguments[0] == "--settings-document") {
    std::cout << scimix::settings_document();
    return 0;
  }
  if (arguments[0].starts_with("--completion")) {
    const auto equals = arguments[0].find('=');
    if (equals != std::string::npos) arguments.push_back(arguments[0].substr(equals + 1));
    std::cout << scimix::completion_script(arguments.size() > 1 ? arguments[1] : "");
    return 0;
  }
  const std::string command = arguments[0];
  arguments.erase(arguments.begin());
  if (command == "generator") return scimix::train_generator(arguments, ranks);
  if (command == "classifier") return scimix::train_classifier(arguments, ranks);
  if (command == "table") return scimix::train_table(arguments, ranks);
  static const std::array<std::string, 3> commands{"generator", "classifier", "table"};
  scimix::user_error("unknown command ", command, "; did you mean ",
                     scimix::nearest_name(command, commands), "?");
}

}  // namespace

int main(int argc, char** argv) {
  return scimix::run_program_on_ranks("scimix_train", [&](scimix::Ranks& ranks) {
    return run({argv + 1, argv + argc}, ranks);
  });
}

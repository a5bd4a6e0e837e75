// scimix_train auto|generator|classifier|table [options]: training runs.

#include <iostream>

#include "core/threads.hpp"
#include "tools/auto/train_auto.hpp"
#include "tools/command_line/cli.hpp"
#include "tools/command_line/program.hpp"
#include "tools/command_line/settings_help.hpp"
#include "tools/table/train_table.hpp"
#include "tools/train/train_classifier.hpp"
#include "tools/train/train_generator.hpp"

namespace {

using Arguments = std::vector<std::string>;

scimix::Program program(scimix::Ranks& ranks) {
  const auto on_ranks = [&ranks](int (*command)(const Arguments&, scimix::Ranks&)) {
    return [&ranks, command](const Arguments& arguments) { return command(arguments, ranks); };
  };
  return {.name = "scimix_train",
          .summary = "train SciMix's generator, and classifiers with its hybrids",
          .commands = {{"generator", "[options]",
                        "train SciMix's generator: the class of one image in the scene of another",
                        on_ranks(scimix::train_generator)},
                       {"classifier", "[options]",
                        "train a classifier: supervised, Mean Teacher or FixMatch, with hybrids or "
                        "without",
                        on_ranks(scimix::train_classifier)},
                       {"auto", "--data-dir DIR [options]",
                        "do the whole job with a folder of own pictures: pick settings for the "
                        "device and the time, train guide, generator and classifier",
                        on_ranks(scimix::train_auto)},
                       {"table", "NAME [options]",
                        "train all runs of a table of the paper, and write the table",
                        on_ranks(scimix::train_table)}},
          .note =
              "--help-all lists all of them.\n"
              "scimix_train --completion bash|zsh prints a script that completes options.\n"};
}

int run(const Arguments& arguments, scimix::Ranks& ranks) {
  if (!arguments.empty() && arguments[0] == "--settings-document") {
    std::cout << scimix::settings_document();
    return 0;
  }
  return scimix::run_commands(program(ranks), arguments);
}

}  // namespace

int main(int argc, char** argv) {
  scimix::restart_with_short_waits(argv);
  return scimix::run_program_on_ranks("scimix_train", [&](scimix::Ranks& ranks) {
    return run({argv + 1, argv + argc}, ranks);
  });
}

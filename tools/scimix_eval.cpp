// scimix_eval accuracy|transfer [options]: what a run has learnt, in numbers.

#include <array>
#include <iostream>

#include "core/error.hpp"
#include "core/names.hpp"
#include "tools/cli.hpp"
#include "tools/eval_accuracy.hpp"
#include "tools/eval_transfer.hpp"

namespace {

constexpr const char* kUsage =
    "usage: scimix_eval accuracy RUN [options]\n"
    "       scimix_eval transfer --generator RUN [options]\n"
    "\n"
    "  accuracy   how often a classifier, or a generator's own one, is right, by class\n"
    "  transfer   s_c and s_r of hybrids, beside MixUp, AdaIN and FDA\n"
    "\n"
    "scimix_eval COMMAND --help lists the options of a command.\n";

int run(std::vector<std::string> arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    std::cout << kUsage;
    return arguments.empty() ? scimix::kExitUserError : 0;
  }
  const std::string command = arguments[0];
  arguments.erase(arguments.begin());
  if (command == "accuracy") return scimix::eval_accuracy(arguments);
  if (command == "transfer") return scimix::eval_transfer(arguments);
  static const std::array<std::string, 2> commands{"accuracy", "transfer"};
  scimix::user_error("unknown command ", command, "; did you mean ",
                     scimix::nearest_name(command, commands), "?");
}

}  // namespace

int main(int argc, char** argv) {
  return scimix::run_program("scimix_eval", [&] { return run({argv + 1, argv + argc}); });
}

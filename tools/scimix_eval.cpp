// scimix_eval COMMAND [options]: what a run has learnt, and tools to check it.

#include <array>
#include <iostream>

#include "core/error.hpp"
#include "core/names.hpp"
#include "tools/cli.hpp"
#include "tools/eval_accuracy.hpp"
#include "tools/eval_augment.hpp"
#include "tools/eval_logits.hpp"
#include "tools/eval_predict.hpp"
#include "tools/eval_restore.hpp"
#include "tools/eval_transfer.hpp"

namespace {

constexpr const char* kUsage =
    "usage: scimix_eval accuracy RUN [options]\n"
    "       scimix_eval predict RUN IMAGES... [options]\n"
    "       scimix_eval transfer --generator RUN [options]\n"
    "       scimix_eval logits RUN [options]\n"
    "       scimix_eval augment PICTURE --operation NAME --out PNG [options]\n"
    "       scimix_eval restore CHECKPOINT --like CHECKPOINT [options]\n"
    "\n"
    "  accuracy   how often a classifier, or a generator's own one, is right, by class\n"
    "  predict    the classes of new images, and which of them a person should label or check\n"
    "  transfer   s_c and s_r of hybrids, beside MixUp, AdaIN and FDA\n"
    "  logits     what a classifier answers to each test image\n"
    "  augment    one augmentation operation, applied to a picture\n"
    "  restore    gives a checkpoint that another library has saved its metadata back\n"
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
  if (command == "predict") return scimix::eval_predict(arguments);
  if (command == "transfer") return scimix::eval_transfer(arguments);
  if (command == "logits") return scimix::eval_logits(arguments);
  if (command == "augment") return scimix::eval_augment(arguments);
  if (command == "restore") return scimix::eval_restore(arguments);
  static const std::array<std::string, 6> commands{"accuracy", "predict", "transfer",
                                                   "logits",   "augment", "restore"};
  scimix::user_error("unknown command ", command, "; did you mean ",
                     scimix::nearest_name(command, commands), "?");
}

}  // namespace

int main(int argc, char** argv) {
  return scimix::run_program("scimix_eval", [&] { return run({argv + 1, argv + argc}); });
}

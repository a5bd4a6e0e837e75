// scimix_eval COMMAND [options]: what a run has learnt, and tools to check it.

#include "core/threads.hpp"
#include "tools/command_line/cli.hpp"
#include "tools/command_line/program.hpp"
#include "tools/eval/eval_accuracy.hpp"
#include "tools/eval/eval_augment.hpp"
#include "tools/eval/eval_logits.hpp"
#include "tools/eval/eval_predict.hpp"
#include "tools/eval/eval_restore.hpp"
#include "tools/eval/eval_transfer.hpp"

namespace {

scimix::Program program() {
  return {
      .name = "scimix_eval",
      .summary = "evaluate trained classifiers and generators",
      .commands = {{"accuracy", "RUN [options]",
                    "how often a classifier, or a generator's own one, is right, by class",
                    scimix::eval_accuracy},
                   {"predict", "RUN IMAGES... [options]",
                    "the classes of new images, and which of them a person should label or check",
                    scimix::eval_predict},
                   {"transfer", "--generator RUN [options]",
                    "s_c and s_r of hybrids, beside MixUp, AdaIN and FDA", scimix::eval_transfer},
                   {"logits", "RUN [options]", "what a classifier answers to each test image",
                    scimix::eval_logits},
                   {"augment", "PICTURE --operation NAME --out PNG [options]",
                    "one augmentation operation, applied to a picture", scimix::eval_augment},
                   {"restore", "CHECKPOINT --like CHECKPOINT [options]",
                    "gives a checkpoint that another library has saved its metadata back",
                    scimix::eval_restore}}};
}

}  // namespace

int main(int argc, char** argv) {
  scimix::restart_with_short_waits(argv);
  return scimix::run_program("scimix_eval", [&] {
    return scimix::run_commands(program(), {argv + 1, argv + argc});
  });
}

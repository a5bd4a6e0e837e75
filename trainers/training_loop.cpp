#include "trainers/training_loop.hpp"

#include "trainers/interrupt.hpp"

namespace scimix {

bool run_training_loop(std::int64_t first, std::int64_t total, const OutputSettings& settings,
                       const RunFolder& run, const TrainingHooks& hooks) {
  const InterruptFlag interrupted;
  for (std::int64_t done = first + 1; done <= total; ++done) {
    hooks.step();
    const auto due = [&](std::int64_t every) { return done % every == 0 || done == total; };
    const bool stop = interrupted.raised();
    const bool log = due(settings.log_every);
    const bool evaluate = due(settings.eval_every);
    const bool save = due(settings.checkpoint_every) || stop;
    if (log || evaluate || save) hooks.check();
    if (log) {
      hooks.log();
    } else {
      hooks.tick();
    }
    if (evaluate) hooks.evaluate();
    if (save) {
      hooks.save(run.checkpoint(done));
      run.keep_newest_checkpoints(settings.keep_checkpoints);
    }
    if (stop && done < total) return true;
  }
  return false;
}

}  // namespace scimix

#include "trainers/training_loop.hpp"

#include <algorithm>

#include "trainers/interrupt.hpp"

namespace scimix {

namespace {

// Signals reach ranks at different steps.
bool any_rank(bool mine, Comm& ranks) {
  const double said = mine ? 1 : 0;
  const std::vector<double> all = ranks.all_gather(std::span(&said, 1));
  return std::any_of(all.begin(), all.end(), [](double one) { return one != 0; });
}

}  // namespace

bool run_training_loop(std::int64_t first, std::int64_t total, const OutputSettings& settings,
                       const RunFolder& run, Comm& ranks, const TrainingHooks& hooks) {
  const InterruptFlag interrupted;
  const auto next_multiple = [&](std::int64_t done, std::int64_t every) {
    return std::min(total, (done / every + 1) * every);
  };
  for (std::int64_t done = first; done < total;) {
    const std::int64_t end = std::min(
        {done + hooks.at_once(), next_multiple(done, settings.log_every),
         next_multiple(done, settings.eval_every), next_multiple(done, settings.checkpoint_every)});
    hooks.steps(end - done);
    done = end;
    const auto due = [&](std::int64_t every) { return done % every == 0 || done == total; };
    const bool log = due(settings.log_every);
    const bool stop =
        ranks.is_alone() ? interrupted.raised() : log && any_rank(interrupted.raised(), ranks);
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
      if (ranks.is_first()) run.keep_newest_checkpoints(settings.keep_checkpoints);
      if (!ranks.is_alone()) ranks.barrier();  // the file is whole for everybody
    }
    if (stop && done < total) return true;
  }
  return false;
}

}  // namespace scimix

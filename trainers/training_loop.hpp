// The loop that every training run has: steps, log lines, evaluations, checkpoints, and an end that
// Ctrl-C may bring early.
#pragma once

#include <filesystem>
#include <functional>

#include "core/comm.hpp"
#include "report/run_folder.hpp"
#include "settings/settings.hpp"

namespace scimix {

struct TrainingHooks {
  std::function<void(std::int64_t count)> steps;
  std::function<std::int64_t()> at_once;  // how many steps are best asked for next
  std::function<void()> check;     // before log, evaluation and save; throws where a loss is NaN
  std::function<void()> log;       // every log_every steps and at the end
  std::function<void()> tick;      // after all other steps
  std::function<void()> evaluate;  // every eval_every steps and at the end
  std::function<void(const std::filesystem::path&)> save;
};

// Goes from `first` to `total` steps. True when it was interrupted (SIGINT, SIGTERM, SIGUSR1): a
// checkpoint was written. A checkpoint is only written where `check` found no fault, so that the
// newest one is always good.
//
// All ranks call the same hooks at the same steps. Several of them look for an interrupt where they
// meet anyway: when they log.
[[nodiscard]] bool run_training_loop(std::int64_t first, std::int64_t total,
                                     const OutputSettings& settings, const RunFolder& run,
                                     Comm& ranks, const TrainingHooks& hooks);

}  // namespace scimix

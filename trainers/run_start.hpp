// What every training run does before its first step and between its steps, whatever it trains.
#pragma once

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <filesystem>
#include <optional>
#include <ostream>
#include <string>

#include "core/ranks.hpp"
#include "report/run_folder.hpp"
#include "report/run_log.hpp"
#include "trainers/training_loop.hpp"

namespace scimix {

// How a run was asked for.
struct RunRequest {
  std::string config_text;                           // what config.toml shall hold
  std::string command;                               // the exact command line, for the report
  std::optional<std::filesystem::path> resume = {};  // the folder of a run to go on with
  bool settings_changed = false;                     // of that run: config.toml becomes config_text
  Ranks* ranks = nullptr;  // that train together; null: this process alone
};

// Where a run speaks: results to `out`, the moving progress line to `progress`.
struct RunStreams {
  std::ostream& out;
  std::ostream& progress;
};

// The settings a run was shrunk by, as every output of it says; empty for scale `full`.
[[nodiscard]] std::string scale_note(RunScale scale);

// Takes the newest checkpoint of the run to go on with, if it has one; then all ranks start from
// what rank 0 holds. The step after which it goes on; none for a new run.
template <class Trainer>
[[nodiscard]] std::optional<std::int64_t> resume(Trainer& trainer, const RunRequest& request) {
  if (request.resume) {
    const auto checkpoint = RunFolder::open(*request.resume).latest_checkpoint();
    if (checkpoint) trainer.load(*checkpoint);
  }
  trainer.share_state();
  return request.resume ? std::optional(trainer.steps_done()) : std::nullopt;
}

// The folder of the run to go on with, or a new one, which rank 0 makes.
[[nodiscard]] inline RunFolder run_folder(const RunRequest& request,
                                          const std::filesystem::path& new_folder,
                                          const Comm& ranks) {
  if (request.resume) {
    const RunFolder run = RunFolder::open(*request.resume);
    if (request.settings_changed && ranks.is_first()) run.write_config(request.config_text);
    return run;
  }
  return ranks.is_first() ? RunFolder::create(new_folder) : RunFolder::of_another_rank(new_folder);
}

inline void introduce_folder(const RunFolder& run, std::optional<std::int64_t> resumed,
                             const Comm& ranks, std::ostream& out) {
  if (!ranks.is_alone()) fmt::print(out, "{} ranks share every batch\n", ranks.size());
  fmt::print(out, "run folder {}{}\n", run.path().string(),
             resumed ? fmt::format(", resumed after step {}", *resumed) : "");
  out.flush();
}

// Runs the steps that are left. `report` has training() and evaluation(), which log. True when it
// was interrupted; that is then said.
template <class Trainer, class Report>
[[nodiscard]] bool train(Trainer& trainer, Report& report, RunLog& log, const RunFolder& run,
                         std::int64_t steps, const OutputSettings& settings, Comm& ranks,
                         std::ostream& out) {
  const bool interrupted =
      run_training_loop(trainer.steps_done(), steps, settings, run, ranks,
                        {.steps = [&](std::int64_t count) { trainer.steps(count); },
                         .at_once = [&] { return trainer.steps_at_once(); },
                         .check = [&] { trainer.check_finite(); },
                         .log = [&] { report.training(); },
                         .tick = [&] { log.show(trainer.steps_done()); },
                         .evaluate = [&] { report.evaluation(); },
                         .save = [&](const std::filesystem::path& path) { trainer.save(path); }});
  log.finish();
  if (interrupted) {
    fmt::print(out, "interrupted after step {}; continue with --resume {}\n", trainer.steps_done(),
               run.path().string());
  }
  return interrupted;
}

}  // namespace scimix

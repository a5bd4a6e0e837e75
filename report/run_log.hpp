// Where the numbers of a run go: metrics.jsonl for programs, TensorBoard, the progress line.
#pragma once

#include <memory>
#include <optional>
#include <ostream>
#include <string_view>

#include "report/metrics_log.hpp"
#include "report/progress.hpp"
#include "report/run_folder.hpp"
#include "report/tensorboard.hpp"

namespace scimix {

class RunLog {
 public:
  // `resumed`: the step after which an older run goes on.
  RunLog(const RunFolder& run, std::int64_t total_steps, std::int64_t batch,
         std::optional<std::int64_t> resumed, std::ostream& progress);
  // Of a rank that keeps silent: writes and shows nothing.
  RunLog() = default;

  // Into both files.
  void record(std::int64_t step, const Metrics& metrics);
  // A PNG file for TensorBoard.
  void image(std::int64_t step, std::string_view tag, const std::filesystem::path& png);
  // On the progress line; without metrics the last ones stay.
  void show(std::int64_t step, const Metrics& metrics = {});
  // Leaves the time since show() was called last out of the speed: it did not go into steps.
  void exclude_pause();
  void note(std::string_view message);
  void finish();

 private:
  struct Files {
    MetricsLog log;
    TensorBoardWriter events;
    Progress progress;
    std::int64_t batch;
  };
  std::unique_ptr<Files> files_;
};

}  // namespace scimix

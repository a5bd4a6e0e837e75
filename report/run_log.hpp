// Writes the numbers of a run to metrics.jsonl, to TensorBoard and to the progress line.
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
  // `batch` is the number of images per step. `resumed` is the step after which a resumed run
  // continues.
  RunLog(const RunFolder& run, std::int64_t total_steps, std::int64_t batch,
         std::optional<std::int64_t> resumed, std::ostream& progress);
  // Makes a log that writes and shows nothing, for ranks other than the first.
  RunLog() = default;

  // Writes numbers to both files.
  void record(std::int64_t step, const Metrics& metrics);
  // Writes a PNG file to TensorBoard.
  void image(std::int64_t step, std::string_view tag, const std::filesystem::path& png);
  // Updates the progress line. A call without metrics keeps the last ones.
  void show(std::int64_t step, const Metrics& metrics = {});
  // Excludes the time since the last show() from the images per second: see Progress.
  void exclude_pause();
  // Writes a message between the progress lines.
  void note(std::string_view message);
  // Shows the last state of the progress line and ends it.
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

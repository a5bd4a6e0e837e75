#include "report/run_log.hpp"

#include "data/file.hpp"

namespace scimix {

RunLog::RunLog(const RunFolder& run, std::int64_t total_steps, std::int64_t batch,
               std::optional<std::int64_t> resumed, std::ostream& progress)
    : files_(new Files{.log = resumed ? MetricsLog::resume(run.metrics(), *resumed)
                                      : MetricsLog::start(run.metrics()),
                       .events = TensorBoardWriter(run.path(), unix_seconds(), resumed),
                       .progress = Progress(progress, stderr_is_terminal(), total_steps),
                       .batch = batch}) {
  show(resumed.value_or(0));
}

void RunLog::record(std::int64_t step, const Metrics& metrics) {
  if (files_ == nullptr) return;
  const double now = unix_seconds();
  files_->log.add(step, now, metrics);
  files_->events.add_scalars(step, now, metrics);
}

void RunLog::image(std::int64_t step, std::string_view tag, const std::filesystem::path& png) {
  if (files_ == nullptr) return;
  const auto bytes = read_file(png);
  files_->events.add_image(step, unix_seconds(), tag, std::as_bytes(std::span(bytes)));
}

void RunLog::show(std::int64_t step, const Metrics& metrics) {
  if (files_ != nullptr) files_->progress.update(step, step * files_->batch, metrics);
}

void RunLog::exclude_pause() {
  if (files_ != nullptr) files_->progress.exclude_pause();
}

void RunLog::note(std::string_view message) {
  if (files_ != nullptr) files_->progress.note(message);
}

void RunLog::finish() {
  if (files_ != nullptr) files_->progress.finish();
}

}  // namespace scimix

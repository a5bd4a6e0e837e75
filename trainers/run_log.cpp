#include "trainers/run_log.hpp"

#include "data/file.hpp"

namespace scimix {

RunLog::RunLog(const RunFolder& run, std::int64_t total_steps, std::int64_t batch,
               std::optional<std::int64_t> resumed, std::ostream& progress)
    : log_(resumed ? MetricsLog::resume(run.metrics(), *resumed)
                   : MetricsLog::start(run.metrics())),
      events_(run.path(), unix_seconds(), resumed),
      progress_(progress, stderr_is_terminal(), total_steps),
      batch_(batch) {
  show(resumed.value_or(0));
}

void RunLog::record(std::int64_t step, const Metrics& metrics) {
  const double now = unix_seconds();
  log_.add(step, now, metrics);
  events_.add_scalars(step, now, metrics);
}

void RunLog::image(std::int64_t step, std::string_view tag, const std::filesystem::path& png) {
  const auto bytes = read_file(png);
  events_.add_image(step, unix_seconds(), tag, std::as_bytes(std::span(bytes)));
}

void RunLog::show(std::int64_t step, const Metrics& metrics) {
  progress_.update(step, step * batch_, metrics);
}

}  // namespace scimix

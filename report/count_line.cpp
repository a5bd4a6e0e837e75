#include "report/count_line.hpp"

#include <fmt/format.h>

#include <ostream>
#include <utility>

namespace scimix {

namespace {

constexpr double kQuietSeconds = 2;
constexpr double kTerminalInterval = 0.2;
constexpr double kLogInterval = 15;
constexpr const char* kClearLine = "\r\x1b[K";

}  // namespace

CountLine::CountLine(std::ostream& out, bool terminal, std::string what, Progress::Clock clock)
    : out_(out),
      terminal_(terminal),
      what_(std::move(what)),
      clock_(std::move(clock)),
      next_time_(clock_() + kQuietSeconds) {}

CountLine::~CountLine() {
  if (line_open_) out_ << kClearLine << std::flush;
}

void CountLine::update(std::int64_t done, std::int64_t images) {
  const double now = clock_();
  if (!start_) start_ = {now, done};
  if (now < next_time_) return;
  next_time_ = now + (terminal_ ? kTerminalInterval : kLogInterval);
  std::string line = fmt::format("{} {}/{}", what_, done, images);
  if (done > start_->done) {
    const double left = (now - start_->time) * static_cast<double>(images - done) /
                        static_cast<double>(done - start_->done);
    line += fmt::format("  {} left", format_duration(left));
  }
  out_ << (terminal_ ? kClearLine + line : line + "\n") << std::flush;
  line_open_ = terminal_;
}

}  // namespace scimix

#include "report/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ostream>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace scimix {
namespace {

constexpr double kTerminalInterval = 0.1;  // seconds between two drawings
constexpr double kLogInterval = 15;
constexpr double kMemory = 20;  // seconds after which a past speed weighs 1/e
constexpr std::string_view kClearLine = "\r\x1b[K";
constexpr std::string_view kGap = "  ";

// Joins the pieces into a line of at most `width` characters. If they are too wide, the last but
// one is left out, and so on: the last one (the time left) stays. What is still too wide is cut,
// because a wrapped line can't be rewritten.
std::string fit(std::vector<std::string> pieces, std::size_t width) {
  const auto join = [&] { return fmt::format("{}", fmt::join(pieces, kGap)); };
  std::string line = join();
  while (line.size() > width && pieces.size() > 2) {
    pieces.erase(pieces.end() - 2);
    line = join();
  }
  return line.substr(0, width);
}

}  // namespace

std::string format_duration(double seconds) {
  if (!(seconds >= 0) || seconds > 1e15) return "?";
  const auto s = std::llround(seconds);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
  const auto minutes = (s + 30) / 60;
  if (minutes < 24 * 60) return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
  const auto hours = (minutes + 30) / 60;
  return fmt::format("{} d {:02} h", hours / 24, hours % 24);
}

std::string format_rate(double per_second) {
  if (!std::isfinite(per_second)) return "?";
  if (std::abs(per_second) >= 99.95) return fmt::format("{:.0f}", per_second);
  return fmt::format("{:#.3g}", per_second);
}

bool stderr_is_terminal() {
  const char* type = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && type != nullptr && std::string_view(type) != "dumb";
}

int terminal_width() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Progress::Progress(std::ostream& out, bool terminal, std::int64_t total_steps, Clock clock,
                   Width width)
    : out_(out),
      terminal_(terminal),
      total_steps_(total_steps),
      clock_(std::move(clock)),
      width_(std::move(width)) {}

Progress::~Progress() {
  end_line();
}

void Progress::update(std::int64_t step, std::int64_t images_seen, Metrics metrics) {
  SCIMIX_CHECK(!finished_, "progress: update after finish");
  const double now = clock_();
  if (!state_) {
    start_time_ = draw_time_ = now;
    first_step_ = step;
  } else {
    const double elapsed = now - state_->time;
    const double kept = std::exp(-elapsed / kMemory);
    seconds_ = seconds_ * kept + elapsed;
    steps_ = steps_ * kept + static_cast<double>(step - state_->step);
    images_ = images_ * kept + static_cast<double>(images_seen - state_->images);
    if (metrics.empty()) metrics = std::move(state_->metrics);
  }
  state_ = State{now, step, images_seen, std::move(metrics)};
  if (now - draw_time_ >= (terminal_ ? kTerminalInterval : kLogInterval)) draw();
}

void Progress::exclude_pause() {
  if (!state_) return;
  const double now = clock_();
  paused_ += now - state_->time;
  state_->time = now;
}

void Progress::note(std::string_view message) {
  if (line_open_) out_ << kClearLine;
  out_ << message << '\n';
  if (std::exchange(line_open_, false)) draw();
  out_.flush();
}

void Progress::finish() {
  if (std::exchange(finished_, true)) return;
  if (state_) draw();
  end_line();
}

std::string Progress::line() const {
  std::vector<std::string> pieces{fmt::format("step {}/{}", state_->step, total_steps_)};
  const bool measured = seconds_ > 0 && steps_ > 0;
  if (measured) pieces.push_back(format_rate(images_ / seconds_) + " images/s");
  for (const auto& [name, value] : state_->metrics) {
    pieces.push_back(fmt::format("{} {:#.4g}", name, value));
  }
  if (finished_) {
    pieces.push_back("took " + format_duration(draw_time_ - start_time_));
  } else if (measured) {
    const auto steps_left = static_cast<double>(total_steps_ - state_->step);
    const auto steps_made = static_cast<double>(state_->step - first_step_);
    const double seconds_per_step = seconds_ / steps_ + (steps_made > 0 ? paused_ / steps_made : 0);
    pieces.push_back(format_duration(steps_left * seconds_per_step) + " left");
  }
  // One column stays free, because some terminals wrap when the last one is written.
  return terminal_ ? fit(std::move(pieces), static_cast<std::size_t>(std::max(width_() - 1, 1)))
                   : fmt::format("{}", fmt::join(pieces, kGap));
}

void Progress::draw() {
  draw_time_ = clock_();
  if (terminal_) {
    out_ << std::string(kClearLine) + line();
    line_open_ = true;
  } else {
    out_ << line() + "\n";
  }
  out_.flush();
}

void Progress::end_line() {
  if (std::exchange(line_open_, false)) out_ << "\n" << std::flush;
}

}  // namespace scimix

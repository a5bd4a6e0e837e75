// What a run shows while it works:
//   step 1200/50000  2346 images/s  loss 1.230  accuracy 0.4100  12 min 05 s left
// On a terminal one line, rewritten in place; elsewhere (a log file, a pipe) plain lines, seldom.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "report/metrics_log.hpp"

namespace scimix {

// "12 s", "3 min 20 s", "1 h 02 min", "2 d 03 h". "?" for what is negative or no number.
[[nodiscard]] std::string format_duration(double seconds);
// Three digits or all the whole ones: "0.0123", "3.21", "32.1", "2346".
[[nodiscard]] std::string format_rate(double per_second);

// Whether standard error is a terminal that can rewrite a line.
[[nodiscard]] bool stderr_is_terminal();
// Columns of the terminal on standard error; 80 where unknown.
[[nodiscard]] int terminal_width();
// Seconds on a clock that never goes back.
[[nodiscard]] double steady_seconds();

class Progress {
 public:
  using Clock = std::function<double()>;  // seconds since anything
  using Width = std::function<int()>;     // columns, asked for at each drawing: windows change

  Progress(std::ostream& out, bool terminal, std::int64_t total_steps, Clock clock = steady_seconds,
           Width width = terminal_width);
  // Ends the line on a terminal, so that an error message starts on one of its own.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `images_seen` counts from the start of the run. The first call only sets the marks from which
  // speed is measured: make it before the first step (with the step that a run resumes from). Later
  // calls may come as often as they like; few of them draw. Without metrics the last ones stay:
  // they are read back from the device less often than steps are made.
  void update(std::int64_t step, std::int64_t images_seen, Metrics metrics = {});
  // Leaves the time since the last update out of the speed (an evaluation, a checkpoint), though
  // not out of the time that is left.
  void exclude_pause();
  // A message between the progress lines, on a line of its own.
  void note(std::string_view message);
  // Shows the last state and the time taken. Later calls do nothing.
  void finish();

 private:
  struct State {
    double time;
    std::int64_t step;
    std::int64_t images;
    Metrics metrics;
  };

  [[nodiscard]] std::string line() const;
  void draw();
  void end_line();

  std::ostream& out_;
  bool terminal_;
  std::int64_t total_steps_;
  Clock clock_;
  Width width_;
  std::optional<State> state_;
  double start_time_ = 0;
  double draw_time_ = 0;
  // Sums over the past, an interval weighing e^(-age / 20 s): their quotients are the speeds.
  double seconds_ = 0;
  double steps_ = 0;
  double images_ = 0;
  double paused_ = 0;            // seconds, since the first update
  std::int64_t first_step_ = 0;  // of the first update
  bool line_open_ = false;       // the cursor stands behind a progress line
  bool finished_ = false;
};

}  // namespace scimix

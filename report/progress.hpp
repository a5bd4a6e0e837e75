// Shows the progress of a run:
//   step 1200/50000  2346 images/s  loss 1.230  accuracy 0.4100  12 min 05 s left
// On a terminal, one line is rewritten in place. In a log file or a pipe, a new line is written
// every 15 seconds.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "report/metrics_log.hpp"

namespace scimix {

// Returns "12 s", "3 min 20 s", "1 h 02 min" or "2 d 03 h"; "?" for a negative number and for NaN.
[[nodiscard]] std::string format_duration(double seconds);
// Returns a number with three digits, or with all digits before the point: "0.0123", "3.21",
// "32.1", "2346".
[[nodiscard]] std::string format_rate(double per_second);

// Returns whether standard error is a terminal that can rewrite a line.
[[nodiscard]] bool stderr_is_terminal();
// Returns the columns of the terminal on standard error; 80 if they are unknown.
[[nodiscard]] int terminal_width();
// Returns the time in seconds of a clock that never goes back.
[[nodiscard]] double steady_seconds();

class Progress {
 public:
  using Clock = std::function<double()>;  // seconds since some fixed moment
  using Width = std::function<int()>;     // columns; called for every line that is drawn

  Progress(std::ostream& out, bool terminal, std::int64_t total_steps, Clock clock = steady_seconds,
           Width width = terminal_width);
  // Ends the line on a terminal, so that an error message starts on a new line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Updates the state after `step` steps. `images_seen` counts from the start of the run. The first
  // call sets the point from which the speed is measured: make it before the first step, with the
  // step from which a run is resumed. Later calls may be frequent; only some of them draw a line. A
  // call without metrics keeps the last ones, since metrics are read from the device less often.
  void update(std::int64_t step, std::int64_t images_seen, Metrics metrics = {});
  // Excludes the time since the last update from the images per second. Call it after an evaluation
  // or a checkpoint. The estimate of the remaining time includes such pauses, in proportion to
  // those so far. On a GPU, the host must have waited for the device before the last update.
  void exclude_pause();
  // Writes a message between the progress lines, on a line of its own.
  void note(std::string_view message);
  // Shows the last state and the duration of the run, including pauses. Later calls do nothing.
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
  // Sums over the past intervals, with weight e^(-age / 20 s). Their quotients are the speeds.
  double seconds_ = 0;
  double steps_ = 0;
  double images_ = 0;
  double paused_ = 0;            // seconds, since the first update
  std::int64_t first_step_ = 0;  // of the first update
  bool line_open_ = false;       // the cursor is at the end of a progress line
  bool finished_ = false;
};

}  // namespace scimix

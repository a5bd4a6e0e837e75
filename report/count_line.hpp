// Shows how far a long job on many images is, such as the reading of a large folder:
//   reading images 3200/10000  45 s left
// On a terminal, one line is rewritten in place. In a log file or a pipe, a new line is written
// every 15 seconds. A job that takes less than two seconds shows nothing. The time left is
// estimated from the images since the first update; what came before, such as the listing of the
// files, does not count.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "report/progress.hpp"

namespace scimix {

class CountLine {
 public:
  // `what` starts the line: "reading images".
  CountLine(std::ostream& out, bool terminal, std::string what,
            Progress::Clock clock = steady_seconds);
  // Removes the line from a terminal.
  ~CountLine();
  CountLine(const CountLine&) = delete;
  CountLine& operator=(const CountLine&) = delete;

  void update(std::int64_t done, std::int64_t images);

 private:
  struct Start {  // the first update
    double time;
    std::int64_t done;
  };

  std::ostream& out_;
  bool terminal_;
  std::string what_;
  Progress::Clock clock_;
  double next_time_;
  std::optional<Start> start_;
  bool line_open_ = false;
};

}  // namespace scimix

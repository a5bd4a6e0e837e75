// Ctrl-C and SIGTERM as a flag: a run ends after the step in hand, with a checkpoint. A second
// Ctrl-C ends the program at once.
#pragma once

#include <csignal>

namespace scimix {

// Installs the handlers for its lifetime; one at a time.
class InterruptFlag {
 public:
  InterruptFlag();
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

  [[nodiscard]] bool raised() const;

 private:
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

}  // namespace scimix

// The signals that ask a run to end, as a flag: SIGINT (Ctrl-C), SIGTERM, SIGHUP, SIGUSR1, SIGUSR2
// and SIGXCPU. Launchers and schedulers send some of them repeatedly, and before a job's time is
// over. The run then writes a checkpoint and ends.
#pragma once

#include <array>
#include <csignal>
#include <cstddef>

namespace scimix {

// Handles the signals during its lifetime, and after it where one has come: the program is then
// about to end. More signals change nothing, except that the third Ctrl-C ends the program at once.
// A SIGHUP that was ignored before (nohup) stays ignored. SIGPIPE is ignored from then on: a program
// that reads the run's output may end before the run does. There is one object at a time.
class InterruptFlag {
 public:
  InterruptFlag();
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

  [[nodiscard]] bool raised() const;

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU};
  std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace scimix

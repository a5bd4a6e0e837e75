// A flag that is set by the signals that ask a run to end: SIGINT (Ctrl-C), SIGTERM, SIGHUP,
// SIGUSR1, SIGUSR2 and SIGXCPU. The run then writes a checkpoint and ends. Launchers and schedulers
// may send these signals repeatedly, and some time before they kill the job.
#pragma once

#include <array>
#include <csignal>
#include <cstddef>

namespace scimix {

// Handles the signals while the object exists. If a signal has come, they stay handled afterwards,
// because the program usually ends then. Further signals have no effect, except that the third
// Ctrl-C ends the program at once. A signal that comes too late to end a run, while it writes its
// last checkpoint, raises the next object's flag, so that the program's next run ends at once. If
// SIGHUP was ignored before (nohup), it stays ignored. SIGPIPE is ignored from then on: a program
// that reads the run's output may end before the run does. At most one object may exist at a time.
class InterruptFlag {
 public:
  InterruptFlag();
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

  // Returns whether a signal has come.
  [[nodiscard]] bool raised() const;
  // Says that the run ends because of the signal. The next object's flag then starts unset.
  void answer();

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU};
  std::array<struct sigaction, kSignals.size()> before_{};
};

// Returns whether a signal has come that ended no run, and forgets it. For a program that goes on
// after its runs, such as Python, which then raises KeyboardInterrupt, whichever signal it was.
[[nodiscard]] bool take_unanswered_signal();

}  // namespace scimix

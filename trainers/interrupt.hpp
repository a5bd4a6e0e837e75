// Ctrl-C, SIGTERM and SIGUSR1 as a flag: a run ends after the step in hand, with a checkpoint. A
// second signal ends the program at once. (SIGUSR1 is what launchers pass on to all ranks without
// killing them soon after, and what Slurm can send before a job's time is over.)
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
  struct sigaction old_usr1_ {};
};

}  // namespace scimix

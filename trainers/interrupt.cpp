#include "trainers/interrupt.hpp"

namespace scimix {

namespace {

// A signal handler can reach nothing but a variable of its own.
volatile std::sig_atomic_t signal_seen = 0;

void on_signal(int signal) {
  if (signal_seen != 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  signal_seen = 1;
}

}  // namespace

InterruptFlag::InterruptFlag() {
  signal_seen = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &old_int_);
  sigaction(SIGTERM, &action, &old_term_);
  sigaction(SIGUSR1, &action, &old_usr1_);
}

InterruptFlag::~InterruptFlag() {
  sigaction(SIGINT, &old_int_, nullptr);
  sigaction(SIGTERM, &old_term_, nullptr);
  sigaction(SIGUSR1, &old_usr1_, nullptr);
}

bool InterruptFlag::raised() const {
  return signal_seen != 0;
}

}  // namespace scimix

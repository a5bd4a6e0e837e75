#include "trainers/interrupt.hpp"

namespace scimix {

namespace {

constexpr int kLastCtrlC = 3;

// A signal handler may access only variables of this type.
volatile std::sig_atomic_t signal_seen = 0;
volatile std::sig_atomic_t ctrl_c_seen = 0;

bool signal_answered = false;  // a run has ended because of the signal that was seen

void forget_signals() {
  signal_seen = 0;
  ctrl_c_seen = 0;
  signal_answered = false;
}

void on_signal(int signal) {
  signal_seen = 1;
  if (signal != SIGINT) return;
  ctrl_c_seen = ctrl_c_seen + 1;
  if (ctrl_c_seen < kLastCtrlC) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

InterruptFlag::InterruptFlag() {
  if (signal_answered) forget_signals();
  std::signal(SIGPIPE, SIG_IGN);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], nullptr, &before_[i]);
    const bool ignored = kSignals[i] == SIGHUP && before_[i].sa_handler == SIG_IGN;
    if (!ignored) sigaction(kSignals[i], &action, nullptr);
  }
}

InterruptFlag::~InterruptFlag() {
  if (signal_seen != 0) return;
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
}

bool InterruptFlag::raised() const {
  return signal_seen != 0;
}

void InterruptFlag::answer() {
  signal_answered = signal_seen != 0;
}

bool take_unanswered_signal() {
  const bool unanswered = signal_seen != 0 && !signal_answered;
  forget_signals();
  return unanswered;
}

}  // namespace scimix

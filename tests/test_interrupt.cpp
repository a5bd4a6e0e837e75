// Signals that ask a run to end, in a program that makes several runs.
#include <doctest/doctest.h>

#include "trainers/interrupt.hpp"

using scimix::InterruptFlag;
using scimix::take_unanswered_signal;

namespace {

// Keeps the handler of a signal for the rest of the tests.
class KeptHandler {
 public:
  explicit KeptHandler(int signal) : signal_(signal) { sigaction(signal_, nullptr, &kept_); }
  ~KeptHandler() {
    sigaction(signal_, &kept_, nullptr);
    static_cast<void>(take_unanswered_signal());
  }
  KeptHandler(const KeptHandler&) = delete;
  KeptHandler& operator=(const KeptHandler&) = delete;

 private:
  int signal_;
  struct sigaction kept_ {};
};

}  // namespace

TEST_CASE("a signal that came too late for a run ends the next one") {
  const KeptHandler kept(SIGUSR1);
  {
    const InterruptFlag first;
    CHECK_FALSE(first.raised());
    REQUIRE(std::raise(SIGUSR1) == 0);
  }
  {
    InterruptFlag second;
    CHECK(second.raised());
    second.answer();
    REQUIRE(std::raise(SIGUSR1) == 0);  // a launcher that sends it again
  }
  const InterruptFlag third;
  CHECK_FALSE(third.raised());
}

TEST_CASE("a program that goes on after a run can ask for the signal that ended none") {
  const KeptHandler kept(SIGUSR1);
  {
    const InterruptFlag flag;
    REQUIRE(std::raise(SIGUSR1) == 0);
  }
  CHECK(take_unanswered_signal());
  CHECK_FALSE(take_unanswered_signal());
  {
    InterruptFlag flag;
    CHECK_FALSE(flag.raised());
    flag.answer();  // the run ends for another reason
    REQUIRE(std::raise(SIGUSR1) == 0);
  }
  CHECK(take_unanswered_signal());
}

#include "kernels/launch/phase_order.hpp"

#include <atomic>
#include <numeric>

namespace scimix {

namespace {

// Only tests set it, before any kernel runs.
std::atomic<bool> shuffle_on = false;

}  // namespace

ShufflePhases::ShufflePhases() {
  shuffle_on = true;
}
ShufflePhases::~ShufflePhases() {
  shuffle_on = false;
}

bool phases_are_shuffled() {
  return shuffle_on.load(std::memory_order_relaxed);
}

void PhaseOrder::shuffle(std::int64_t n) {
  n_ = n;
  // Near the golden section of n, so that neighbouring items land far apart.
  factor_ = static_cast<std::int64_t>(static_cast<double>(n) * 0.618) + 1;
  while (std::gcd(factor_, n) != 1) ++factor_;
  offset_ = n / 3 + 1;  // so that the permutation is never the identity
}

}  // namespace scimix

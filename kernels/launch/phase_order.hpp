// The order in which the CPU runs the items of a phase: ascending, or shuffled in tests.
#pragma once

#include <cstdint>

namespace scimix {

// While an object exists, phases on the CPU run in a pseudo-random order. For tests; only one
// object at a time.
class ShufflePhases {
 public:
  ShufflePhases();
  ~ShufflePhases();
  ShufflePhases(const ShufflePhases&) = delete;
  ShufflePhases& operator=(const ShufflePhases&) = delete;
};

[[nodiscard]] bool phases_are_shuffled();

// A permutation of 0..n-1: i -> (a i + b) mod n with a coprime to n. It is cheap and separates
// neighbours.
class PhaseOrder {
 public:
  explicit PhaseOrder(std::int64_t n) {
    if (phases_are_shuffled() && n > 1) shuffle(n);
  }
  [[nodiscard]] bool shuffled() const { return n_ > 0; }
  [[nodiscard]] std::int64_t operator[](std::int64_t i) const {
    return (factor_ * i + offset_) % n_;
  }

 private:
  void shuffle(std::int64_t n);

  std::int64_t n_ = 0;
  std::int64_t factor_ = 1;
  std::int64_t offset_ = 0;
};

}  // namespace scimix

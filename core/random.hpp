// Philox 4x32-10, a counter-based random number generator. A number is a function of its address
// (seed, purpose, step, item), so CPU and GPU, any order of evaluation and any number of ranks give
// the same numbers. Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
// section 3.3.
#pragma once

#include <array>
#include <cstdint>

#include "core/host_device.hpp"

namespace scimix {

struct PhiloxKey {
  std::uint32_t lo = 0;
  std::uint32_t hi = 0;
};

struct PhiloxCounter {
  std::uint32_t word[4] = {0, 0, 0, 0};  // NOLINT: plain arrays run in device code
};

// Returns one block: 128 random bits for one counter.
SCIMIX_HD inline PhiloxCounter philox(PhiloxCounter counter, PhiloxKey key) {
  constexpr std::uint32_t kMultiplier0 = 0xD2511F53U;
  constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57U;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9U;
  constexpr std::uint32_t kWeyl1 = 0xBB67AE85U;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = static_cast<std::uint64_t>(kMultiplier0) * counter.word[0];
    const std::uint64_t p1 = static_cast<std::uint64_t>(kMultiplier1) * counter.word[2];
    counter = {{static_cast<std::uint32_t>(p1 >> 32) ^ counter.word[1] ^ key.lo,
                static_cast<std::uint32_t>(p1),
                static_cast<std::uint32_t>(p0 >> 32) ^ counter.word[3] ^ key.hi,
                static_cast<std::uint32_t>(p0)}};
    key.lo += kWeyl0;
    key.hi += kWeyl1;
  }
  return counter;
}

// What random numbers are used for. Each purpose has its own stream, so that an additional draw for
// one purpose never changes the numbers of another. Runs can be resumed only if these values stay
// the same: append new ones at the end.
enum class Purpose : std::uint32_t {
  init = 0,
  split = 1,
  shuffle = 2,
  augment = 3,
  digits = 4,
  pairing = 5,
  noise = 6,
  test = 7,
  strong_augment = 8,
  input_noise = 9,
};

// Reads the numbers of the stream (seed, purpose, step, item) one after another.
class Random {
 public:
  SCIMIX_HD Random(std::uint64_t seed, Purpose purpose, std::uint32_t step, std::uint32_t item)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        base_{{0, item, step, static_cast<std::uint32_t>(purpose)}} {}

  SCIMIX_HD std::uint32_t bits() {
    if (used_ == 4) {
      block_ = philox(base_, key_);
      ++base_.word[0];
      used_ = 0;
    }
    return block_.word[used_++];
  }

  // Uniform in [0, 1): 24 bits, exact in f32.
  SCIMIX_HD float uniform() { return static_cast<float>(bits() >> 8) * 0x1p-24F; }
  SCIMIX_HD float uniform(float lo, float hi) { return lo + (hi - lo) * uniform(); }

  // Uniform in {0, ..., n-1}, n < 2^31, with a relative bias of at most n/2^32.
  SCIMIX_HD std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>((static_cast<std::uint64_t>(bits()) * n) >> 32);
  }

 private:
  PhiloxKey key_;
  PhiloxCounter base_;
  PhiloxCounter block_;
  int used_ = 4;
};

// Returns a standard normal number by the Box-Muller formula, in f64. For the host only: initial
// weights are drawn on the CPU, so that every device starts from the same bits.
[[nodiscard]] double normal(Random& random);

}  // namespace scimix

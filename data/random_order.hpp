// Permutations from Philox.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "core/random.hpp"

namespace scimix {

// Returns the numbers 0 .. count-1 in random order (Fisher-Yates, from the front). count < 2^31.
[[nodiscard]] inline std::vector<std::int32_t> random_order(std::size_t count, Random random) {
  std::vector<std::int32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = 0; i + 1 < count; ++i) {
    std::swap(order[i], order[i + random.below(static_cast<std::uint32_t>(count - i))]);
  }
  return order;
}

// The streams of Purpose::split; part of the run format.
inline constexpr std::uint32_t kLabelStream = 0;    // which images are labelled
inline constexpr std::uint32_t kHoldOutStream = 1;  // which images of a folder are for testing

}  // namespace scimix

// Sums of every term of a loss between two log lines, and the first step at which a term was not
// finite. All of it stays on the device: logging is the only reader.
#pragma once

#include <array>

#include "kernels/launch/kernel.hpp"

namespace scimix {

// Terms of this step: each f32, one element, and the slot that it adds to.
struct TermValues {
  static constexpr int kMost = 16;
  std::array<Tensor, kMost> values = {};
  std::array<std::int32_t, kMost> slots = {};
  int count = 0;

  // Errors (bug): more than kMost.
  void add(const Tensor& value, std::int64_t slot);
  [[nodiscard]] TermValues borrowed() const;
};

// For all of them: sums[slot] += value, counts[slot] += 1 (f32 [T] both). A value that is not
// finite stays visible in the sum; the first of a slot leaves its step (i32 [1]) in first_bad[slot]
// (i32 [T], -1 at first). The slots of one call are different ones.
SCIMIX_KERNEL(add_terms, (const Tensor& step, const TermValues& terms, const Output& sums,
                          const Output& counts, const Output& first_bad))

}  // namespace scimix

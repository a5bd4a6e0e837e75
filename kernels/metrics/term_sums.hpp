// Sums of every term of a loss between two log lines, and the first step at which a term was not
// finite. They stay on the device; only logging reads them.
#pragma once

#include <array>

#include "kernels/launch/kernel.hpp"

namespace scimix {

// The terms of one step: f32 tensors of one element, each with the slot that it is added to.
struct TermValues {
  static constexpr int kMost = 16;
  std::array<Tensor, kMost> values = {};
  std::array<std::int32_t, kMost> slots = {};
  int count = 0;

  // Errors (bug): more than kMost.
  void add(const Tensor& value, std::int64_t slot);
  [[nodiscard]] TermValues borrowed() const;
};

// For each term: sums[slot] += value, counts[slot] += 1 (both f32 [T]). A value that is not finite
// stays visible in the sum. The first such value of a slot writes its step (i32 [1]) to
// first_bad[slot] (i32 [T], -1 before). All terms of one call must have different slots.
SCIMIX_KERNEL(add_terms, (const Tensor& step, const TermValues& terms, const Output& sums,
                          const Output& counts, const Output& first_bad))

}  // namespace scimix

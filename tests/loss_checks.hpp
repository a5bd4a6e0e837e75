// How every loss is checked, and what several of their formulas need.
#pragma once

#include <cstdint>

#include "tests/op_harness.hpp"

namespace scimix::test {

// Checks a loss as an operator is checked. Its value at bf16 inputs must be as good as that at f32
// inputs: a loss computes in f32.
void check_loss(OpCase c);

// Returns an array of rank 0.
[[nodiscard]] HostArray scalar(double value);

// Returns exp(x_label) / sum over c of exp(x_c), for row n of the logits [N,C].
[[nodiscard]] double probability(const HostArray& logits, std::int64_t n, std::int64_t label);

}  // namespace scimix::test

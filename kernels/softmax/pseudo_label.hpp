// Decisions from a network's predictions, without a gradient: pseudo-labels, and which hybrids are
// kept. logits are [N,C], C >= 1, f32, bf16 or f64.
//
// A row with a NaN logit is not confident and agrees with no label.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// labels i32 [N] = the class of the largest logit (the first of equals; 0 in a row with a NaN).
// confident f32 [N] = 1 where the largest softmax >= threshold, otherwise 0. threshold >= 0; above
// 1, no row is confident. The threshold is rounded to the type of the softmax, which is f32 for f32
// and bf16 logits. Source: Sohn et al., "FixMatch: simplifying semi-supervised learning with
// consistency and confidence", NeurIPS 2020, eq. 4.
SCIMIX_KERNEL(pseudo_labels, (const Tensor& logits, double threshold, const Output& labels,
                              const Output& confident))

// out f32 [N] = 1 where the class of the largest logit (the first of equals) is labels i32 [N],
// otherwise 0. With the logits C(E_c(x_h)) of hybrids and the labels of their semantic parents, out
// tells which hybrids are kept. Source: Sun et al. 2022, the filter of hybrids.
SCIMIX_KERNEL(agreeing_rows, (const Tensor& logits, const Tensor& labels, const Output& out))

}  // namespace scimix

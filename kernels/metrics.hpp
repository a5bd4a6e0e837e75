// Running sums kept on the device between two log lines, so that logging is the only reader.
#pragma once

#include "kernels/kernel.hpp"

namespace scimix {

// Slots of the f32 [3] accumulator.
enum class MetricSlot { loss_sum = 0, correct = 1, rows = 2 };

// Adds the rows of a batch: loss [N] f32, logits [N,C], labels i32 [N]. A row is correct when its
// label has the largest logit (the first of equals). Rows with a NaN logit are not correct, and a
// NaN loss stays visible in the sum. Source: top-1 accuracy.
SCIMIX_KERNEL(add_metrics, (const Tensor& loss, const Tensor& logits, const Tensor& labels,
                            const Tensor& accumulator))

}  // namespace scimix

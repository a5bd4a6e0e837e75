// Running sums that stay on the device between two log lines; only logging reads them.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// Slots of the f32 [3] accumulator.
enum class MetricSlot { loss_sum = 0, correct = 1, rows = 2 };

// Adds the rows of a batch: logits [N,C], loss [N] of their compute type, labels i32 [N]. A row is
// correct when its label has the largest logit (the first of equals). Rows with a NaN logit are not
// correct, and a NaN loss stays visible in the sum.
SCIMIX_KERNEL(add_metrics, (const Tensor& loss, const Tensor& logits, const Tensor& labels,
                            const Output& accumulator))

// Writes the predicted class of each row: logits [N,C], predictions i32 [N]. The prediction is the
// class of the largest logit (the first of equals). A row with a NaN among its logits gets C, which
// is no class.
SCIMIX_KERNEL(predict_classes, (const Tensor& logits, const Output& predictions))

}  // namespace scimix

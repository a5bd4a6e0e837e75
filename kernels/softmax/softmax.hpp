// Softmax over rows, and the cross-entropies made of it.
//
// x, y, g and gx are [N,C] of one dtype. Losses, their cotangents and log-sum-exps are [N] of the
// compute type: f32 for bf16. All kernels subtract the largest logit of a row first.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

// y = softmax(x).
SCIMIX_KERNEL(softmax_forward, (const Tensor& x, const Output& y))
// gx = y (gy - sum_c gy y).
SCIMIX_KERNEL(softmax_backward, (const Tensor& gy, const Tensor& y, const Output& gx))

// y = x - log sum_c exp(x).
SCIMIX_KERNEL(log_softmax_forward, (const Tensor& x, const Output& y))
// gx = gy - exp(y) sum_c gy.
SCIMIX_KERNEL(log_softmax_backward, (const Tensor& gy, const Tensor& y, const Output& gx))

// lse = log sum_c exp(x), loss = lse - x[label]. labels i32 [N]. A label outside 0..C-1 is a bug:
// it throws on the CPU, and gives a loss of NaN on a GPU, which cannot throw.
SCIMIX_KERNEL(cross_entropy_forward,
              (const Tensor& x, const Tensor& labels, const Output& loss, const Output& lse))
// gx = g (softmax(x) - one_hot(label)).
SCIMIX_KERNEL(cross_entropy_backward, (const Tensor& g, const Tensor& x, const Tensor& labels,
                                       const Tensor& lse, const Output& gx))

// lse as above, loss = sum_c target (lse - x). targets [N,C] of the dtype of x.
SCIMIX_KERNEL(cross_entropy_soft_forward,
              (const Tensor& x, const Tensor& targets, const Output& loss, const Output& lse))
// gx = g (softmax(x) sum_c target - target). This is exact even if a row does not sum to one.
SCIMIX_KERNEL(cross_entropy_soft_backward, (const Tensor& g, const Tensor& x, const Tensor& targets,
                                            const Tensor& lse, const Output& gx))

// y[n,c] = 1 where c is the label of row n, otherwise 0.
SCIMIX_KERNEL(one_hot, (const Tensor& labels, const Output& y))

}  // namespace scimix

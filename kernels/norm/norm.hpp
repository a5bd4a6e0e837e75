// The passes of batch normalisation over rows: x [..., C], each of its C channels normalised over
// the rows of a segment. Ioffe and Szegedy, "Batch Normalization", ICML 2015, algorithm 1.
//
// T is f32, bf16 (computed in f32) or, on the CPU, f64; gamma, beta, statistics and sums are of T's
// compute type. At most two passes over the data each way: statistics, apply; reduce, apply.
#pragma once

#include "kernels/launch/kernel.hpp"
#include "kernels/launch/row_chunks.hpp"

namespace scimix {

// stats [S,2,C]: the mean of each segment and 1/sqrt(variance + eps), variance biased. With `b`,
// x = a + b is written to `sum` on the way. With running [C] statistics defined, those of segment 0
// move by `momentum` towards the batch's: mean, and variance times n/(n-1) (n = 1: variance 0).
// A segment without rows leaves its stats and the running statistics as they were.
SCIMIX_KERNEL(norm_statistics, (const Tensor& a, const Tensor& b, const RowSegments& segments,
                                double eps, double momentum, const Output& sum, const Output& stats,
                                const Output& running_mean, const Output& running_variance))

// The same with rows that are shared out to ranks, in two halves. moments [S,2,C]: the mean of each
// segment's rows here and their sum of squared deviations from it (0 without rows).
SCIMIX_KERNEL(norm_moments, (const Tensor& a, const Tensor& b, const RowSegments& segments,
                             const Output& sum, const Output& moments))
// moments [R,S,2,C] of all ranks, each with as many rows as `segments` says -> stats and running
// statistics over the rows of all of them.
SCIMIX_KERNEL(norm_statistics_of_ranks,
              (const Tensor& moments, const RowSegments& segments, double eps, double momentum,
               const Output& stats, const Output& running_mean, const Output& running_variance))

// stats [1,2,C] from running statistics.
SCIMIX_KERNEL(norm_running_statistics,
              (const Tensor& mean, const Tensor& variance, double eps, const Output& stats))

// y = lrelu(gamma (x - mean) / sqrt(variance + eps) + beta). With `b`, x = a + b is written to
// `sum`.
SCIMIX_KERNEL(norm_apply, (const Tensor& a, const Tensor& b, const Tensor& stats,
                           const Tensor& gamma, const Tensor& beta, const RowSegments& segments,
                           double slope, const Output& sum, const Output& y))

// With g = gy lrelu'(y) and xhat = (x - mean)/sqrt(variance + eps): sums [S,2,C] = sum of g, sum of
// g xhat over each segment; over all segments these are the gradients of beta and gamma (written
// where defined).
SCIMIX_KERNEL(norm_backward_reduce,
              (const Tensor& gy, const Tensor& x, const Tensor& stats, const Tensor& gamma,
               const Tensor& beta, const RowSegments& segments, double slope, const Output& sums,
               const Output& ggamma, const Output& gbeta))

// gx = gamma/sqrt(variance + eps) (g - mean(g) - xhat mean(g xhat)) [+ gsum]; without the two means
// where `sums` is undefined (constant statistics). The means are over `ranks` times as many rows as
// are here, and `sums` over all of those.
SCIMIX_KERNEL(norm_backward_apply,
              (const Tensor& gy, const Tensor& gsum, const Tensor& x, const Tensor& stats,
               const Tensor& gamma, const Tensor& beta, const Tensor& sums,
               const RowSegments& segments, int ranks, double slope, const Output& gx))

}  // namespace scimix

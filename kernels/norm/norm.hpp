// The passes of batch normalisation over rows: x [..., C], each of its C channels normalised over
// the rows of a segment. Ioffe and Szegedy, "Batch Normalization", ICML 2015, algorithm 1.
//
// T is f32, bf16 (computed in f32) or, on the CPU, f64; gamma, beta, statistics and sums are of T's
// compute type. There are two passes over the data in each direction: statistics and apply in the
// forward pass, reduce and apply in the backward pass.
#pragma once

#include "kernels/launch/kernel.hpp"
#include "kernels/launch/row_chunks.hpp"

namespace scimix {

// stats [S,2,C]: the mean of each segment and 1/sqrt(variance + eps), variance biased. With `b`,
// x = a + b is written to `sum` in the same pass. If running statistics [C] are defined, they move
// by `momentum` towards the statistics of segment 0: its mean, and its variance times n/(n-1) (0
// for n = 1). A segment without rows leaves its stats and the running statistics as they were.
SCIMIX_KERNEL(norm_statistics, (const Tensor& a, const Tensor& b, const RowSegments& segments,
                                double eps, double momentum, const Output& sum, const Output& stats,
                                const Output& running_mean, const Output& running_variance))

// The first half of norm_statistics for rows on several ranks. moments [S,2,C]: the mean of each
// segment's rows on this rank, and their sum of squared deviations from it (0 without rows).
SCIMIX_KERNEL(norm_moments, (const Tensor& a, const Tensor& b, const RowSegments& segments,
                             const Output& sum, const Output& moments))
// The second half: makes the stats and running statistics over the rows of all ranks from their
// moments [R,S,2,C]. All ranks have equal segments.
SCIMIX_KERNEL(norm_statistics_of_ranks,
              (const Tensor& moments, const RowSegments& segments, double eps, double momentum,
               const Output& stats, const Output& running_mean, const Output& running_variance))

// Makes stats [1,2,C] from running statistics.
SCIMIX_KERNEL(norm_running_statistics,
              (const Tensor& mean, const Tensor& variance, double eps, const Output& stats))

// y = lrelu(gamma (x - mean) / sqrt(variance + eps) + beta). With `b`, x = a + b is written to
// `sum`.
SCIMIX_KERNEL(norm_apply, (const Tensor& a, const Tensor& b, const Tensor& stats,
                           const Tensor& gamma, const Tensor& beta, const RowSegments& segments,
                           double slope, const Output& sum, const Output& y))

// With g = gy lrelu'(y) and xhat = (x - mean)/sqrt(variance + eps): sums [S,2,C] = sum of g, sum of
// g xhat over each segment. Summed over all segments, they are the gradients of beta and gamma,
// which are written if they are defined.
SCIMIX_KERNEL(norm_backward_reduce,
              (const Tensor& gy, const Tensor& x, const Tensor& stats, const Tensor& gamma,
               const Tensor& beta, const RowSegments& segments, double slope, const Output& sums,
               const Output& ggamma, const Output& gbeta))

// gx = gamma/sqrt(variance + eps) (g - mean(g) - xhat mean(g xhat)) [+ gsum]. With undefined `sums`
// (constant statistics), the two means are left out. `sums` are those of all ranks, and the means
// are over `ranks` times as many rows as this rank has.
SCIMIX_KERNEL(norm_backward_apply,
              (const Tensor& gy, const Tensor& gsum, const Tensor& x, const Tensor& stats,
               const Tensor& gamma, const Tensor& beta, const Tensor& sums,
               const RowSegments& segments, int ranks, double slope, const Output& gx))

}  // namespace scimix

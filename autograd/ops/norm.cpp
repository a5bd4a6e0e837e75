// Batch normalisation with a fused leaky ReLU, and the same for a sum (the end of a residual
// block).
#include "kernels/norm/norm.hpp"

#include <utility>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/comm.hpp"

namespace scimix {

namespace {

void check_arguments(const char* op, const Tensor& x, const Variable& gamma, const Variable& beta,
                     const RunningStats& running, const BatchNorm& options) {
  SCIMIX_CHECK(x.rank() == 2 || x.rank() == 4, op, ": x ", x.shape(),
               ", expected [N,C] or [N,H,W,C]");
  const Shape channels{x.shape()[-1]};
  const DType dtype = compute_type(x.dtype());
  const auto check = [&](const char* name, const Tensor& t) {
    SCIMIX_CHECK(t.defined() && t.shape() == channels && t.dtype() == dtype, op, ": ", name, " is ",
                 t.defined() ? text(name_of(t.dtype()), " ", t.shape()) : "undefined",
                 ", expected ", name_of(dtype), " ", channels);
  };
  check("gamma", gamma.value());
  check("beta", beta.value());
  if (options.mode != NormMode::batch_only) {
    check("running mean", running.mean);
    check("running variance", running.variance);
  }
  // The backward pass reads the side of the kink from the sign of the result.
  SCIMIX_CHECK(options.slope > 0, op, ": slope ", options.slope, ", expected a positive one");
}

// Returns the number of pixels of one item of the batch.
[[nodiscard]] std::int64_t rows_per_item(const Tensor& x) {
  return x.rank() == 4 ? x.dim(1) * x.dim(2) : 1;
}

// Returns the lengths of the segments along dimension 0; one segment for constant statistics.
[[nodiscard]] std::vector<std::int64_t> segment_lengths(const char* op, const Tensor& x,
                                                        const BatchNorm& options) {
  if (options.segments.empty() || options.mode == NormMode::eval) return {x.dim(0)};
  std::int64_t total = 0;
  for (const std::int64_t length : options.segments) total += length;
  SCIMIX_CHECK(total == x.dim(0), op, ": segments of ", total, " rows in all for x ", x.shape());
  return options.segments;
}

// What the fused backward passes need.
struct SavedNorm {
  Tensor x;      // what was normalised
  Tensor stats;  // [S,2,C]
  Tensor gamma, beta;
  RowSegments segments;
  double slope = 1.0;
  bool constant_statistics = false;
  Comm* ranks = nullptr;  // the ranks whose rows the statistics cover; null: only this rank's rows
};

struct Forward {
  Tensor sum;  // of x and `residual`; x itself without
  Tensor y;
  SavedNorm saved;
};

[[nodiscard]] Forward forward(const char* op, const Tensor& x, const Tensor& residual,
                              const Variable& gamma, const Variable& beta,
                              const RunningStats& running, const BatchNorm& options) {
  check_arguments(op, x, gamma, beta, running, options);
  Forward out;
  SavedNorm& saved = out.saved;
  saved.gamma = gamma.value();
  saved.beta = beta.value();
  saved.slope = options.slope;
  saved.constant_statistics = options.mode == NormMode::eval;
  saved.segments = RowSegments::of(segment_lengths(op, x, options), rows_per_item(x));

  const DType dtype = compute_type(x.dtype());
  const Device device = x.device();
  out.y = Tensor::empty(x.shape(), x.dtype(), device);
  out.sum = residual.defined() ? Tensor::empty(x.shape(), x.dtype(), device) : x;
  saved.x = out.sum;
  // The statistics of segments without rows stay undefined; nothing reads them.
  saved.stats = Tensor::empty({saved.segments.count, 2, x.shape()[-1]}, dtype, device);
  if (saved.constant_statistics) {
    norm_running_statistics(running.mean, running.variance, options.eps, saved.stats);
    norm_apply(x, residual, saved.stats, saved.gamma, saved.beta, saved.segments, options.slope,
               out.sum, out.y);
    return out;
  }
  const RunningStats moved = options.mode == NormMode::train ? running : RunningStats{};
  saved.ranks = options.ranks;
  if (saved.ranks == nullptr) {
    norm_statistics(x, residual, saved.segments, options.eps, options.momentum, out.sum,
                    saved.stats, moved.mean, moved.variance);
  } else {
    const Shape shape = saved.stats.shape();
    Tensor moments = Tensor::empty(shape, dtype, device);
    norm_moments(x, residual, saved.segments, out.sum, moments);
    Tensor of_ranks =
        Tensor::empty({saved.ranks->size(), shape[0], shape[1], shape[2]}, dtype, device);
    saved.ranks->all_gather(moments, of_ranks);
    norm_statistics_of_ranks(of_ranks, saved.segments, options.eps, options.momentum, saved.stats,
                             moved.mean, moved.variance);
  }
  norm_apply(out.sum, Tensor(), saved.stats, saved.gamma, saved.beta, saved.segments, options.slope,
             Tensor(), out.y);
  return out;
}

// Whether the gradient of x is wanted, and buffers for those of gamma and beta.
struct Wanted {
  bool x;
  Output gamma, beta;
};
struct Gradients {
  Variable x, gamma, beta;
};

// `gsum` is a further gradient of the normalised tensor, which is added in the same pass.
[[nodiscard]] Gradients fused_backward(const SavedNorm& saved, const Tensor& gy, const Tensor& gsum,
                                       const Wanted& wanted) {
  Gradients out;
  Tensor sums;
  if (wanted.gamma.defined() || wanted.beta.defined() || !saved.constant_statistics) {
    sums = Tensor::empty(saved.stats.shape(), saved.stats.dtype(), saved.stats.device());
    norm_backward_reduce(gy, saved.x, saved.stats, saved.gamma, saved.beta, saved.segments,
                         saved.slope, sums, wanted.gamma, wanted.beta);
    if (wanted.gamma.defined()) out.gamma = Variable(wanted.gamma);
    if (wanted.beta.defined()) out.beta = Variable(wanted.beta);
  }
  if (wanted.x) {
    Tensor gx = Tensor::empty(saved.x.shape(), saved.x.dtype(), saved.x.device());
    // After the gradients of gamma and beta, which are those of this rank's rows.
    if (saved.ranks != nullptr) saved.ranks->all_reduce(sums);
    norm_backward_apply(gy, gsum, saved.x, saved.stats, saved.gamma, saved.beta,
                        saved.constant_statistics ? Tensor() : sums, saved.segments,
                        saved.ranks != nullptr ? saved.ranks->size() : 1, saved.slope, gx);
    out.x = Variable(gx);
  }
  return out;
}

// One segment of the composite form, without activation; x in the parameters' type.
[[nodiscard]] Variable normalise(const Variable& x, const Variable& gamma, const Variable& beta,
                                 const RunningStats& running, const BatchNorm& options) {
  Variable centred;
  Variable spread;
  if (options.mode == NormMode::eval) {
    centred = sub(x, Variable(running.mean));
    spread = Variable(running.variance);
  } else {
    ReduceOptions rows{.axes = {0}, .keep_dims = true};
    if (x.value().rank() == 4) rows.axes = {0, 1, 2};
    centred = sub(x, mean(x, rows));
    spread = mean(square(centred), rows);
  }
  const Variable factor = mul(rsqrt(add_scalar(spread, options.eps)), gamma);
  return add(mul(centred, factor), beta);
}

// Batch norm made of small operators: for the second derivative, and as the oracle of the fused
// passes.
[[nodiscard]] Variable composite_form(const Variable& x, const Variable& gamma,
                                      const Variable& beta, const RunningStats& running,
                                      const BatchNorm& options) {
  SCIMIX_CHECK(options.ranks == nullptr || options.mode == NormMode::eval,
               "batch_norm with statistics of several ranks has no second derivative");
  const Variable wide = cast(x, gamma.dtype());
  std::vector<Variable> parts;
  std::int64_t begin = 0;
  for (const std::int64_t length : segment_lengths("batch_norm", x.value(), options)) {
    if (length == 0) continue;
    const bool whole = length == x.dim(0);
    const Variable rows = whole ? wide : slice_rows(wide, begin, begin + length);
    parts.push_back(normalise(rows, gamma, beta, running, options));
    begin += length;
  }
  if (parts.empty()) return identity(x);  // no rows
  Variable y = parts.size() == 1 ? parts.front() : concat_rows(parts);
  if (options.slope != 1.0) y = leaky_relu(y, options.slope);
  return cast(y, x.dtype());
}

}  // namespace

Variable batch_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                    const RunningStats& running, const BatchNorm& options) {
  const Forward done = forward("batch_norm", x.value(), {}, gamma, beta, running, options);
  const std::vector<Variable> inputs{x, gamma, beta};
  return record(
      "batch_norm", done.y, inputs,
      [inputs, running, options, saved = done.saved](const Cotangents& g) -> std::vector<Variable> {
        if (is_recording()) {
          const auto composite = [&](const std::vector<Variable>& in) {
            return std::vector{composite_form(in[0], in[1], in[2], running, options)};
          };
          return vjp_of_composite(composite, inputs, g);
        }
        const Gradients found =
            fused_backward(saved, g[0].value(), {}, {g.wants(0), g.buffer(1), g.buffer(2)});
        return {found.x, found.gamma, found.beta};
      });
}

AddBatchNorm add_batch_norm(const Variable& a, const Variable& b, const Variable& gamma,
                            const Variable& beta, const RunningStats& running,
                            const BatchNorm& options) {
  SCIMIX_CHECK(a.shape() == b.shape() && a.dtype() == b.dtype(),
               "add_batch_norm: ", name_of(a.dtype()), " ", a.shape(), " and ", name_of(b.dtype()),
               " ", b.shape(), ", expected two alike");
  const Forward done =
      forward("add_batch_norm", a.value(), b.value(), gamma, beta, running, options);
  const std::vector<Variable> inputs{a, b, gamma, beta};
  auto outputs = record_many(
      "add_batch_norm", {done.sum, done.y}, inputs,
      [inputs, running, options, saved = done.saved](const Cotangents& g) -> std::vector<Variable> {
        if (is_recording()) {
          const auto composite = [&](const std::vector<Variable>& in) {
            const Variable sum = add(in[0], in[1]);
            return std::vector{sum, composite_form(sum, in[2], in[3], running, options)};
          };
          return vjp_of_composite(composite, inputs, g);
        }
        const auto both = [&](const Variable& gsum) {
          return std::pair(g.wants(0) ? gsum : Variable(), g.wants(1) ? gsum : Variable());
        };
        if (!g[1].defined()) {
          const auto [ga, gb] = both(g[0]);
          return {ga, gb, {}, {}};
        }
        const Gradients found =
            fused_backward(saved, g[1].value(), g[0].defined() ? g[0].value() : Tensor(),
                           {g.wants(0) || g.wants(1), g.buffer(2), g.buffer(3)});
        const auto [ga, gb] = both(found.x);
        return {ga, gb, found.gamma, found.beta};
      });
  return {outputs[0], outputs[1]};
}

}  // namespace scimix

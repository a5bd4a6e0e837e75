// Batch normalisation with a fused leaky ReLU, and the same of a sum (a residual block's end).
#include "kernels/norm/norm.hpp"

#include <cmath>
#include <utility>

#include "autograd/op.hpp"
#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/comm.hpp"

namespace scimix {

namespace {

// The type that parameters and statistics of a batch norm of `x` have.
[[nodiscard]] DType parameter_type(const Tensor& x) {
  return x.dtype() == DType::f64 ? DType::f64 : DType::f32;
}

void check_arguments(const char* op, const Tensor& x, const Variable& gamma, const Variable& beta,
                     const RunningStats& running, const BatchNorm& options) {
  SCIMIX_CHECK(x.rank() == 2 || x.rank() == 4, op, ": x ", x.shape(),
               ", expected [N,C] or [N,H,W,C]");
  const Shape channels{x.shape()[-1]};
  const DType dtype = parameter_type(x);
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

// Pixels of one item of the batch.
[[nodiscard]] std::int64_t rows_per_item(const Tensor& x) {
  return x.rank() == 4 ? x.dim(1) * x.dim(2) : 1;
}

// Lengths of the segments along dimension 0. Constant statistics need one only.
[[nodiscard]] std::vector<std::int64_t> segment_lengths(const char* op, const Tensor& x,
                                                        const BatchNorm& options) {
  if (options.segments.empty() || options.mode == NormMode::eval) return {x.dim(0)};
  std::int64_t total = 0;
  for (const std::int64_t length : options.segments) total += length;
  SCIMIX_CHECK(total == x.dim(0), op, ": segments of ", total, " rows in all for x ", x.shape());
  return options.segments;
}

// What the fused backward passes need.
struct Saved {
  Tensor x;      // what was normalised
  Tensor stats;  // [S,2,C]
  Tensor gamma, beta;
  RowSegments segments;
  double slope = 1.0;
  bool constant_statistics = false;
  Comm* ranks = nullptr;  // whose rows the statistics are of; null: this rank's own
};

struct Forward {
  Tensor sum;  // of x and `residual`; x itself without
  Tensor y;
  Saved saved;
};

[[nodiscard]] Forward forward(const char* op, const Tensor& x, const Tensor& residual,
                              const Variable& gamma, const Variable& beta,
                              const RunningStats& running, const BatchNorm& options) {
  check_arguments(op, x, gamma, beta, running, options);
  Forward out;
  Saved& saved = out.saved;
  saved.gamma = gamma.value();
  saved.beta = beta.value();
  saved.slope = options.slope;
  saved.constant_statistics = options.mode == NormMode::eval;
  saved.segments = RowSegments::of(segment_lengths(op, x, options), rows_per_item(x));

  const DType dtype = parameter_type(x);
  const Device device = x.device();
  out.y = Tensor::empty(x.shape(), x.dtype(), device);
  out.sum = residual.defined() ? Tensor::empty(x.shape(), x.dtype(), device) : x;
  saved.x = out.sum;
  // Segments without rows have no statistics; nobody reads theirs.
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
    const Tensor moments = Tensor::empty(shape, dtype, device);
    norm_moments(x, residual, saved.segments, out.sum, moments);
    const Tensor of_ranks =
        Tensor::empty({saved.ranks->size(), shape[0], shape[1], shape[2]}, dtype, device);
    saved.ranks->all_gather(moments, of_ranks);
    norm_statistics_of_ranks(of_ranks, saved.segments, options.eps, options.momentum, saved.stats,
                             moved.mean, moved.variance);
  }
  norm_apply(out.sum, Tensor(), saved.stats, saved.gamma, saved.beta, saved.segments, options.slope,
             Tensor(), out.y);
  return out;
}

// Where they are wanted, and room for them.
struct Wanted {
  bool x;
  Tensor gamma, beta;
};
struct Gradients {
  Variable x, gamma, beta;
};

// `gsum` is a gradient that reaches the normalised tensor from elsewhere, added on the way.
[[nodiscard]] Gradients fused_backward(const Saved& saved, const Tensor& gy, const Tensor& gsum,
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
    const Tensor gx = Tensor::empty(saved.x.shape(), saved.x.dtype(), saved.x.device());
    // Behind gamma's and beta's gradients, which are those of this rank's rows.
    if (saved.ranks != nullptr) saved.ranks->all_reduce(sums);
    norm_backward_apply(gy, gsum, saved.x, saved.stats, saved.gamma, saved.beta,
                        saved.constant_statistics ? Tensor() : sums, saved.segments,
                        saved.ranks != nullptr ? saved.ranks->size() : 1, saved.slope, gx);
    out.x = Variable(gx);
  }
  return out;
}

[[nodiscard]] Variable cast_to(const Variable& x, DType dtype) {
  return x.dtype() == dtype ? x : cast(x, dtype);
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

// Batch norm made of small operators: its second derivative, and what the fused passes are checked
// against.
[[nodiscard]] Variable composite_form(const Variable& x, const Variable& gamma,
                                      const Variable& beta, const RunningStats& running,
                                      const BatchNorm& options) {
  SCIMIX_CHECK(options.ranks == nullptr || options.mode == NormMode::eval,
               "batch_norm with statistics of several ranks has no second derivative");
  const Variable wide = cast_to(x, gamma.dtype());
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
  return cast_to(y, x.dtype());
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
            return Variables{composite_form(in[0], in[1], in[2], running, options)};
          };
          return vjp_of_composite(composite, inputs, g);
        }
        const Gradients found =
            fused_backward(saved, g[0].value(), {}, {g.wants(0), g.room(1), g.room(2)});
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
            return Variables{sum, composite_form(sum, in[2], in[3], running, options)};
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
                           {g.wants(0) || g.wants(1), g.room(2), g.room(3)});
        const auto [ga, gb] = both(found.x);
        return {ga, gb, found.gamma, found.beta};
      });
  return {outputs[0], outputs[1]};
}

// ---- test cases ---------------------------------------------------------------------------------

namespace {

struct NormCase {
  const char* label;
  Shape shape;
  BatchNorm options = {};
  double x_lo = -1.0, x_hi = 1.0;
  double beta_lo = -1.0, beta_hi = 1.0;
  OpTolerance tolerance = {};
  bool bf16 = true;
  bool bench = false;
};

[[nodiscard]] std::vector<OpInput> parameter_inputs(const NormCase& z) {
  const Shape channels{z.shape[-1]};
  return {{.shape = channels, .lo = 0.5, .hi = 1.5, .parameter = true},
          {.shape = channels, .lo = z.beta_lo, .hi = z.beta_hi, .parameter = true},
          {.shape = channels, .lo = -0.5, .hi = 0.5, .differentiable = false, .parameter = true},
          {.shape = channels, .lo = 0.5, .hi = 2.0, .differentiable = false, .parameter = true}};
}

// Copies, since training moves them.
[[nodiscard]] RunningStats running_of(const Variables& in, std::size_t first) {
  return {in[first].value().clone(), in[first + 1].value().clone()};
}

// What the textbook says: y, running mean and running variance after the call. `in` holds x, gamma,
// beta, running mean, running variance.
[[nodiscard]] HostArrays define_norm(const HostArrays& in, const BatchNorm& options) {
  const HostArray& x = in[0];
  const std::int64_t c = x.shape[-1];
  const std::int64_t pixels = x.shape.rank() == 4 ? x.shape[1] * x.shape[2] : 1;
  HostArrays out{HostArray(x.shape), in[3], in[4]};
  std::vector<std::int64_t> lengths = options.segments;
  if (lengths.empty() || options.mode == NormMode::eval) lengths = {x.shape[0]};
  std::int64_t begin = 0;
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    const std::int64_t n = lengths[s] * pixels;
    for (std::int64_t k = 0; k < c && n > 0; ++k) {
      long double mean = 0;
      long double deviation = 0;
      for (std::int64_t r = 0; r < n; ++r) mean += x[(begin + r) * c + k];
      mean /= static_cast<long double>(n);
      for (std::int64_t r = 0; r < n; ++r) {
        const long double d = x[(begin + r) * c + k] - mean;
        deviation += d * d;
      }
      long double variance = deviation / static_cast<long double>(n);
      if (options.mode == NormMode::train && s == 0) {
        const auto unbiased =
            static_cast<double>(n > 1 ? deviation / static_cast<long double>(n - 1) : 0);
        const double keep = 1 - options.momentum;
        out[1][k] = keep * out[1][k] + options.momentum * static_cast<double>(mean);
        out[2][k] = keep * out[2][k] + options.momentum * unbiased;
      }
      if (options.mode == NormMode::eval) {
        mean = in[3][k];
        variance = in[4][k];
      }
      for (std::int64_t r = 0; r < n; ++r) {
        const std::int64_t at = (begin + r) * c + k;
        const long double z =
            in[1][k] * (x[at] - mean) / std::sqrt(variance + options.eps) + in[2][k];
        out[0][at] = static_cast<double>(z > 0 ? z : options.slope * z);
      }
    }
    begin += n;
  }
  return out;
}

[[nodiscard]] OpCase norm_case(const NormCase& z) {
  OpCase c;
  c.op = "batch_norm";
  c.label = z.label;
  c.inputs = parameter_inputs(z);
  c.inputs.insert(c.inputs.begin(), {.shape = z.shape, .lo = z.x_lo, .hi = z.x_hi});
  c.run = [options = z.options](const Variables& in) {
    return Variables{batch_norm(in[0], in[1], in[2], running_of(in, 3), options)};
  };
  c.definition = [options = z.options](const HostArrays& in) {
    return HostArrays{define_norm(in, options)[0]};
  };
  c.tolerance = z.tolerance;
  c.bf16 = z.bf16;
  c.test = !z.bench;
  c.bench = z.bench;
  return c;
}

// The running statistics as further outputs. They carry no gradient.
[[nodiscard]] OpCase running_case(const NormCase& z) {
  OpCase c = norm_case(z);
  c.run = [options = z.options](const Variables& in) {
    const RunningStats running = running_of(in, 3);
    const Variable y = batch_norm(in[0], in[1], in[2], running, options);
    return Variables{y, Variable(running.mean), Variable(running.variance)};
  };
  c.definition = [options = z.options](const HostArrays& in) { return define_norm(in, options); };
  c.gradient = false;
  return c;
}

[[nodiscard]] OpCase add_norm_case(const NormCase& z) {
  OpCase c;
  c.op = "add_batch_norm";
  c.label = z.label;
  c.inputs = parameter_inputs(z);
  c.inputs.insert(c.inputs.begin(), 2, {.shape = z.shape, .lo = z.x_lo, .hi = z.x_hi});
  c.run = [options = z.options](const Variables& in) {
    const AddBatchNorm out = add_batch_norm(in[0], in[1], in[2], in[3], running_of(in, 4), options);
    return Variables{out.sum, out.y};
  };
  c.definition = [options = z.options](const HostArrays& in) {
    HostArrays normalised(in.begin() + 1, in.end());
    for (std::size_t i = 0; i < in[0].values.size(); ++i) {
      normalised[0].values[i] += in[0].values[i];
    }
    return HostArrays{normalised[0], define_norm(normalised, options)[0]};
  };
  c.tolerance = z.tolerance;
  c.bf16 = z.bf16;
  c.test = !z.bench;
  c.bench = z.bench;
  return c;
}

// The sum alone is used further on, or the result alone.
[[nodiscard]] OpCase add_norm_one_output(NormCase z, const char* label, bool sum) {
  z.label = label;
  OpCase c = add_norm_case(z);
  const auto pick = [sum](const auto& both) {
    return std::remove_cvref_t<decltype(both)>{both[sum ? 0 : 1]};
  };
  c.run = [run = c.run, pick](const Variables& in) { return pick(run(in)); };
  c.definition = [define = c.definition, pick](const HostArrays& in) { return pick(define(in)); };
  return c;
}

[[nodiscard]] BatchNorm with(double slope, NormMode mode = NormMode::train,
                             std::vector<std::int64_t> segments = {}) {
  BatchNorm out;
  out.mode = mode;
  out.momentum = 0.1;
  out.slope = slope;
  out.segments = std::move(segments);
  return out;
}

constexpr double kPlain = 1.0;
constexpr double kLeaky = 0.1;

[[nodiscard]] std::vector<NormCase> shared_cases() {
  return {
      {"whole packs", {3, 4, 5, 16}, with(kPlain)},
      {"rows [N,C]", {9, 24}, with(kPlain)},
      {"odd sizes", {3, 5, 7, 13}, with(kPlain)},
      {"one channel", {2, 3, 3, 1}, with(kPlain)},
      {"one row", {1, 8}, with(kPlain)},
      {"one image", {1, 4, 3, 8}, with(kPlain)},
      {"zero rows", {0, 4, 4, 8}, with(kLeaky)},
      {"leaky, all above the kink", {2, 4, 4, 32}, with(kLeaky), -1, 1, 6, 7},
      {"leaky, all below the kink", {2, 3, 5, 11}, with(kLeaky), -1, 1, -7, -6},
      {"batch statistics only", {3, 4, 4, 64}, with(kPlain, NormMode::batch_only)},
      {"eval", {3, 4, 4, 16}, with(kPlain, NormMode::eval)},
      {"eval, leaky", {3, 3, 5, 7}, with(kLeaky, NormMode::eval), -1, 1, 6, 7},
      {"segments", {6, 3, 3, 8}, with(kPlain, NormMode::train, {2, 3, 1})},
      {"segments, one empty", {5, 3, 3, 16}, with(kPlain, NormMode::train, {2, 0, 3})},
      {"segments, the first empty", {5, 7}, with(kPlain, NormMode::train, {0, 5})},
  };
}

// Signs on both sides of the kink. A sum rounded to bf16 may change sides, so that one case alone
// is for add_batch_norm.
[[nodiscard]] NormCase mixed_signs() {
  return {.label = "leaky, both sides", .shape = {3, 4, 4, 24}, .options = with(kLeaky)};
}

// The mean, 100 deviations from zero, is off by up to 4e-6 of a deviation when held in f32.
[[nodiscard]] NormCase large_mean() {
  return {.label = "mean 100, deviation 1",
          .shape = {4, 9, 9, 16},
          .options = with(kPlain),
          .x_lo = 98.3,
          .x_hi = 101.7,
          .tolerance = {.f32 = 5e-6}};
}

// More than one chunk of rows, group of channels, and run of rows within a chunk. Difference
// quotients of a whole chunk take long: one case has them.
[[nodiscard]] std::vector<NormCase> wide_cases() {
  return {
      {"several groups of channels", {5, 136}, with(kPlain)},
      {"several groups of single channels", {2, 2, 3, 131}, with(kPlain)},
      {"chunks in segments", {3, 23, 23, 16}, with(kPlain, NormMode::train, {1, 2})},
      {"128 channels", {2, 3, 3, 128}, with(kPlain)},
  };
}

[[nodiscard]] std::vector<NormCase> forward_only_cases() {
  return {
      {"several chunks", {3, 29, 31, 8}, with(kPlain)},
      {"several chunks, one channel", {5, 61, 59, 1}, with(kPlain)},
  };
}

[[nodiscard]] std::vector<NormCase> bench_cases() {
  std::vector<NormCase> out{{"wrn 32 @32", {32, 32, 32, 32}, with(kLeaky)},
                            {"wrn 64 @16", {32, 16, 16, 64}, with(kLeaky)},
                            {"wrn 128 @8", {32, 8, 8, 128}, with(kLeaky)}};
  for (NormCase& z : out) z.bench = true;
  return out;
}

const OpCases registered{[] {
  std::vector<OpCase> out;
  for (const NormCase& z : shared_cases()) {
    out.push_back(norm_case(z));
    out.push_back(add_norm_case(z));
    if (z.options.mode != NormMode::eval) {
      OpCase running = running_case(z);
      running.label += ", running statistics";
      out.push_back(running);
    }
  }
  for (const NormCase& z : wide_cases()) out.push_back(norm_case(z));
  for (const NormCase& z : forward_only_cases()) {
    for (OpCase c : {norm_case(z), add_norm_case(z)}) {
      c.gradient = false;
      out.push_back(c);
    }
  }

  NormCase both_sides = mixed_signs();
  out.push_back(norm_case(both_sides));
  both_sides.bf16 = false;
  out.push_back(add_norm_case(both_sides));
  out.push_back(add_norm_one_output(both_sides, "sum alone", true));
  out.push_back(add_norm_one_output(both_sides, "result alone", false));

  out.push_back(norm_case(large_mean()));
  OpCase far = running_case(large_mean());
  far.label += ", running statistics";
  out.push_back(far);
  for (const NormCase& z : bench_cases()) {
    out.push_back(norm_case(z));
    out.push_back(add_norm_case(z));
  }
  return out;
}};

}  // namespace

}  // namespace scimix

// Cases of batch_norm and add_batch_norm.
#include <cmath>
#include <utility>

#include "autograd/ops.hpp"
#include "cases/op_case.hpp"

namespace scimix {

namespace {

struct NormCase {
  const char* label;
  Shape shape;
  BatchNorm options = {};
  double x_lo = -1.0, x_hi = 1.0;
  double beta_lo = -1.0, beta_hi = 1.0;
  OpTolerance tolerance = {};
  bool bf16 = true;
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

// What the cases of both operators share: `images` inputs of the shape, then the parameters.
[[nodiscard]] OpCase case_with(const char* op, const NormCase& z, std::size_t images) {
  OpCase c;
  c.op = op;
  c.label = z.label;
  c.inputs = parameter_inputs(z);
  c.inputs.insert(c.inputs.begin(), images, {.shape = z.shape, .lo = z.x_lo, .hi = z.x_hi});
  c.tolerance = z.tolerance;
  c.bf16 = z.bf16;
  return c;
}

[[nodiscard]] OpCase norm_case(const NormCase& z) {
  OpCase c = case_with("batch_norm", z, 1);
  c.run = [options = z.options](const Variables& in) {
    return Variables{batch_norm(in[0], in[1], in[2], running_of(in, 3), options)};
  };
  c.definition = [options = z.options](const HostArrays& in) {
    return HostArrays{define_norm(in, options)[0]};
  };
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
  OpCase c = case_with("add_batch_norm", z, 2);
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
      {"one row, odd channels", {1, 7}, with(kPlain)},
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
  return {{"wrn 32 @32", {32, 32, 32, 32}, with(kLeaky)},
          {"wrn 64 @16", {32, 16, 16, 64}, with(kLeaky)},
          {"wrn 128 @8", {32, 8, 8, 128}, with(kLeaky)}};
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
    out.push_back(timed(norm_case(z)));
    out.push_back(timed(add_norm_case(z)));
  }
  return out;
}};

}  // namespace

}  // namespace scimix

// Bias, leaky ReLU and gain in one pass.
#include "kernels/elementwise/bias_act.hpp"

#include "autograd/op.hpp"
#include "autograd/ops.hpp"
#include "autograd/tape.hpp"

namespace scimix {

namespace {

[[nodiscard]] BiasActFactors factors_of(const BiasAct& options) {
  return {.slope = options.slope, .gain = options.gain, .input_gain = options.input_gain};
}

// The derivative as small operators of gy: what it is differentiated by. The result y enters by
// its sign alone, so that it is a constant here, almost everywhere.
[[nodiscard]] std::vector<Variable> recorded_vjp(const Cotangents& g, const Tensor& y,
                                                 const Variable& bias, const BiasAct& options) {
  const Variable live = leaky_relu_grad(g[0], Variable(y), options.slope);
  const Variable gx = scale(live, options.gain * options.input_gain);
  if (!g.wants(1)) return {gx, {}};
  const Variable gz = options.input_gain == 1 ? gx : scale(live, options.gain);
  return {gx, sum_to(cast(gz, bias.dtype()), bias.shape())};
}

[[nodiscard]] std::vector<Variable> fused_vjp(const Cotangents& g, const Tensor& y,
                                              const BiasAct& options) {
  const Tensor gx = g.wants(0) ? Tensor::empty(y.shape(), y.dtype(), y.device()) : Tensor();
  const Tensor gbias = g.room(1);
  bias_act_backward(g[0].value(), y, factors_of(options), gx, gbias);
  return {gx.defined() ? Variable(gx) : Variable(), gbias.defined() ? Variable(gbias) : Variable()};
}

}  // namespace

Variable bias_act(const Variable& x, const Variable& bias, const BiasAct& options) {
  const DType dtype = x.dtype() == DType::f64 ? DType::f64 : DType::f32;
  SCIMIX_CHECK(
      x.value().rank() >= 1 && bias.shape() == Shape{x.shape()[-1]} && bias.dtype() == dtype,
      "bias_act: bias ", name_of(bias.dtype()), " ", bias.shape(), " for x ", name_of(x.dtype()),
      " ", x.shape(), ", expected ", name_of(dtype), " of the last dimension");
  SCIMIX_CHECK(options.slope > 0 && options.gain > 0, "bias_act: slope ", options.slope, ", gain ",
               options.gain, ", expected both positive");
  const Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  bias_act_forward(x.value(), bias.value(), factors_of(options), y);
  return record("bias_act", y, {x, bias}, [y, bias, options](const Cotangents& g) {
    return is_recording() ? recorded_vjp(g, y, bias, options) : fused_vjp(g, y, options);
  });
}

// ---- test cases ---------------------------------------------------------------------------------

namespace {

[[nodiscard]] OpCase bias_act_case(const char* label, const Shape& shape, const BiasAct& options,
                                   double bias_lo = -1.0, double bias_hi = 1.0) {
  OpCase c;
  c.op = "bias_act";
  c.label = label;
  c.inputs = {{.shape = shape},
              {.shape = {shape[-1]}, .lo = bias_lo, .hi = bias_hi, .parameter = true}};
  c.run = [options](const Variables& in) { return Variables{bias_act(in[0], in[1], options)}; };
  c.definition = [options](const HostArrays& in) {
    HostArray y(in[0].shape);
    const std::int64_t channels = in[1].shape[0];
    for (std::int64_t i = 0; i < y.shape.numel(); ++i) {
      const double z = options.input_gain * in[0][i] + in[1][i % channels];
      y[i] = options.gain * (z > 0 ? z : options.slope * z);
    }
    return HostArrays{y};
  };
  return c;
}

const OpCases registered{[] {
  const double root2 = 1.4142135623730951;
  const BiasAct act{.slope = 0.2, .gain = root2};
  std::vector<OpCase> out{
      bias_act_case("both sides of the kink", {3, 4, 5, 16}, act),
      bias_act_case("above the kink", {2, 3, 3, 32}, act, 2, 3),
      bias_act_case("below the kink", {2, 3, 3, 24}, act, -3, -2),
      bias_act_case("no activation", {4, 3, 3, 8}, {.slope = 1.0, .gain = 1.0}),
      bias_act_case("rows [N,C]", {7, 64}, {.slope = 0.1, .gain = 0.5}),
      bias_act_case("odd sizes", {3, 5, 7, 11}, act),
      bias_act_case("RGB", {2, 4, 4, 3}, {.slope = 1.0, .gain = 1.0}),
      bias_act_case("input gain", {3, 4, 5, 16}, {.slope = 0.2, .gain = root2, .input_gain = 0.3}),
      bias_act_case("input gain, rows", {6, 10}, {.slope = 1.0, .gain = 1.0, .input_gain = -2.5}),
      bias_act_case("one row", {1, 128}, act),
      bias_act_case("one channel", {5, 1}, act),
      bias_act_case("zero rows", {0, 4, 4, 8}, act),
      bias_act_case("several groups of channels", {2, 2, 2, 200}, act),
      bias_act_case("several chunks", {2, 33, 37, 8}, act, 2, 3),
  };
  OpCase bench = bias_act_case("64 @32", {32, 32, 32, 64}, act);
  bench.test = false;
  bench.bench = true;
  out.push_back(bench);
  return out;
}};

}  // namespace

}  // namespace scimix

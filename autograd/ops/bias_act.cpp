// Bias, leaky ReLU and gain in one pass.
#include "kernels/elementwise/bias_act.hpp"

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"

namespace scimix {

namespace {

[[nodiscard]] BiasActFactors factors_of(const BiasAct& options) {
  return {.slope = options.slope, .gain = options.gain, .input_gain = options.input_gain};
}

// The derivative made of small operators, which can be differentiated in gy. Only the sign of the
// result y matters, so that y is a constant here (almost everywhere).
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
  Tensor gx = g.wants(0) ? Tensor::empty(y.shape(), y.dtype(), y.device()) : Tensor();
  Tensor gbias = g.buffer(1);
  bias_act_backward(g[0].value(), y, factors_of(options), gx, gbias);
  return {gx.defined() ? Variable(gx) : Variable(), gbias.defined() ? Variable(gbias) : Variable()};
}

}  // namespace

Variable bias_act(const Variable& x, const Variable& bias, const BiasAct& options) {
  const DType dtype = compute_type(x.dtype());
  SCIMIX_CHECK(
      x.value().rank() >= 1 && bias.shape() == Shape{x.shape()[-1]} && bias.dtype() == dtype,
      "bias_act: bias ", name_of(bias.dtype()), " ", bias.shape(), " for x ", name_of(x.dtype()),
      " ", x.shape(), ", expected ", name_of(dtype), " of the last dimension");
  SCIMIX_CHECK(options.slope > 0 && options.gain > 0, "bias_act: slope ", options.slope, ", gain ",
               options.gain, ", expected both positive");
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  bias_act_forward(x.value(), bias.value(), factors_of(options), y);
  return record("bias_act", y, {x, bias}, [y, bias, options](const Cotangents& g) {
    return is_recording() ? recorded_vjp(g, y, bias, options) : fused_vjp(g, y, options);
  });
}

}  // namespace scimix

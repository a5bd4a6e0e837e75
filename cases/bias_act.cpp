// Cases of bias_act.
#include "autograd/ops.hpp"
#include "cases/op_case.hpp"

namespace scimix {

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
  return std::vector{
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
      bias_act_case("no channels", {3, 0}, act),
      bias_act_case("several groups of channels", {2, 2, 2, 200}, act),
      bias_act_case("several chunks", {2, 33, 37, 8}, act, 2, 3),
      timed(bias_act_case("64 @32", {32, 32, 32, 64}, act)),
  };
}};

}  // namespace

}  // namespace scimix

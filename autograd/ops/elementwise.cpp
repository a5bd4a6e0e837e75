// Pointwise operators. Formulas live in kernels/elementwise/elementwise.hpp.
#include "kernels/elementwise/elementwise.hpp"

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"

namespace scimix {

namespace {

Tensor like(const Tensor& x) {
  return Tensor::empty(x.shape(), x.dtype(), x.device());
}

Tensor unary(const char* op, Unary f, const Variable& x, double parameter) {
  SCIMIX_CHECK(is_floating(x.dtype()), op, " of ", name_of(x.dtype()));
  Tensor y = like(x.value());
  map_unary(f, x.value(), y, parameter);
  return y;
}

// ---- two inputs ---------------------------------------------------------------------------------

Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape out = longer;
  for (int axis = -1; axis >= -shorter.rank(); --axis) {
    const std::int64_t m = longer[axis];
    const std::int64_t n = shorter[axis];
    SCIMIX_CHECK(m == n || m == 1 || n == 1, op, ": shapes ", a, " and ", b);
    out = out.with(axis, m == 1 ? n : m);
  }
  return out;
}

Tensor binary(const char* op, Binary f, const Variable& a, const Variable& b) {
  SCIMIX_CHECK(is_floating(a.dtype()) && a.dtype() == b.dtype(), op, ": ", name_of(a.dtype()),
               " and ", name_of(b.dtype()));
  Tensor y = Tensor::empty(broadcast_shape(op, a.shape(), b.shape()), a.dtype(), a.device());
  map_binary(f, a.value(), b.value(), y, 0);
  return y;
}

}  // namespace

Variable add(const Variable& a, const Variable& b) {
  return record("add", binary("add", Binary::add, a, b), {a, b},
                [sa = a.shape(), sb = b.shape()](const Cotangents& g) {
                  return std::vector{g.wants(0) ? sum_to(g[0], sa) : Variable(),
                                     g.wants(1) ? sum_to(g[0], sb) : Variable()};
                });
}

Variable sub(const Variable& a, const Variable& b) {
  return record("sub", binary("sub", Binary::sub, a, b), {a, b},
                [sa = a.shape(), sb = b.shape()](const Cotangents& g) {
                  return std::vector{g.wants(0) ? sum_to(g[0], sa) : Variable(),
                                     g.wants(1) ? scale(sum_to(g[0], sb), -1.0) : Variable()};
                });
}

Variable mul(const Variable& a, const Variable& b) {
  return record("mul", binary("mul", Binary::mul, a, b), {a, b}, [a, b](const Cotangents& g) {
    return std::vector{g.wants(0) ? sum_to(mul(g[0], b), a.shape()) : Variable(),
                       g.wants(1) ? sum_to(mul(g[0], a), b.shape()) : Variable()};
  });
}

Variable div(const Variable& a, const Variable& b) {
  return record("div", binary("div", Binary::div, a, b), {a, b}, [a, b](const Cotangents& g) {
    const Variable g_over_b = div(g[0], b);
    Variable gb;
    if (g.wants(1)) gb = scale(sum_to(mul(g_over_b, div(a, b)), b.shape()), -1.0);
    return std::vector{g.wants(0) ? sum_to(g_over_b, a.shape()) : Variable(), gb};
  });
}

// ---- linear in one input ------------------------------------------------------------------------

Variable scale(const Variable& x, double factor) {
  return record("scale", unary("scale", Unary::scale, x, factor), {x},
                [factor](const Cotangents& g) { return std::vector{scale(g[0], factor)}; });
}

Variable add_scalar(const Variable& x, double term) {
  return record("add_scalar", unary("add_scalar", Unary::add_scalar, x, term), {x},
                [](const Cotangents& g) { return std::vector{g[0]}; });
}

Variable identity(const Variable& x) {
  return record("identity", x.value(), {x}, [](const Cotangents& g) { return std::vector{g[0]}; });
}

Variable cast(const Variable& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  SCIMIX_CHECK(is_floating(x.dtype()) && is_floating(dtype), "cast of ", name_of(x.dtype()), " to ",
               name_of(dtype));
  Tensor y = Tensor::empty(x.shape(), dtype, x.device());
  convert(x.value(), y);
  return record("cast", y, {x},
                [from = x.dtype()](const Cotangents& g) { return std::vector{cast(g[0], from)}; });
}

void accumulate(const Tensor& value, const Output& target) {
  SCIMIX_CHECK(value.shape() == target.shape() && value.dtype() == target.dtype(),
               "accumulate: ", value.shape(), " ", name_of(value.dtype()), " into ", target.shape(),
               " ", name_of(target.dtype()));
  map_binary(Binary::add, target, value, target, 0);
}

// ---- nonlinear in one input ---------------------------------------------------------------------

namespace {

// How gx is computed from gy: by one kernel, or by operators if gx will be differentiated itself.
struct Derivative {
  Binary kernel;
  bool of_output;  // the kernel takes y rather than x
  Variable (*operators)(const Variable& gy, const Variable& x);
};

Variable nonlinear(const char* op, Unary f, const Variable& x, const Derivative& derivative) {
  Tensor y = unary(op, f, x, 0);
  const Tensor saved = derivative.of_output ? y : x.value();
  return record(op, y, {x}, [x, saved, derivative](const Cotangents& g) {
    if (is_recording()) return std::vector{derivative.operators(g[0], x)};
    Tensor gx = like(saved);
    map_binary(derivative.kernel, g[0].value(), saved, gx, 0);
    return std::vector{Variable(gx)};
  });
}

}  // namespace

Variable exp(const Variable& x) {
  return nonlinear(
      "exp", Unary::exp, x,
      {Binary::mul, true, [](const Variable& gy, const Variable& in) { return mul(gy, exp(in)); }});
}

Variable log(const Variable& x) {
  return nonlinear(
      "log", Unary::log, x,
      {Binary::div, false, [](const Variable& gy, const Variable& in) { return div(gy, in); }});
}

Variable sqrt(const Variable& x) {
  return nonlinear("sqrt", Unary::sqrt, x,
                   {Binary::sqrt_grad, true, [](const Variable& gy, const Variable& in) {
                      return scale(div(gy, sqrt(in)), 0.5);
                    }});
}

Variable rsqrt(const Variable& x) {
  return nonlinear("rsqrt", Unary::rsqrt, x,
                   {Binary::rsqrt_grad, true, [](const Variable& gy, const Variable& in) {
                      return scale(mul(gy, div(rsqrt(in), in)), -0.5);
                    }});
}

Variable square(const Variable& x) {
  return nonlinear("square", Unary::square, x,
                   {Binary::square_grad, false, [](const Variable& gy, const Variable& in) {
                      return scale(mul(gy, in), 2.0);
                    }});
}

Variable sigmoid(const Variable& x) {
  return nonlinear("sigmoid", Unary::sigmoid, x,
                   {Binary::sigmoid_grad, true, [](const Variable& gy, const Variable& in) {
                      const Variable y = sigmoid(in);
                      return mul(gy, sub(y, square(y)));
                    }});
}

Variable tanh(const Variable& x) {
  return nonlinear("tanh", Unary::tanh, x,
                   {Binary::tanh_grad, true, [](const Variable& gy, const Variable& in) {
                      return sub(gy, mul(gy, square(tanh(in))));
                    }});
}

Variable softplus(const Variable& x) {
  return nonlinear("softplus", Unary::softplus, x,
                   {Binary::softplus_grad, false,
                    [](const Variable& gy, const Variable& in) { return mul(gy, sigmoid(in)); }});
}

// Saves its output. The derivative needs only the sign of the output, which has no derivative.
Variable leaky_relu(const Variable& x, double slope) {
  SCIMIX_CHECK(slope > 0, "leaky_relu: slope ", slope, ", expected a positive one");
  Tensor y = unary("leaky_relu", Unary::leaky_relu, x, slope);
  return record("leaky_relu", y, {x}, [y, slope](const Cotangents& g) {
    return std::vector{leaky_relu_grad(g[0], Variable(y), slope)};
  });
}

Variable leaky_relu_grad(const Variable& gy, const Variable& y, double slope) {
  SCIMIX_CHECK(gy.shape() == y.shape() && gy.dtype() == y.dtype(), "leaky_relu_grad: gy ",
               gy.shape(), " ", name_of(gy.dtype()), " and y ", y.shape(), " ", name_of(y.dtype()));
  Tensor gx = like(y.value());
  map_binary(Binary::leaky_relu_grad, gy.value(), y.value(), gx, slope);
  return record("leaky_relu_grad", gx, {gy}, [saved = y.value(), slope](const Cotangents& g) {
    return std::vector{leaky_relu_grad(g[0], Variable(saved), slope)};
  });
}

namespace {

// gy where x <= highest, otherwise 0. It is linear in gy.
Variable clamp_max_grad(const Variable& gy, const Tensor& x, double highest) {
  Tensor gx = like(x);
  map_binary(Binary::clamp_max_grad, gy.value(), x, gx, highest);
  return record("clamp_max_grad", gx, {gy}, [x, highest](const Cotangents& g) {
    return std::vector{clamp_max_grad(g[0], x, highest)};
  });
}

}  // namespace

Variable clamp_max(const Variable& x, double highest) {
  return record("clamp_max", unary("clamp_max", Unary::clamp_max, x, highest), {x},
                [saved = x.value(), highest](const Cotangents& g) {
                  return std::vector{clamp_max_grad(g[0], saved, highest)};
                });
}

// Nothing flows back through a factor of 0, so nothing is recorded, and the backward pass of x is
// saved as well.
Variable scale_gradient(const Variable& x, double factor) {
  if (factor == 0.0) return x.detach();
  return record("scale_gradient", x.value(), {x},
                [factor](const Cotangents& g) { return std::vector{scale(g[0], factor)}; });
}

}  // namespace scimix

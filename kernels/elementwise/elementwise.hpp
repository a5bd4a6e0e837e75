// Pointwise kernels, and all pointwise formulas.
#pragma once

#include <cmath>

#include "core/host_device.hpp"
#include "kernels/launch/kernel.hpp"

namespace scimix {

// The formulas, templates over the compute type. Fused kernels use them, too.
namespace formula {

template <class A>
struct Add {
  SCIMIX_HD A operator()(A a, A b) const { return a + b; }
};
template <class A>
struct Sub {
  SCIMIX_HD A operator()(A a, A b) const { return a - b; }
};
template <class A>
struct Mul {
  SCIMIX_HD A operator()(A a, A b) const { return a * b; }
};
template <class A>
struct Div {
  SCIMIX_HD A operator()(A a, A b) const { return a / b; }
};
template <class A>
struct First {
  SCIMIX_HD A operator()(A a, A) const { return a; }
};

template <class A>
struct Scale {
  A factor;
  SCIMIX_HD A operator()(A x) const { return factor * x; }
};
template <class A>
struct AddScalar {
  A term;
  SCIMIX_HD A operator()(A x) const { return x + term; }
};

template <class A>
struct Exp {
  SCIMIX_HD A operator()(A x) const { return std::exp(x); }
};
template <class A>
struct Log {
  SCIMIX_HD A operator()(A x) const { return std::log(x); }
};

template <class A>
struct Sqrt {
  SCIMIX_HD A operator()(A x) const { return std::sqrt(x); }
};
template <class A>
struct SqrtGrad {  // y = sqrt(x)
  SCIMIX_HD A operator()(A gy, A y) const { return A(0.5) * gy / y; }
};
template <class A>
struct Rsqrt {
  SCIMIX_HD A operator()(A x) const { return A(1) / std::sqrt(x); }
};
template <class A>
struct RsqrtGrad {  // y = 1/sqrt(x)
  SCIMIX_HD A operator()(A gy, A y) const { return A(-0.5) * gy * y * y * y; }
};

template <class A>
struct Square {
  SCIMIX_HD A operator()(A x) const { return x * x; }
};
template <class A>
struct SquareGrad {
  SCIMIX_HD A operator()(A gy, A x) const { return A(2) * gy * x; }
};

template <class A>
struct Sigmoid {  // if exp overflows, the result is the right limit, 0
  SCIMIX_HD A operator()(A x) const { return A(1) / (A(1) + std::exp(-x)); }
};
template <class A>
struct SigmoidGrad {  // y = sigmoid(x)
  SCIMIX_HD A operator()(A gy, A y) const { return gy * y * (A(1) - y); }
};
template <class A>
struct Tanh {
  SCIMIX_HD A operator()(A x) const { return std::tanh(x); }
};
template <class A>
struct TanhGrad {  // y = tanh(x)
  SCIMIX_HD A operator()(A gy, A y) const { return gy * (A(1) - y * y); }
};
// log(1 + exp(x)), written so that exp never overflows.
template <class A>
struct Softplus {
  SCIMIX_HD A operator()(A x) const {
    return (x > A(0) ? x : A(0)) + std::log1p(std::exp(x > A(0) ? -x : x));
  }
};
template <class A>
struct SoftplusGrad {
  SCIMIX_HD A operator()(A gy, A x) const { return gy * Sigmoid<A>()(x); }
};

template <class A>
struct LeakyRelu {
  A slope;
  SCIMIX_HD A operator()(A x) const { return x > A(0) ? x : slope * x; }
};
template <class A>
struct LeakyReluGrad {  // y = leaky_relu(x), or x itself: they have the same sign
  A slope;
  SCIMIX_HD A operator()(A gy, A y) const { return y > A(0) ? gy : slope * gy; }
};

// NaN stays NaN.
template <class A>
struct ClampMax {
  A highest;
  SCIMIX_HD A operator()(A x) const { return x > highest ? highest : x; }
};
template <class A>
struct ClampMaxGrad {
  A highest;
  SCIMIX_HD A operator()(A gy, A x) const { return x > highest ? A(0) : gy; }
};

}  // namespace formula

// The formulas by name. A formula with a scalar takes it from `parameter`.
enum class Unary {
  scale,       // parameter: factor
  add_scalar,  // parameter: term
  exp,
  log,
  sqrt,
  rsqrt,
  square,
  sigmoid,
  tanh,
  softplus,
  leaky_relu,  // parameter: slope
  clamp_max,   // parameter: highest
};
enum class Binary {
  add,
  sub,
  mul,
  div,
  first,
  // gy and the y or x that the formula names
  sqrt_grad,
  rsqrt_grad,
  square_grad,
  sigmoid_grad,
  tanh_grad,
  softplus_grad,
  leaky_relu_grad,  // parameter: slope
  clamp_max_grad,   // parameter: highest
};

// y = f(x), elementwise. x and y have one shape and dtype. y may be x.
SCIMIX_KERNEL(map_unary, (Unary f, const Tensor& x, const Output& y, double parameter))

// y = f(a, b), in one dtype. a and b broadcast to the shape of y as in NumPy: shapes align at the
// last axis, and a dimension of 1 stretches. y may be an input that has its shape.
SCIMIX_KERNEL(map_binary,
              (Binary f, const Tensor& a, const Tensor& b, const Output& y, double parameter))

// y = x, converted to the dtype of y. Any two floating types; one shape.
SCIMIX_KERNEL(convert, (const Tensor& x, const Output& y))

// Sets every element of y, of any floating dtype.
SCIMIX_KERNEL(fill, (const Output& y, double value))

}  // namespace scimix

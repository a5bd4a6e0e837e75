// The matrix product, closed under differentiation through its transpose flags.
#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "kernels/gemm/gemm.hpp"

namespace scimix {

// C = op(A) op(B) gives d op(A) = G op(B)^T and d op(B) = op(A)^T G. If op transposes, the gradient
// of the matrix is the transpose of that, which swaps the factors.
namespace {

Variable product(const Cotangents& g, int input, const Variable& a, const Variable& b,
                 const Transpose& transpose) {
  if (is_recording()) return matmul(a, b, transpose);
  Tensor c = g.buffer(input);
  gemm(a.value(), b.value(), c, Gemm{.transpose = transpose});
  return Variable(c);
}

}  // namespace

Variable matmul(const Variable& a, const Variable& b, const Transpose& transpose) {
  const GemmSizes sizes = gemm_sizes(a.shape(), b.shape(), transpose);
  Tensor c = Tensor::empty({sizes.m, sizes.n}, a.dtype(), a.device());
  gemm(a.value(), b.value(), c, Gemm{.transpose = transpose});
  return record("matmul", c, {a, b}, [a, b, t = transpose](const Cotangents& cotangents) {
    const Variable& g = cotangents[0];
    Variable ga;
    Variable gb;
    if (cotangents.wants(0)) {
      ga = t.a ? product(cotangents, 0, b, g, {.a = t.b, .b = true})
               : product(cotangents, 0, g, b, {.a = false, .b = !t.b});
    }
    if (cotangents.wants(1)) {
      gb = t.b ? product(cotangents, 1, g, a, {.a = true, .b = t.a})
               : product(cotangents, 1, a, g, {.a = !t.a, .b = false});
    }
    return std::vector{ga, gb};
  });
}

Variable linear(const Variable& x, const Variable& w, const Variable& bias) {
  const Variable y = matmul(x, w, {.b = true});
  if (!bias.defined()) return y;
  SCIMIX_CHECK((bias.shape() == Shape{w.dim(0)}), "linear: bias ", bias.shape(), " with w ",
               w.shape(), ", expected one value for each of its rows");
  // Biases are parameters, which stay f32 if activations are bf16.
  return add(y, bias.dtype() == y.dtype() ? bias : cast(bias, y.dtype()));
}

}  // namespace scimix

// Matrix products of row-major matrices. They use cuBLAS on a GPU (gemm_cublas.cpp) and OpenBLAS on
// the CPU (gemm_openblas.cpp), except for f64, which uses plain loops (gemm_reference.cpp).
#pragma once

#include <cstdint>

#include "kernels/launch/kernel.hpp"

namespace scimix {

struct Transpose {
  bool a = false;
  bool b = false;
};

struct Gemm {
  Transpose transpose = {};
  double alpha = 1.0;
  double beta = 0.0;  // 0: the former contents of c are not read
};

struct GemmSizes {
  std::int64_t m = 0;  // rows of c
  std::int64_t n = 0;  // columns of c
  std::int64_t k = 0;  // terms of a sum
};

// Returns the sizes of op(a) [M,K] times op(b) [K,N]. Shapes that do not fit are a bug.
[[nodiscard]] GemmSizes gemm_sizes(const Shape& a, const Shape& b, const Transpose& transpose);

// Checks the tensors of a call: one floating type and shapes that fit. Every binding calls it
// first.
[[nodiscard]] GemmSizes check_gemm(const Tensor& a, const Tensor& b, const Tensor& c,
                                   const Gemm& options);

// c [M,N] = alpha op(a) op(b) + beta c. For K = 0 the product is zero.
SCIMIX_KERNEL(gemm, (const Tensor& a, const Tensor& b, const Output& c, const Gemm& options))

}  // namespace scimix

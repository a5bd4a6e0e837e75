// The matrix product through OpenBLAS, in f32 and bf16 (computed in f32, then rounded).
#pragma once

#include "kernels/gemm/gemm.hpp"

namespace scimix::cpu::openblas {

void gemm(const Tensor& a, const Tensor& b, const Output& c, const Gemm& options);

}  // namespace scimix::cpu::openblas

// The matrix product in f64 by plain loops over its definition: the CPU's f64 backend, and the
// oracle of the vendor bindings. The arguments are those of kernels/gemm/gemm.hpp.
#pragma once

#include "kernels/gemm/gemm.hpp"

namespace scimix::cpu::reference {

void gemm(const Tensor& a, const Tensor& b, const Output& c, const Gemm& options);

}  // namespace scimix::cpu::reference

// Convolution in f64 by plain loops over its definition: the CPU's f64 backend, and the oracle of
// the vendor bindings. Any kernel, stride and padding. The arguments are those of
// kernels/conv/conv.hpp.
#pragma once

#include "kernels/conv/conv.hpp"

namespace scimix::cpu::reference {

void conv_fprop(const Tensor& x, const Tensor& w, const Output& y, const Conv2dGeometry& geometry);
void conv_dgrad(const Tensor& gy, const Tensor& w, const Output& gx,
                const Conv2dGeometry& geometry);
void conv_wgrad(const Tensor& gy, const Tensor& x, const Output& gw,
                const Conv2dGeometry& geometry);

}  // namespace scimix::cpu::reference

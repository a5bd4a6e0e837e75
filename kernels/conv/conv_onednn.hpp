// Convolution through oneDNN, in f32 and bf16.
#pragma once

#include <cstddef>

#include "kernels/conv/conv.hpp"
#include "kernels/conv/conv_counters.hpp"

namespace scimix::cpu::onednn {

// fprop writes y, dgrad x, wgrad w, from the other two. At least one image.
void convolve(ConvKind kind, const Tensor& x, const Tensor& w, const Tensor& y,
              const Conv2dGeometry& geometry);

// Primitives made so far: one for each kind, element type and geometry, kept for good.
[[nodiscard]] std::size_t primitive_count();

}  // namespace scimix::cpu::onednn

// Convolution through oneDNN, in f32 and bf16.
#pragma once

#include <cstddef>

#include "kernels/conv/conv.hpp"

namespace scimix::cpu::onednn {

// Computes the output of `operands` from the other two. At least one image.
void convolve(const ConvOperands& operands, const Conv2dGeometry& geometry);

// Returns whether oneDNN multiplies bf16 matrices with the processor's AMX unit. Without it,
// training steps were slower with oneDNN's bf16 convolutions than in f32
// (docs/results/training-steps-cpu.md).
[[nodiscard]] bool has_amx();

// Returns the number of primitives made so far: one for each kind, element type and geometry. They
// are never freed.
[[nodiscard]] std::size_t primitive_count();

}  // namespace scimix::cpu::onednn

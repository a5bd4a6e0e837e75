// 3x3 convolution of stride 1 by Winograd's F(4x4,3x3). It needs a quarter of the multiplications
// of a direct convolution, and some additions before and after. Its rounding errors are about twice
// those of a direct sum. Tensors are f32 or bf16. With bf16, all arithmetic is in f32, and the
// result is rounded once at the end; a weight gradient of bf16 images may also be f32.
// Source: Lavin & Gray, "Fast algorithms for convolutional neural networks", CVPR 2016.
#pragma once

#include "kernels/conv/conv.hpp"

namespace scimix::cpu::winograd {

// The instructions that the algorithm uses: none: no implementation for this processor.
enum class Width { none, avx2, avx512 };

// Returns the widest width that both this build and this processor have.
[[nodiscard]] Width best_width();
// Returns whether both this build and this processor support `width`.
[[nodiscard]] bool has(Width width);

// Returns whether the algorithm is faster than oneDNN for these sizes in f32. The answer depends
// only on the sizes, the number of threads and the processor, so that runs can be repeated.
[[nodiscard]] bool suits(ConvKind kind, const Conv2dGeometry& geometry);

void conv_fprop(const Tensor& x, const Tensor& w, const Output& y, const Conv2dGeometry& geometry,
                Width width = best_width());
void conv_dgrad(const Tensor& gy, const Tensor& w, const Output& gx, const Conv2dGeometry& geometry,
                Width width = best_width());
void conv_wgrad(const Tensor& gy, const Tensor& x, const Output& gw, const Conv2dGeometry& geometry,
                Width width = best_width());

}  // namespace scimix::cpu::winograd

// Convolutions of images [N,H,W,C] with kernels [K,R,S,C], the same layouts on every device:
//
//   y[n,p,q,k] = sum over r,s,c of x[n, p stride + r - pad, q stride + s - pad, c] w[k,r,s,c]
//
// (zeros outside of x), the data gradient and the weight gradient. On a GPU, cuDNN computes them
// (conv_cudnn.cpp). On the CPU they go through Winograd's algorithm where that is faster
// (conv_winograd.cpp), through oneDNN otherwise (conv_onednn.cpp), and through plain loops in f64
// (conv_reference.cpp).
#pragma once

#include <compare>
#include <cstdint>

#include "core/shape.hpp"
#include "kernels/launch/kernel.hpp"

namespace scimix {

enum class ConvKind : std::uint8_t { fprop, dgrad, wgrad };

struct Conv2d {
  int stride = 1;
  int pad = 1;  // zeros on all four sides
};

// All sizes of one convolution.
struct Conv2dGeometry {
  std::int64_t n = 0;                // images
  std::int64_t h = 0, w = 0, c = 0;  // of x
  std::int64_t k = 0, r = 0, s = 0;  // of the kernel: output channels, height, width
  std::int64_t p = 0, q = 0;         // of y
  int stride = 1;
  int pad = 0;

  [[nodiscard]] Shape x_shape() const { return {n, h, w, c}; }
  [[nodiscard]] Shape w_shape() const { return {k, r, s, c}; }
  [[nodiscard]] Shape y_shape() const { return {n, p, q, k}; }
  // Returns the multiplications and additions of one convolution, the same for all three kinds.
  [[nodiscard]] double flops() const {
    return 2.0 * static_cast<double>(n * p * q * k) * static_cast<double>(r * s * c);
  }
  friend auto operator<=>(const Conv2dGeometry&, const Conv2dGeometry&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Conv2dGeometry& g) {
    return out << "x " << g.x_shape() << ", w " << g.w_shape() << ", stride " << g.stride
               << ", pad " << g.pad;
  }
};

// Returns the sizes, with P = (H + 2 pad - R)/stride + 1, rounded down, and Q from W and S. Shapes
// that do not fit are a bug.
[[nodiscard]] Conv2dGeometry conv2d_geometry(const Shape& x, const Shape& w, const Conv2d& conv);

// Returns the channel count that x should be zero-padded to, so that conv_fprop and conv_wgrad need
// no padded copy of it. At least `channels`.
[[nodiscard]] std::int64_t whole_channels(std::int64_t channels, DType dtype, Device device);
// While an object exists, whole_channels returns on this thread what it returns for a GPU, which
// reads 16 bytes at a time. For tests.
class ReadsWholePacks {
 public:
  ReadsWholePacks();
  ~ReadsWholePacks();
  ReadsWholePacks(const ReadsWholePacks&) = delete;
  ReadsWholePacks& operator=(const ReadsWholePacks&) = delete;

 private:
  bool outer_;
};

// The tensors of a convolution by their role, as cuDNN and oneDNN take them. `kind` says which of
// them is written, so all three are handles that can be written.
struct ConvOperands {
  ConvKind kind;
  Tensor x, w, y;

  [[nodiscard]] Output output() const {
    return Tensor(kind == ConvKind::fprop ? y : kind == ConvKind::dgrad ? x : w);
  }
};

// Check the tensors of a call: three tensors of one floating type with the shapes of the geometry.
// A weight gradient of bf16 images may also be f32. Every binding calls them first.
void check_conv2d(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w,
                  const Tensor& y);
void check_conv2d_wgrad(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& gw,
                        const Tensor& gy);

// y = conv(x, w)
SCIMIX_KERNEL(conv_fprop,
              (const Tensor& x, const Tensor& w, const Output& y, const Conv2dGeometry& geometry))
// gx[n,h,w,c] = the sum of gy w over all products that x[n,h,w,c] was part of; 0 if there are none.
SCIMIX_KERNEL(conv_dgrad,
              (const Tensor& gy, const Tensor& w, const Output& gx, const Conv2dGeometry& geometry))
// gw[k,r,s,c] = the sum of gy x over all products that w[k,r,s,c] was part of; 0 without images.
// For bf16 gy and x, gw may be f32: then the sum is not rounded to bf16.
SCIMIX_KERNEL(conv_wgrad,
              (const Tensor& gy, const Tensor& x, const Output& gw, const Conv2dGeometry& geometry))

}  // namespace scimix

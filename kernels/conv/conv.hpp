// Convolutions of images [N,H,W,C] with kernels [K,R,S,C], the same layouts on every device:
//
//   y[n,p,q,k] = sum over r,s,c of x[n, p stride + r - pad, q stride + s - pad, c] w[k,r,s,c]
//
// (zeros outside of x), its data gradient and its weight gradient, each asked for by name. cuDNN
// computes them on a GPU (conv_cudnn.cpp). On the CPU it is Winograd's algorithm where that pays
// (conv_winograd.cpp), oneDNN otherwise (conv_onednn.cpp), and plain loops in f64
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

// All sizes of one convolution, checked once.
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
  // Multiplications and additions of any one of the three products.
  [[nodiscard]] double flops() const {
    return 2.0 * static_cast<double>(n * p * q * k) * static_cast<double>(r * s * c);
  }
  friend auto operator<=>(const Conv2dGeometry&, const Conv2dGeometry&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Conv2dGeometry& g) {
    return out << "x " << g.x_shape() << ", w " << g.w_shape() << ", stride " << g.stride
               << ", pad " << g.pad;
  }
};

// P = (H + 2 pad - R)/stride + 1, rounded down; Q likewise. Shapes that do not fit are a bug.
[[nodiscard]] Conv2dGeometry conv2d_geometry(const Shape& x, const Shape& w, const Conv2d& conv);

// How many channels, `channels` at least, an x must have for conv_fprop and conv_wgrad to read it
// where it stands; otherwise they copy it into a padded buffer first. Further channels are zero.
[[nodiscard]] std::int64_t whole_channels(std::int64_t channels, DType dtype, Device device);
// While one lives, whole_channels answers on this thread for a device that reads 16 bytes at a
// time, as a GPU does. For tests.
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

// What every binding checks at its door: three tensors of one floating type with these shapes. A
// weight gradient of bf16 images may also be f32.
void check_conv2d(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w,
                  const Tensor& y);
void check_conv2d_wgrad(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& gw,
                        const Tensor& gy);

// y = conv(x, w)
SCIMIX_KERNEL(conv_fprop,
              (const Tensor& x, const Tensor& w, const Output& y, const Conv2dGeometry& geometry))
// gx[n,h,w,c] = sum of gy w over all places where x[n,h,w,c] was used; zeros where it was not.
SCIMIX_KERNEL(conv_dgrad,
              (const Tensor& gy, const Tensor& w, const Output& gx, const Conv2dGeometry& geometry))
// gw[k,r,s,c] = sum of gy x over all places where w[k,r,s,c] was used; zeros without any rows. f32
// for bf16 gy and x: the sum as it was computed, which no rounding to bf16 follows.
SCIMIX_KERNEL(conv_wgrad,
              (const Tensor& gy, const Tensor& x, const Output& gw, const Conv2dGeometry& geometry))

}  // namespace scimix

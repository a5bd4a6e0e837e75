// The sizes of a convolution, and the choice of its implementation on the CPU: the reference in
// f64, Winograd's algorithm where it is faster, oneDNN otherwise.
#include "kernels/conv/conv.hpp"

#include <utility>

#include "kernels/conv/conv_counters.hpp"
#include "kernels/conv/conv_onednn.hpp"
#include "kernels/conv/conv_reference.hpp"
#include "kernels/conv/conv_winograd.hpp"

namespace scimix {

Conv2dGeometry conv2d_geometry(const Shape& x, const Shape& w, const Conv2d& conv) {
  SCIMIX_CHECK(x.rank() == 4 && w.rank() == 4, "convolution of x ", x, " with w ", w,
               ", expected [N,H,W,C] and [K,R,S,C]");
  SCIMIX_CHECK(x[3] == w[3], "convolution of x ", x, " with w ", w,
               ": their channel counts differ");
  SCIMIX_CHECK(conv.stride >= 1 && conv.pad >= 0, "convolution with stride ", conv.stride,
               " and pad ", conv.pad);
  Conv2dGeometry g{.n = x[0], .h = x[1], .w = x[2], .c = x[3], .k = w[0], .r = w[1], .s = w[2]};
  g.stride = conv.stride;
  g.pad = conv.pad;
  SCIMIX_CHECK(g.c > 0 && g.k > 0 && g.r > 0 && g.s > 0, "convolution with an empty kernel ", w);
  SCIMIX_CHECK(g.h + 2 * g.pad >= g.r && g.w + 2 * g.pad >= g.s, "convolution of x ", x,
               " with a larger kernel ", w, ", pad ", g.pad);
  g.p = (g.h + 2 * g.pad - g.r) / g.stride + 1;
  g.q = (g.w + 2 * g.pad - g.s) / g.stride + 1;
  return g;
}

namespace {
thread_local bool reads_whole_packs = false;
}  // namespace

ReadsWholePacks::ReadsWholePacks() : outer_(std::exchange(reads_whole_packs, true)) {}
ReadsWholePacks::~ReadsWholePacks() {
  reads_whole_packs = outer_;
}

std::int64_t whole_channels(std::int64_t channels, DType dtype, Device device) {
  if (!device.is_cuda() && !reads_whole_packs) return channels;
  // cuDNN's fast kernels read 16 bytes at a time along the channels.
  const auto lanes = static_cast<std::int64_t>(16 / size_of(dtype));
  return (channels + lanes - 1) / lanes * lanes;
}

namespace {

void check_shapes(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w,
                  const Tensor& y) {
  SCIMIX_CHECK(x.shape() == geometry.x_shape() && w.shape() == geometry.w_shape() &&
                   y.shape() == geometry.y_shape(),
               "convolution (", geometry, ") given x ", x.shape(), ", w ", w.shape(), ", y ",
               y.shape());
}

}  // namespace

void check_conv2d(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w,
                  const Tensor& y) {
  check_shapes(geometry, x, w, y);
  SCIMIX_CHECK(is_floating(x.dtype()) && x.dtype() == w.dtype() && x.dtype() == y.dtype(),
               "convolution of x ", name_of(x.dtype()), ", w ", name_of(w.dtype()), ", y ",
               name_of(y.dtype()), ", expected one floating type");
}

void check_conv2d_wgrad(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& gw,
                        const Tensor& gy) {
  if (x.dtype() != DType::bf16 || gw.dtype() != DType::f32) {
    return check_conv2d(geometry, x, gw, gy);
  }
  check_shapes(geometry, x, gw, gy);
  SCIMIX_CHECK(gy.dtype() == DType::bf16, "convolution's weight gradient of x bf16, gy ",
               name_of(gy.dtype()), ", expected one type");
}

namespace cpu {

namespace {

// In bf16 the algorithm computes in f32, so a processor with AMX multiplies bf16 numbers instead.
bool takes_winograd(ConvKind kind, DType dtype, const Conv2dGeometry& g) {
  return (dtype == DType::f32 || !onednn::has_amx()) && winograd::suits(kind, g);
}

}  // namespace

void conv_fprop(const Tensor& x, const Tensor& w, const Output& y, const Conv2dGeometry& g) {
  check_conv2d(g, x, w, y);
  count_conv(ConvKind::fprop, g);
  if (g.n == 0) return;
  count_work(Work::library);
  if (x.dtype() == DType::f64) return reference::conv_fprop(x, w, y, g);
  if (takes_winograd(ConvKind::fprop, x.dtype(), g)) return winograd::conv_fprop(x, w, y, g);
  onednn::convolve({ConvKind::fprop, x, w, y}, g);
}

void conv_dgrad(const Tensor& gy, const Tensor& w, const Output& gx, const Conv2dGeometry& g) {
  check_conv2d(g, gx, w, gy);
  count_conv(ConvKind::dgrad, g);
  if (g.n == 0) return;
  count_work(Work::library);
  if (gy.dtype() == DType::f64) return reference::conv_dgrad(gy, w, gx, g);
  if (takes_winograd(ConvKind::dgrad, gy.dtype(), g)) return winograd::conv_dgrad(gy, w, gx, g);
  onednn::convolve({ConvKind::dgrad, gx, w, gy}, g);
}

void conv_wgrad(const Tensor& gy, const Tensor& x, const Output& gw, const Conv2dGeometry& g) {
  check_conv2d_wgrad(g, x, gw, gy);
  count_conv(ConvKind::wgrad, g);
  if (g.n == 0) return gw.zero_();
  count_work(Work::library);
  if (gy.dtype() == DType::f64) return reference::conv_wgrad(gy, x, gw, g);
  if (takes_winograd(ConvKind::wgrad, gy.dtype(), g)) return winograd::conv_wgrad(gy, x, gw, g);
  onednn::convolve({ConvKind::wgrad, x, gw, gy}, g);
}

}  // namespace cpu

}  // namespace scimix

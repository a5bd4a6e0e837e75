// Convolution, its data gradient and its weight gradient: three operators closed under
// differentiation. All three are linear in each argument, and each is the adjoint of the others:
//
//   <conv(x, w), g> = <x, dgrad(g, w)> = <w, wgrad(g, x)>
//
// so that the derivatives of each one are the other two.
#include "kernels/conv/conv.hpp"

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"

namespace scimix {

namespace {

// True if x has up to seven channels of padding. Any other difference is a mistake, which
// conv2d_geometry reports.
bool is_padded(const Shape& x, const Shape& w) {
  return x.rank() == 4 && w.rank() == 4 && w[3] > 0 && x[3] > w[3] && x[3] < w[3] + 8;
}

void check_cotangent(const char* op, const Shape& gy, const Conv2dGeometry& geometry) {
  SCIMIX_CHECK(gy == geometry.y_shape(), op, ": gy ", gy, ", expected ", geometry.y_shape(),
               " for ", geometry);
}

// The weight gradient, in the type of the parameter's gradient unless it is differentiated again.
Variable wgrad(const Cotangents& g, const Variable& gy, const Variable& x, const Shape& w_shape,
               const Conv2d& conv) {
  if (!g.wants(1)) return {};
  if (is_recording()) return conv2d_wgrad(gy, x, w_shape, conv);
  const Conv2dGeometry geometry = conv2d_geometry(x.shape(), w_shape, conv);
  Tensor gw = g.buffer(1);
  conv_wgrad(gy.value(), x.value(), gw, geometry);
  return Variable(gw);
}

}  // namespace

Variable conv2d(const Variable& x, const Variable& w, const Conv2d& conv) {
  if (is_padded(x.shape(), w.shape())) {
    return conv2d(x, embed_channels(w, 0, x.dim(3)), conv);
  }
  const Conv2dGeometry geometry = conv2d_geometry(x.shape(), w.shape(), conv);
  Tensor y = Tensor::empty(geometry.y_shape(), x.dtype(), x.device());
  conv_fprop(x.value(), w.value(), y, geometry);
  return record("conv2d", y, {x, w}, [x, w, conv](const Cotangents& g) {
    return std::vector{g.wants(0) ? conv2d_dgrad(g[0], w, x.shape(), conv) : Variable(),
                       wgrad(g, g[0], x, w.shape(), conv)};
  });
}

Variable conv2d_dgrad(const Variable& gy, const Variable& w, const Shape& x_shape,
                      const Conv2d& conv) {
  const Conv2dGeometry geometry = conv2d_geometry(x_shape, w.shape(), conv);
  check_cotangent("conv2d_dgrad", gy.shape(), geometry);
  Tensor gx = Tensor::empty(x_shape, gy.dtype(), gy.device());
  conv_dgrad(gy.value(), w.value(), gx, geometry);
  return record("conv2d_dgrad", gx, {gy, w}, [gy, w, conv](const Cotangents& h) {
    return std::vector{h.wants(0) ? conv2d(h[0], w, conv) : Variable(),
                       wgrad(h, gy, h[0], w.shape(), conv)};
  });
}

Variable conv2d_wgrad(const Variable& gy, const Variable& x, const Shape& w_shape,
                      const Conv2d& conv) {
  const Conv2dGeometry geometry = conv2d_geometry(x.shape(), w_shape, conv);
  check_cotangent("conv2d_wgrad", gy.shape(), geometry);
  Tensor gw = Tensor::empty(w_shape, gy.dtype(), gy.device());
  conv_wgrad(gy.value(), x.value(), gw, geometry);
  return record("conv2d_wgrad", gw, {gy, x}, [gy, x, conv](const Cotangents& h) {
    return std::vector{h.wants(0) ? conv2d(x, h[0], conv) : Variable(),
                       h.wants(1) ? conv2d_dgrad(gy, h[0], x.shape(), conv) : Variable()};
  });
}

}  // namespace scimix

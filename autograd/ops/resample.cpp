// Pooling and resampling of images [N,H,W,C]. All are linear in x and independent per channel.
#include "kernels/image/resample.hpp"

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "kernels/image/pool.hpp"

namespace scimix {

namespace {

void check_image(const char* op, const Variable& x) {
  SCIMIX_CHECK(x.value().rank() == 4, op, ": x ", x.shape(), ", expected [N,H,W,C]");
}

}  // namespace

Variable global_average_pool(const Variable& x) {
  check_image("global_average_pool", x);
  const std::int64_t pixels = x.dim(1) * x.dim(2);
  SCIMIX_CHECK(pixels > 0, "global_average_pool: x ", x.shape(), " has no pixels");
  Tensor y = Tensor::empty({x.dim(0), x.dim(3)}, x.dtype(), x.device());
  average_pool(x.value(), y);
  return record("global_average_pool", y, {x}, [shape = x.shape(), pixels](const Cotangents& g) {
    const Variable share = scale(g[0], 1.0 / static_cast<double>(pixels));
    return std::vector{broadcast_to(reshape(share, {shape[0], 1, 1, shape[3]}), shape)};
  });
}

Variable upsample_nearest(const Variable& x, int factor) {
  check_image("upsample_nearest", x);
  SCIMIX_CHECK(factor >= 1, "upsample_nearest: factor ", factor);
  Tensor y = Tensor::empty({x.dim(0), x.dim(1) * factor, x.dim(2) * factor, x.dim(3)}, x.dtype(),
                           x.device());
  upsample_nearest_pixels(x.value(), factor, y);
  return record("upsample_nearest", y, {x}, [factor](const Cotangents& g) {
    return std::vector{downsample_sum(g[0], factor)};
  });
}

Variable downsample_sum(const Variable& x, int factor) {
  check_image("downsample_sum", x);
  SCIMIX_CHECK(factor >= 1 && x.dim(1) % factor == 0 && x.dim(2) % factor == 0,
               "downsample_sum: factor ", factor, " does not divide the image ", x.shape());
  Tensor y = Tensor::empty({x.dim(0), x.dim(1) / factor, x.dim(2) / factor, x.dim(3)}, x.dtype(),
                           x.device());
  downsample_sum_pixels(x.value(), factor, y);
  return record("downsample_sum", y, {x}, [factor](const Cotangents& g) {
    return std::vector{upsample_nearest(g[0], factor)};
  });
}

namespace {

// Returns the size of an axis after upfirdn2d.
[[nodiscard]] std::int64_t filtered_size(std::int64_t size, std::int64_t taps, int before,
                                         int after, const UpFirDn& options) {
  const std::int64_t padded = size * options.up + before + after;
  SCIMIX_CHECK(padded >= taps, "upfirdn2d: ", padded, " padded pixels for ", taps, " taps");
  return (padded - taps) / options.down + 1;
}

// Returns the options of the adjoint: up and down are exchanged, the filter is turned around, and
// the padding restores the sizes.
[[nodiscard]] UpFirDn adjoint(const UpFirDn& o, const Shape& x, const Shape& y,
                              const Shape& filter) {
  const auto pads = [&](std::int64_t in, std::int64_t out, std::int64_t taps, int before) {
    return std::pair{static_cast<int>(taps) - before - 1,
                     static_cast<int>(in * o.up - out * o.down) + before - o.up + 1};
  };
  const auto [x0, x1] = pads(x[2], y[2], filter[1], o.pad[0]);
  const auto [y0, y1] = pads(x[1], y[1], filter[0], o.pad[2]);
  return {.up = o.down,
          .down = o.up,
          .pad = {x0, x1, y0, y1},
          .gain = o.gain,
          .correlate = !o.correlate};
}

}  // namespace

Tensor resample_filter(DType dtype, Device device) {
  std::vector<double> values;
  for (const double row : {1, 3, 3, 1}) {
    for (const double column : {1, 3, 3, 1}) values.push_back(row * column / 64);
  }
  return Tensor::from(values, {4, 4}, compute_type(dtype), device);
}

Variable upfirdn2d(const Variable& x, const Tensor& filter, const UpFirDn& options) {
  check_image("upfirdn2d", x);
  const DType dtype = compute_type(x.dtype());
  SCIMIX_CHECK(filter.rank() == 2 && filter.numel() > 0 && filter.dtype() == dtype,
               "upfirdn2d: filter ", name_of(filter.dtype()), " ", filter.shape(), " for x ",
               name_of(x.dtype()), ", expected ", name_of(dtype), " [fh,fw]");
  SCIMIX_CHECK(options.up >= 1 && options.down >= 1, "upfirdn2d: up ", options.up, ", down ",
               options.down);
  const auto& [x0, x1, y0, y1] = options.pad;
  const Shape shape{x.dim(0), filtered_size(x.dim(1), filter.dim(0), y0, y1, options),
                    filtered_size(x.dim(2), filter.dim(1), x0, x1, options), x.dim(3)};
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  upfirdn(x.value(), filter,
          {.up = options.up,
           .down = options.down,
           .pad_x0 = x0,
           .pad_y0 = y0,
           .gain = options.gain,
           .correlate = options.correlate},
          y);
  const UpFirDn back = adjoint(options, x.shape(), shape, filter.shape());
  return record("upfirdn2d", y, {x}, [filter, back](const Cotangents& g) {
    return std::vector{upfirdn2d(g[0], filter, back)};
  });
}

}  // namespace scimix

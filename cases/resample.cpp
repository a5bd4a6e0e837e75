// Cases of pooling, nearest-neighbour resampling and upfirdn2d.
#include <utility>

#include "autograd/ops.hpp"
#include "cases/op_case.hpp"

namespace scimix {

namespace {

[[nodiscard]] OpCase pool_case(const char* label, const Shape& shape) {
  OpCase c;
  c.op = "global_average_pool";
  c.label = label;
  c.inputs = {{.shape = shape}};
  c.run = [](const Variables& in) { return Variables{global_average_pool(in[0])}; };
  c.definition = [](const HostArrays& in) {
    const Shape& s = in[0].shape;
    HostArray y({s[0], s[3]});
    for (std::int64_t i = 0; i < s.numel(); ++i) {
      y[i / (s[1] * s[2] * s[3]) * s[3] + i % s[3]] += in[0][i] / static_cast<double>(s[1] * s[2]);
    }
    return HostArrays{y};
  };
  return c;
}

// Calls f(index in the large image, index in the small one) for each pixel of the large image.
template <class F>
void for_each_pixel(const Shape& large, int factor, F f) {
  std::int64_t i = 0;
  for (std::int64_t n = 0; n < large[0]; ++n) {
    for (std::int64_t h = 0; h < large[1]; ++h) {
      for (std::int64_t w = 0; w < large[2]; ++w) {
        for (std::int64_t c = 0; c < large[3]; ++c, ++i) {
          const std::int64_t line = n * (large[1] / factor) + h / factor;
          f(i, (line * (large[2] / factor) + w / factor) * large[3] + c);
        }
      }
    }
  }
}

[[nodiscard]] OpCase upsample_case(const char* label, const Shape& small, int factor) {
  OpCase c;
  c.op = "upsample_nearest";
  c.label = label;
  c.inputs = {{.shape = small}};
  c.run = [factor](const Variables& in) { return Variables{upsample_nearest(in[0], factor)}; };
  c.definition = [factor](const HostArrays& in) {
    const Shape& s = in[0].shape;
    HostArray y({s[0], s[1] * factor, s[2] * factor, s[3]});
    for_each_pixel(y.shape, factor, [&](auto at, auto from) { y[at] = in[0][from]; });
    return HostArrays{y};
  };
  return c;
}

[[nodiscard]] OpCase downsample_case(const char* label, const Shape& small, int factor) {
  OpCase c;
  c.op = "downsample_sum";
  c.label = label;
  c.inputs = {{.shape = {small[0], small[1] * factor, small[2] * factor, small[3]}}};
  c.run = [factor](const Variables& in) { return Variables{downsample_sum(in[0], factor)}; };
  c.definition = [small, factor](const HostArrays& in) {
    HostArray y(small);
    for_each_pixel(in[0].shape, factor, [&](auto from, auto at) { y[at] += in[0][from]; });
    return HostArrays{y};
  };
  return c;
}

// Step by step as the operator is described, on one plane.
[[nodiscard]] Plane define_upfirdn(Plane image, const HostArray& filter, const UpFirDn& o) {
  Plane zeros_between(image.h * o.up, image.w * o.up);
  for (std::int64_t y = 0; y < image.h; ++y) {
    for (std::int64_t x = 0; x < image.w; ++x) {
      zeros_between.at(y * o.up, x * o.up) = image.at(y, x);
    }
  }
  Plane padded(zeros_between.h + o.pad[2] + o.pad[3], zeros_between.w + o.pad[0] + o.pad[1]);
  for (std::int64_t y = 0; y < zeros_between.h; ++y) {
    for (std::int64_t x = 0; x < zeros_between.w; ++x) {
      const std::int64_t to_y = y + o.pad[2];
      const std::int64_t to_x = x + o.pad[0];
      if (to_y < 0 || to_y >= padded.h || to_x < 0 || to_x >= padded.w) continue;
      padded.at(to_y, to_x) = zeros_between.at(y, x);
    }
  }
  const std::int64_t fh = filter.shape[0];
  const std::int64_t fw = filter.shape[1];
  Plane filtered(padded.h - fh + 1, padded.w - fw + 1);
  for (std::int64_t y = 0; y < filtered.h; ++y) {
    for (std::int64_t x = 0; x < filtered.w; ++x) {
      for (std::int64_t r = 0; r < fh; ++r) {
        for (std::int64_t s = 0; s < fw; ++s) {
          const double tap =
              o.correlate ? filter[r * fw + s] : filter[(fh - 1 - r) * fw + (fw - 1 - s)];
          filtered.at(y, x) += padded.at(y + r, x + s) * tap;
        }
      }
    }
  }
  Plane out((filtered.h + o.down - 1) / o.down, (filtered.w + o.down - 1) / o.down);
  for (std::int64_t y = 0; y < out.h; ++y) {
    for (std::int64_t x = 0; x < out.w; ++x) {
      out.at(y, x) = o.gain * filtered.at(y * o.down, x * o.down);
    }
  }
  return out;
}

[[nodiscard]] HostArray define_upfirdn(const HostArray& x, const HostArray& filter,
                                       const UpFirDn& o) {
  const Shape& s = x.shape;
  const Plane blank = define_upfirdn(Plane(s[1], s[2]), filter, o);
  HostArray y({s[0], blank.h, blank.w, s[3]});
  const std::int64_t out_pixels = blank.h * blank.w;
  for (std::int64_t n = 0; n < s[0]; ++n) {
    for (std::int64_t c = 0; c < s[3]; ++c) {
      Plane plane(s[1], s[2]);
      for (std::int64_t i = 0; i < s[1] * s[2]; ++i) {
        plane.values[static_cast<std::size_t>(i)] = x[(n * s[1] * s[2] + i) * s[3] + c];
      }
      const Plane out = define_upfirdn(plane, filter, o);
      for (std::int64_t i = 0; i < out_pixels; ++i) {
        y[(n * out_pixels + i) * s[3] + c] = out.values[static_cast<std::size_t>(i)];
      }
    }
  }
  return y;
}

[[nodiscard]] OpCase upfirdn_case(const char* label, const Shape& shape, const Shape& filter,
                                  const UpFirDn& options) {
  OpCase c;
  c.op = "upfirdn2d";
  c.label = label;
  c.inputs = {{.shape = shape}, {.shape = filter, .differentiable = false, .parameter = true}};
  c.run = [options](const Variables& in) {
    return Variables{upfirdn2d(in[0], in[1].value(), options)};
  };
  c.definition = [options](const HostArrays& in) {
    return HostArrays{define_upfirdn(in[0], in[1], options)};
  };
  return c;
}

[[nodiscard]] OpCase timed(OpCase c, double flops) {
  c.flops = flops;
  return timed(std::move(c));
}

// What StyleGAN2 does with its 4x4 filter.
[[nodiscard]] UpFirDn doubling() {
  return {.up = 2, .pad = {2, 1, 2, 1}, .gain = 4.0};
}
[[nodiscard]] UpFirDn halving() {
  return {.down = 2, .pad = {1, 1, 1, 1}};
}

[[nodiscard]] std::vector<OpCase> upfirdn_cases() {
  return {
      upfirdn_case("double the size", {2, 5, 4, 16}, {4, 4}, doubling()),
      upfirdn_case("half the size", {2, 6, 8, 8}, {4, 4}, halving()),
      upfirdn_case("half of an odd size", {2, 7, 5, 3}, {4, 4}, halving()),
      upfirdn_case("filter alone", {2, 4, 5, 24}, {4, 4}, {.pad = {2, 2, 2, 2}}),
      upfirdn_case("filter not flipped", {2, 4, 5, 8}, {3, 5},
                   {.pad = {2, 2, 1, 1}, .correlate = true}),
      upfirdn_case("up and down, uneven pads", {1, 5, 7, 5}, {3, 4},
                   {.up = 3, .down = 2, .pad = {1, 3, 2, 0}, .gain = 0.5}),
      upfirdn_case("negative pads crop", {2, 7, 8, 7}, {2, 3}, {.up = 2, .pad = {-3, 1, 2, -1}}),
      upfirdn_case("negative pads, down", {2, 9, 8, 8}, {3, 3},
                   {.down = 3, .pad = {-1, -2, -1, 0}}),
      upfirdn_case("8x8 filter", {1, 6, 6, 8}, {8, 8}, {.up = 2, .pad = {4, 3, 4, 3}}),
      upfirdn_case("1x1 filter", {2, 3, 3, 4}, {1, 1}, {.down = 2}),
      upfirdn_case("pads wider than the filter", {1, 2, 2, 8}, {2, 2}, {.pad = {5, 4, 3, 6}}),
      upfirdn_case("one pixel", {1, 1, 1, 8}, {4, 4}, doubling()),
      upfirdn_case("zero rows", {0, 4, 4, 8}, {4, 4}, halving()),
      timed(upfirdn_case("double to 64 @32", {32, 16, 16, 64}, {4, 4}, doubling()),
            2.0 * 4 * 32 * 32 * 32 * 64),
      // An image itself: G's sum of the images of all sizes.
      timed(upfirdn_case("double to 3 @32", {32, 16, 16, 3}, {4, 4}, doubling()),
            2.0 * 4 * 32 * 32 * 32 * 3),
      timed(upfirdn_case("half to 64 @16", {32, 32, 32, 64}, {4, 4}, halving()),
            2.0 * 16 * 32 * 16 * 16 * 64),
  };
}

const OpCases registered{[] {
  std::vector<OpCase> out{
      pool_case("whole packs", {3, 4, 4, 16}),
      pool_case("odd sizes", {3, 5, 7, 13}),
      pool_case("several groups of channels", {2, 3, 3, 136}),
      pool_case("long runs", {2, 19, 17, 4}),
      pool_case("one pixel", {1, 1, 1, 5}),
      pool_case("zero rows", {0, 4, 4, 8}),
      timed(pool_case("wrn 128 @8", {32, 8, 8, 128}), 32 * 8 * 8 * 128),

      upsample_case("twice", {2, 3, 4, 16}, 2),
      upsample_case("three times, odd sizes", {2, 5, 3, 7}, 3),
      upsample_case("once", {1, 2, 3, 8}, 1),
      upsample_case("zero rows", {0, 2, 2, 8}, 2),
      timed(upsample_case("64 to @32", {32, 16, 16, 64}, 2), 0),

      downsample_case("twice", {2, 3, 4, 16}, 2),
      downsample_case("three times, odd sizes", {2, 5, 3, 7}, 3),
      downsample_case("to one pixel", {1, 1, 1, 8}, 4),
      downsample_case("zero rows", {0, 2, 2, 8}, 2),
      timed(downsample_case("64 to @16", {32, 16, 16, 64}, 2), 32 * 32 * 32 * 64),
  };
  for (OpCase& c : upfirdn_cases()) out.push_back(std::move(c));
  return out;
}};

}  // namespace

}  // namespace scimix

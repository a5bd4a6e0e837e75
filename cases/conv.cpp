// Cases of conv2d and its two gradients.
#include "autograd/ops.hpp"
#include "cases/op_case.hpp"

namespace scimix {

namespace {

// One convolution by its sizes; the case of each operator follows from it.
struct Sizes {
  const char* label;
  std::int64_t n, h, w, c;  // x
  std::int64_t k, r, s;     // kernel
  Conv2d conv;

  [[nodiscard]] Shape x() const { return {n, h, w, c}; }
  [[nodiscard]] Shape kernel() const { return {k, r, s, c}; }
  [[nodiscard]] Shape y() const {
    return {n, (h + 2 * conv.pad - r) / conv.stride + 1, (w + 2 * conv.pad - s) / conv.stride + 1,
            k};
  }
  [[nodiscard]] double flops() const {
    return 2.0 * static_cast<double>(y().numel()) * static_cast<double>(r * s * c);
  }
};

// Calls f(index in x, index in the kernel, index in y) for every product of the definition.
template <class F>
void for_each_product(const Sizes& z, F f) {
  const Shape y = z.y();
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    const std::int64_t k = i % z.k;
    const std::int64_t q = i / z.k % y[2];
    const std::int64_t p = i / (z.k * y[2]) % y[1];
    const std::int64_t n = i / (z.k * y[2] * y[1]);
    for (std::int64_t r = 0; r < z.r; ++r) {
      for (std::int64_t s = 0; s < z.s; ++s) {
        const std::int64_t h = p * z.conv.stride + r - z.conv.pad;
        const std::int64_t w = q * z.conv.stride + s - z.conv.pad;
        if (h < 0 || h >= z.h || w < 0 || w >= z.w) continue;
        for (std::int64_t c = 0; c < z.c; ++c) {
          f(((n * z.h + h) * z.w + w) * z.c + c, ((k * z.r + r) * z.s + s) * z.c + c, i);
        }
      }
    }
  }
}

// Rounding errors of a sum add up like a random walk, and so do its terms: relative to the result
// they grow slowly. 1e-5 leaves room for thousands of terms and for a transformed algorithm.
OpTolerance tolerance_for(std::int64_t terms) {
  return terms < 1000 ? OpTolerance{} : OpTolerance{.f32 = 1e-5};
}

// Where a product of the definition reads its two factors, and where it is added.
struct Places {
  std::int64_t first, second, sum;
};

// Returns the case of an operator with the inputs `first` and `second` that sums up products.
// `places` returns the places of a product from its indices in x, in the kernel and in y; `terms`
// is the number of products in each sum.
OpCase sum_case(const char* op, const Sizes& z, const Shape& first, const Shape& second,
                const Shape& sums, std::int64_t terms,
                Places (*places)(std::int64_t x, std::int64_t w, std::int64_t y)) {
  OpCase c;
  c.op = op;
  c.label = z.label;
  c.inputs = {{.shape = first}, {.shape = second}};
  c.definition = [=](const HostArrays& in) {
    HostArray out(sums);
    for_each_product(z, [&](std::int64_t x, std::int64_t w, std::int64_t y) {
      const Places at = places(x, w, y);
      out[at.sum] += in[0][at.first] * in[1][at.second];
    });
    return HostArrays{out};
  };
  c.tolerance = tolerance_for(terms);
  c.flops = z.flops();
  return c;
}

OpCase conv2d_case(const Sizes& z) {
  OpCase c =
      sum_case("conv2d", z, z.x(), z.kernel(), z.y(), z.r * z.s * z.c, [](auto x, auto w, auto y) {
        return Places{x, w, y};
      });
  c.run = [z](const Variables& in) { return Variables{conv2d(in[0], in[1], z.conv)}; };
  return c;
}

// An x that brings `extra` channels of zeros along: the same convolution.
OpCase padded_case(const Sizes& z, std::int64_t extra) {
  OpCase c = conv2d_case(z);
  c.label = text(z.label, ", ", extra, " channels of padding");
  c.run = [z, extra](const Variables& in) {
    return Variables{conv2d(embed_channels(in[0], 0, z.c + extra), in[1], z.conv)};
  };
  return c;
}

OpCase dgrad_case(const Sizes& z) {
  OpCase c = sum_case("conv2d_dgrad", z, z.y(), z.kernel(), z.x(), z.r * z.s * z.k,
                      [](auto x, auto w, auto y) {
                        return Places{y, w, x};
                      });
  c.run = [z](const Variables& in) { return Variables{conv2d_dgrad(in[0], in[1], z.x(), z.conv)}; };
  return c;
}

OpCase wgrad_case(const Sizes& z) {
  OpCase c = sum_case("conv2d_wgrad", z, z.y(), z.x(), z.kernel(), z.n * z.y()[1] * z.y()[2],
                      [](auto x, auto w, auto y) {
                        return Places{y, x, w};
                      });
  c.run = [z](const Variables& in) {
    return Variables{conv2d_wgrad(in[0], in[1], z.kernel(), z.conv)};
  };
  return c;
}

std::vector<Sizes> test_sizes() {
  return {
      {"3x3", 2, 6, 6, 8, 8, 3, 3, {.stride = 1, .pad = 1}},
      {"3x3, stride 2", 2, 6, 6, 8, 16, 3, 3, {.stride = 2, .pad = 1}},
      {"1x1", 2, 5, 4, 8, 16, 1, 1, {.stride = 1, .pad = 0}},
      {"1x1, stride 2", 2, 6, 6, 16, 8, 1, 1, {.stride = 2, .pad = 0}},
      {"RGB", 2, 7, 7, 3, 16, 3, 3, {.stride = 1, .pad = 1}},
      {"odd sizes", 3, 7, 5, 11, 13, 3, 3, {.stride = 1, .pad = 1}},
      {"odd sizes, stride 2", 3, 7, 5, 7, 5, 3, 3, {.stride = 2, .pad = 1}},
      {"no padding", 2, 5, 6, 4, 3, 3, 3, {.stride = 1, .pad = 0}},
      {"edges that no output reads", 1, 8, 6, 2, 3, 3, 3, {.stride = 3, .pad = 0}},
      {"kernel 2x4, wide padding", 1, 4, 5, 3, 2, 2, 4, {.stride = 1, .pad = 2}},
      {"one output channel", 2, 5, 5, 8, 1, 3, 3, {.stride = 1, .pad = 1}},
      {"one row", 1, 4, 4, 8, 8, 3, 3, {.stride = 1, .pad = 1}},
      {"zero rows", 0, 4, 4, 8, 8, 3, 3, {.stride = 1, .pad = 1}},
      {"kernel as large as the image", 2, 4, 4, 8, 4, 4, 4, {.stride = 1, .pad = 0}},
  };
}

// Sums of more than a thousand terms, as a network has them; too many for central differences.
Sizes long_sums() {
  return {"long sums", 5, 16, 16, 128, 128, 3, 3, {.stride = 1, .pad = 1}};
}

// The convolutions of a WRN-28-2 at batch 32.
std::vector<Sizes> bench_sizes() {
  return {
      {"wrn 3>16 3x3 @32", 32, 32, 32, 3, 16, 3, 3, {.stride = 1, .pad = 1}},
      {"wrn 16>32 3x3 @32", 32, 32, 32, 16, 32, 3, 3, {.stride = 1, .pad = 1}},
      {"wrn 16>32 1x1 @32", 32, 32, 32, 16, 32, 1, 1, {.stride = 1, .pad = 0}},
      {"wrn 32>32 3x3 @32", 32, 32, 32, 32, 32, 3, 3, {.stride = 1, .pad = 1}},
      {"wrn 32>64 3x3/2 @32", 32, 32, 32, 32, 64, 3, 3, {.stride = 2, .pad = 1}},
      {"wrn 32>64 1x1/2 @32", 32, 32, 32, 32, 64, 1, 1, {.stride = 2, .pad = 0}},
      {"wrn 64>64 3x3 @16", 32, 16, 16, 64, 64, 3, 3, {.stride = 1, .pad = 1}},
      {"wrn 64>128 3x3/2 @16", 32, 16, 16, 64, 128, 3, 3, {.stride = 2, .pad = 1}},
      {"wrn 64>128 1x1/2 @16", 32, 16, 16, 64, 128, 1, 1, {.stride = 2, .pad = 0}},
      {"wrn 128>128 3x3 @8", 32, 8, 8, 128, 128, 3, 3, {.stride = 1, .pad = 1}},
  };
}

const OpCases registered{[] {
  std::vector<OpCase> cases = {
      padded_case({"RGB", 2, 7, 7, 3, 16, 3, 3, {.stride = 1, .pad = 1}}, 5),
      padded_case({"RGB, 1x1", 3, 5, 4, 3, 5, 1, 1, {.stride = 1, .pad = 0}}, 1),
      padded_case({"stride 2", 2, 6, 6, 5, 7, 3, 3, {.stride = 2, .pad = 1}}, 3),
      padded_case({"zero rows", 0, 4, 4, 3, 8, 3, 3, {.stride = 1, .pad = 1}}, 5),
  };
  for (const auto& make : {conv2d_case, dgrad_case, wgrad_case}) {
    for (const Sizes& sizes : test_sizes()) cases.push_back(make(sizes));
    cases.push_back(make(long_sums()));
    cases.back().gradient = false;
    for (const Sizes& sizes : bench_sizes()) cases.push_back(timed(make(sizes)));
  }
  return cases;
}};

}  // namespace

}  // namespace scimix

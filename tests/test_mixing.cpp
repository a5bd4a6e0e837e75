// The mixers against naive definitions in double, FDA also against numpy; who wins the scene.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstdint>
#include <functional>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "kernels/image/mixing.hpp"
#include "kernels/launch/phase_order.hpp"
#include "tests/differences.hpp"
#include "tests/skip.hpp"

using namespace scimix;
using test::largest_difference;

namespace {

using Values = std::vector<double>;

// In [-1,1], f32 numbers, so that every dtype but bf16 holds them exactly.
Values random_images(const Shape& shape, std::uint32_t item) {
  Random random(3, Purpose::test, 0, item);
  Values values;
  for (std::int64_t i = 0; i < shape.numel(); ++i) values.push_back(random.uniform(-1, 1));
  return values;
}

Values plain_images(const Shape& shape, double value) {
  return Values(static_cast<std::size_t>(shape.numel()), value);
}

// Images with values of O(1): a handful of roundings of the dtype, times the length of the sums.
double tolerance(DType dtype) {
  if (dtype == DType::f64) return 1e-12;
  return dtype == DType::f32 ? 1e-5 : 2e-2;
}

// --- definitions -------------------------------------------------------------------------------

std::size_t at(const Shape& s, std::int64_t n, std::int64_t p, std::int64_t c) {
  return static_cast<std::size_t>((n * s[1] * s[2] + p) * s[3] + c);
}

Values adain_definition(const Shape& s, const Values& x_c, const Values& x_r) {
  Values out(x_c.size());
  const std::int64_t pixels = s[1] * s[2];
  for (std::int64_t n = 0; n < s[0]; ++n) {
    for (std::int64_t c = 0; c < s[3]; ++c) {
      const auto mean = [&](const Values& x) {
        double sum = 0;
        for (std::int64_t p = 0; p < pixels; ++p) sum += x[at(s, n, p, c)];
        return sum / static_cast<double>(pixels);
      };
      const auto deviation = [&](const Values& x) {
        double sum = 0;
        for (std::int64_t p = 0; p < pixels; ++p) sum += std::pow(x[at(s, n, p, c)] - mean(x), 2);
        return std::sqrt(sum / static_cast<double>(pixels - 1) + 1e-5);
      };
      for (std::int64_t p = 0; p < pixels; ++p) {
        out[at(s, n, p, c)] =
            deviation(x_r) * (x_c[at(s, n, p, c)] - mean(x_c)) / deviation(x_c) + mean(x_r);
      }
    }
  }
  return out;
}

// The whole discrete Fourier transform of one channel of x + 1, [H,W], or back.
using Spectrum = std::vector<std::complex<double>>;
Spectrum transform(const Spectrum& in, std::int64_t height, std::int64_t width, double sign) {
  Spectrum out(in.size());
  for (std::int64_t u = 0; u < height; ++u) {
    for (std::int64_t v = 0; v < width; ++v) {
      std::complex<double> sum = 0;
      for (std::int64_t y = 0; y < height; ++y) {
        for (std::int64_t x = 0; x < width; ++x) {
          const double turns = static_cast<double>(u * y) / static_cast<double>(height) +
                               static_cast<double>(v * x) / static_cast<double>(width);
          sum += in[static_cast<std::size_t>(y * width + x)] *
                 std::polar(1.0, sign * 2 * std::numbers::pi * turns);
        }
      }
      out[static_cast<std::size_t>(u * width + v)] = sum;
    }
  }
  return out;
}

// The published procedure: transform, exchange the amplitudes of a centred square, transform back.
Values fda_definition(const Shape& s, const Values& x_c, const Values& x_r, double band) {
  Values out(x_c.size());
  const std::int64_t height = s[1];
  const std::int64_t width = s[2];
  const auto reach =
      static_cast<std::int64_t>(std::floor(static_cast<double>(std::min(height, width)) * band));
  for (std::int64_t n = 0; n < s[0]; ++n) {
    for (std::int64_t c = 0; c < s[3]; ++c) {
      const auto spectrum = [&](const Values& image) {
        Spectrum pixels;
        for (std::int64_t p = 0; p < height * width; ++p)
          pixels.emplace_back(image[at(s, n, p, c)] + 1);
        return transform(pixels, height, width, -1);
      };
      Spectrum own = spectrum(x_c);
      const Spectrum other = spectrum(x_r);
      const double least = 1e-12 * std::abs(own[0]);
      for (std::int64_t u = -reach; u <= reach; ++u) {
        for (std::int64_t v = -reach; v <= reach; ++v) {
          const auto f =
              static_cast<std::size_t>((u + height) % height * width + (v + width) % width);
          const double phase = std::abs(own[f]) <= least ? 0 : std::arg(own[f]);
          own[f] = std::polar(std::abs(other[f]), phase);
        }
      }
      const Spectrum back = transform(own, height, width, 1);
      for (std::int64_t p = 0; p < height * width; ++p) {
        const auto value = back[static_cast<std::size_t>(p)] / static_cast<double>(height * width);
        CHECK(std::abs(value.imag()) < 1e-9);
        out[at(s, n, p, c)] = value.real() - 1;
      }
    }
  }
  return out;
}

// --- running a kernel --------------------------------------------------------------------------

using Mixer = std::function<void(const Tensor&, const Tensor&, const Output&)>;  // x_c, x_r, out

Values mix(const Mixer& mixer, const Shape& shape, const Values& x_c, const Values& x_r,
           DType dtype, Device device = kCpu) {
  Tensor out = Tensor::empty(shape, dtype, device);
  mixer(Tensor::from(x_c, shape, dtype, device), Tensor::from(x_r, shape, dtype, device), out);
  return out.to_doubles();
}

struct Place {
  Device device;
  DType dtype;
};

// On a GPU, f64 does not exist. `what` says which checks a machine without a GPU leaves out.
std::vector<Place> places(std::string_view what) {
  std::vector<Place> all = {{kCpu, DType::f64}, {kCpu, DType::f32}, {kCpu, DType::bf16}};
  if (cuda_device_count() == 0) {
    skip_gpu_check(what);
    return all;
  }
  for (const DType dtype : {DType::f32, DType::bf16}) {
    all.push_back({{Device::Kind::cuda, 0}, dtype});
  }
  return all;
}

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {{2, 8, 8, 3}, {3, 7, 13, 3}, {1, 12, 5, 1}, {1, 2, 1, 2}};
  return all;
}

void check_mixer(
    const Mixer& mixer,
    const std::function<Values(const Shape&, const Values&, const Values&)>& definition) {
  const std::vector<Place> all = places("a mixer on the GPU against its definition");
  for (const Shape& shape : shapes()) {
    CAPTURE(shape);
    const Values x_c = random_images(shape, 1);
    const Values x_r = random_images(shape, 2);
    const Values wanted = definition(shape, x_c, x_r);
    for (const Place& place : all) {
      CAPTURE(place.device);
      CAPTURE(name_of(place.dtype));
      const double allowed = tolerance(place.dtype);
      CHECK(largest_difference(mix(mixer, shape, x_c, x_r, place.dtype, place.device), wanted) <
            allowed);
      if (place.device.is_cuda()) continue;  // phases are a CPU's order of work
      const ShufflePhases shuffle;
      CHECK(largest_difference(mix(mixer, shape, x_c, x_r, place.dtype), wanted) < allowed);
    }
  }
  const Shape none{0, 4, 4, 3};
  CHECK(mix(mixer, none, {}, {}, DType::f32).empty());
}

Tensor shares(std::int64_t count) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(0.5F + 0.125F * static_cast<float>(i));
  return Tensor::from_host(std::span<const float>(values), {count});
}

}  // namespace

TEST_CASE("mixing: MixUp weighs each pair by its own share") {
  check_mixer(
      [](const Tensor& x_c, const Tensor& x_r, const Output& out) {
        mix_mixup(x_c, x_r, shares(x_c.dim(0)).to(x_c.device()), out);
      },
      [](const Shape& s, const Values& x_c, const Values& x_r) {
        Values out(x_c.size());
        for (std::size_t i = 0; i < out.size(); ++i) {
          const auto n = static_cast<std::int64_t>(i) / (s[1] * s[2] * s[3]);
          const double share = 0.5 + 0.125 * static_cast<double>(n);
          out[i] = share * x_c[i] + (1 - share) * x_r[i];
        }
        return out;
      });
}

namespace {

// Boxes by their corners (y0, x0, y1, x1), the same list again and again for as many images.
using Box = std::array<std::int32_t, 4>;

Tensor boxes_for(const std::vector<Box>& list, std::int64_t images) {
  std::vector<std::int32_t> corners;
  for (std::int64_t n = 0; n < images; ++n) {
    const Box& box = list[static_cast<std::size_t>(n) % list.size()];
    corners.insert(corners.end(), box.begin(), box.end());
  }
  return Tensor::from_host(std::span<const std::int32_t>(corners), {images, 4});
}

Values cutmix_definition(const Shape& s, const std::vector<Box>& list, const Values& x_c,
                         const Values& x_r) {
  Values out = x_c;
  for (std::int64_t n = 0; n < s[0]; ++n) {
    const auto [y0, x0, y1, x1] = list[static_cast<std::size_t>(n) % list.size()];
    for (std::int64_t y = 0; y < s[1]; ++y) {
      for (std::int64_t x = 0; x < s[2]; ++x) {
        if (y < y0 || y >= y1 || x < x0 || x >= x1) continue;
        for (std::int64_t c = 0; c < s[3]; ++c) {
          out[at(s, n, y * s[2] + x, c)] = x_r[at(s, n, y * s[2] + x, c)];
        }
      }
    }
  }
  return out;
}

constexpr std::int32_t kFar = std::numeric_limits<std::int32_t>::max();

}  // namespace

TEST_CASE("mixing: CutMix takes a box of each pair from x_r") {
  const std::vector<std::vector<Box>> lists = {
      {{1, 2, 4, 3}, {0, 0, 3, 5}, {2, 1, 7, 13}},             // inside, at a corner, at the other
      {{0, 0, 1, kFar}, {0, 0, kFar, 1}, {3, 0, 5, kFar}},     // an edge each; beyond the image
      {{0, 0, 0, 0}, {3, 3, 3, 9}, {5, 4, 2, 6}},              // empty, in three ways
      {{0, 0, kFar, kFar}, {-3, -4, 2, 2}, {-9, -9, -1, -1}},  // full; over a corner; all outside
  };
  for (const std::vector<Box>& list : lists) {
    check_mixer(
        [&](const Tensor& x_c, const Tensor& x_r, const Output& out) {
          mix_cutmix(x_c, x_r, boxes_for(list, x_c.dim(0)).to(x_c.device()), out);
        },
        [&](const Shape& s, const Values& x_c, const Values& x_r) {
          return cutmix_definition(s, list, x_c, x_r);
        });
  }
}

// Pixels are copied, not computed with: an empty box is x_c and a full one x_r, bit for bit.
TEST_CASE("mixing: CutMix with an empty and with a full box") {
  const Shape shape{1, 6, 5, 3};
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    const Tensor x_c = Tensor::from(random_images(shape, 1), shape, dtype);
    const Tensor x_r = Tensor::from(random_images(shape, 2), shape, dtype);
    Tensor out = Tensor::empty(shape, dtype);
    mix_cutmix(x_c, x_r, boxes_for({{0, 0, 0, 5}}, 1), out);
    CHECK(out.to_doubles() == x_c.to_doubles());
    mix_cutmix(x_c, x_r, boxes_for({{0, 0, 6, 5}}, 1), out);
    CHECK(out.to_doubles() == x_r.to_doubles());
  }
}

namespace {

// Pixel by pixel: what is at most half a side (rounded down) before the centre, or less after it.
bool within(std::int64_t pixel, std::int64_t centre, std::int64_t side) {
  return pixel >= centre - side / 2 && pixel < centre + side / 2;
}

}  // namespace

TEST_CASE("mixing: CutMix's box follows the published rule in every draw") {
  Random random(1, Purpose::test, 0, 0);
  for (const auto& [height, width] : {std::pair{32, 32}, {9, 14}, {1, 5}, {2, 2}}) {
    for (int draw = 0; draw < 500; ++draw) {
      const double lambda = random.uniform();
      const double u = random.uniform();
      const double v = random.uniform();
      const CutBox box = cut_box(lambda, u, v, height, width);
      REQUIRE((0 <= box.y0 && box.y0 <= box.y1 && box.y1 <= height));
      REQUIRE((0 <= box.x0 && box.x0 <= box.x1 && box.x1 <= width));
      const auto side = [&](int size) {
        return static_cast<std::int64_t>(std::floor(size * std::sqrt(1 - lambda)));
      };
      std::int64_t covered = 0;
      bool same = true;
      for (std::int64_t y = 0; y < height; ++y) {
        for (std::int64_t x = 0; x < width; ++x) {
          const bool wanted =
              within(y, static_cast<std::int64_t>(std::floor(u * height)), side(height)) &&
              within(x, static_cast<std::int64_t>(std::floor(v * width)), side(width));
          const bool found = y >= box.y0 && y < box.y1 && x >= box.x0 && x < box.x1;
          covered += wanted ? 1 : 0;
          same = same && wanted == found;
        }
      }
      CHECK(same);
      CHECK(share_outside(box, height, width) ==
            doctest::Approx(1.0 - static_cast<double>(covered) / (height * width)).epsilon(1e-12));
    }
  }
}

// Yun et al.'s code: an image of 32 pixels, lambda 0.75 (sides of 16), centre by centre.
TEST_CASE("mixing: CutMix's box in the middle and over the borders") {
  const auto is = [](const CutBox& b, const Box& wanted) {
    return Box{b.y0, b.x0, b.y1, b.x1} == wanted;
  };
  CHECK(is(cut_box(0.75, 0.5, 0.5, 32, 32), {8, 8, 24, 24}));
  CHECK(is(cut_box(0.75, 0, 0, 32, 32), {0, 0, 8, 8}));
  const double last = 1 - 0x1p-24;  // the largest that Random gives
  CHECK(is(cut_box(0.75, last, last, 32, 32), {23, 23, 32, 32}));
  CHECK(is(cut_box(0.75, 0.25, last, 32, 16), {0, 11, 16, 16}));
  CHECK(is(cut_box(0, 0.5, 0.5, 32, 32), {0, 0, 32, 32}));  // everything is x_r
  CHECK(share_outside(cut_box(0, 0.5, 0.5, 32, 32), 32, 32) == 0);
  CHECK(share_outside(cut_box(1, 0.5, 0.5, 32, 32), 32, 32) == 1);  // nothing is
  CHECK(share_outside(cut_box(0.75, 0.5, 0.5, 32, 32), 32, 32) == 0.75);
}

TEST_CASE("mixing: CutMix's box refuses what is no share and no place") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double lambda : {-0.1, 1.1, nan}) {
    CHECK_THROWS_AS(static_cast<void>(cut_box(lambda, 0.5, 0.5, 8, 8)), Error);
  }
  for (const double centre : {-0.1, 1.0, nan}) {
    CHECK_THROWS_AS(static_cast<void>(cut_box(0.5, centre, 0.5, 8, 8)), Error);
    CHECK_THROWS_AS(static_cast<void>(cut_box(0.5, 0.5, centre, 8, 8)), Error);
  }
}

TEST_CASE("mixing: AdaIN gives x_c the statistics of x_r") {
  check_mixer(mix_adain, adain_definition);
}

TEST_CASE("mixing: AdaIN of plain images keeps to the epsilon") {
  const Shape shape{1, 4, 6, 3};
  const Values noise = random_images(shape, 5);
  // Without detail in x_c there is nothing to amplify: the mean of x_r remains.
  const Values plain = plain_images(shape, 0.25);
  for (const DType dtype : {DType::f64, DType::f32}) {
    CHECK(largest_difference(mix(mix_adain, shape, plain, noise, dtype),
                             adain_definition(shape, plain, noise)) < tolerance(dtype));
    CHECK(largest_difference(mix(mix_adain, shape, noise, plain, dtype),
                             adain_definition(shape, noise, plain)) < tolerance(dtype));
  }
}

TEST_CASE("mixing: FDA exchanges amplitudes of low frequencies") {
  for (const double band : {0.0, 0.05, 0.1, 0.26, 0.49}) {
    CAPTURE(band);
    check_mixer([band](const Tensor& x_c, const Tensor& x_r,
                       const Output& out) { mix_fda(x_c, x_r, band, out); },
                [band](const Shape& s, const Values& x_c, const Values& x_r) {
                  return fda_definition(s, x_c, x_r, band);
                });
  }
}

// numpy 2.4.6: the published procedure on pixels 0..255 with numpy.fft.fft2, fftshift, abs and
// angle, amplitudes [2-2:2+3, 3-2:3+3] replaced; then / 127.5 - 1.
TEST_CASE("mixing: FDA agrees with numpy") {
  const Shape shape{1, 5, 6, 1};
  Values x_c;
  Values x_r;
  for (int i = 0; i < 30; ++i) {
    x_c.push_back((37 * i + 11) % 256 / 127.5 - 1);
    x_r.push_back((i * i * 5 + 90) % 256 / 127.5 - 1);
  }
  const Values golden = {
      0.075860481733,  -0.145726967232, -0.129519770432, -0.285323566319, -0.372933899534,
      0.875045580613,  0.599657522560,  -0.117251599970, -0.108180447963, -0.128985371864,
      0.003628257028,  -0.395912598502, 0.567103869776,  0.713971839423,  -0.323208393750,
      -0.208973621780, -0.338797436810, 0.270688056867,  0.487115619861,  0.498943893636,
      0.508015045643,  -0.241527274563, 0.327803218558,  -0.071737636972, 0.643453814315,
      0.520283216105,  0.536490412905,  0.282269766263,  -0.943154960556, 0.304824519591};
  const Mixer fda = [](const Tensor& a, const Tensor& b, const Output& out) {
    mix_fda(a, b, 0.4, out);
  };
  CHECK(largest_difference(mix(fda, shape, x_c, x_r, DType::f64), golden) < 1e-11);
  CHECK(largest_difference(mix(fda, shape, x_c, x_r, DType::f32), golden) < 1e-5);
}

// The frequency 0 of an image is its mean, times a constant. The roots of a side of 4,096 pixels in
// f64 are too many for a block's scratch memory.
TEST_CASE("mixing: FDA of the lowest frequency alone exchanges the means, also of large images") {
  for (const Shape& shape : {Shape{1, 16, 8, 1}, Shape{1, 4096, 16, 1}}) {
    CAPTURE(shape[1]);
    const auto pixels = shape[1] * shape[2];
    Values x_c;
    Values x_r;
    for (std::int64_t i = 0; i < pixels; ++i) {
      x_c.push_back(std::sin(0.37 * static_cast<double>(i)) * 0.6 + 0.1);
      x_r.push_back(std::cos(1.91 * static_cast<double>(i)) * 0.4 - 0.2);
    }
    const auto mean = [&](const Values& v) {
      return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(pixels);
    };
    Values expected = x_c;
    for (double& value : expected) value += mean(x_r) - mean(x_c);
    const Mixer fda = [](const Tensor& a, const Tensor& b, const Output& out) {
      mix_fda(a, b, 0.0, out);
    };
    CHECK(largest_difference(mix(fda, shape, x_c, x_r, DType::f64), expected) < 1e-12);
  }
}

TEST_CASE("mixing: FDA of plain images: what has no phase gets phase 0") {
  const Shape shape{1, 9, 14, 3};
  const Values noise = random_images(shape, 6);
  const Mixer fda = [](const Tensor& a, const Tensor& b, const Output& out) {
    mix_fda(a, b, 0.3, out);
  };
  const std::vector<Place> all = places("FDA of plain images on the GPU");
  for (const double value : {-1.0, -0.3, 0.7, 1.0}) {  // -1 is black: not even a mean
    CAPTURE(value);
    const Values plain = plain_images(shape, value);
    const Values of_plain_scene = fda_definition(shape, noise, plain, 0.3);
    const Values of_plain_content = fda_definition(shape, plain, noise, 0.3);
    for (const Place& place : all) {
      CAPTURE(place.device);
      CAPTURE(name_of(place.dtype));
      const double allowed = tolerance(place.dtype);
      const auto found = [&](const Values& x_c, const Values& x_r) {
        return mix(fda, shape, x_c, x_r, place.dtype, place.device);
      };
      // A plain scene: low detail of x_c is gone, its mean is the scene's.
      CHECK(largest_difference(found(noise, plain), of_plain_scene) < allowed);
      CHECK(largest_difference(found(plain, noise), of_plain_content) < allowed);
      // Two plain images: the scene's colour, in a dark scene and in a light one.
      CHECK(largest_difference(found(plain_images(shape, 0.5), plain), plain) < allowed);
    }
  }
}

TEST_CASE("mixing: FDA with itself changes nothing") {
  const Shape shape{2, 16, 16, 3};
  const Values x = random_images(shape, 7);
  const Mixer fda = [](const Tensor& a, const Tensor& b, const Output& out) {
    mix_fda(a, b, 0.1, out);
  };
  CHECK(largest_difference(mix(fda, shape, x, x, DType::f32), x) < 1e-6);
}

TEST_CASE("mixing: clamping to [-1,1], in place too") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Values values = {-3, -1, -0.5, 0, 0.75, 1, 1.5, nan};
  for (const Place& place : places("clamping on the GPU")) {
    CAPTURE(place.device);
    CAPTURE(name_of(place.dtype));
    Tensor x = Tensor::from(values, {1, 2, 4, 1}, place.dtype, place.device);
    clamp_images(x, x);
    Values out = x.to_doubles();
    CHECK(std::isnan(out.back()));  // a fault must not become a picture
    out.pop_back();
    CHECK(out == Values{-1, -1, -0.5, 0, 0.75, 1, 1});
  }
}

TEST_CASE("mixing: who is farther: the semantic parent or the scene") {
  const Shape shape{4, 5, 7, 3};
  const Values x_c = random_images(shape, 8);
  const Values x_r = random_images(shape, 9);
  Values x_h(x_c.size());
  // Images 0..3: the scene, mostly the scene, mostly the content, both alike (below).
  const double share[4] = {1, 0.625, 0.375, 0.5};  // NOLINT: of x_r
  const std::size_t values = x_c.size() / 4;
  for (std::size_t i = 0; i < x_h.size(); ++i) {
    const double s = share[i / values];
    x_h[i] = s * x_r[i] + (1 - s) * x_c[i];
  }
  // Equal to the last bit: x_h = 0 between x_c and -x_c.
  Values mirrored = x_r;
  for (std::size_t i = 3 * values; i < 4 * values; ++i) {
    mirrored[i] = -x_c[i];
    x_h[i] = 0;
  }
  for (const Place& place : places("who is farther, on the GPU")) {
    CAPTURE(place.device);
    CAPTURE(name_of(place.dtype));
    const auto images = [&](const Values& x) {
      return Tensor::from(x, shape, place.dtype, place.device);
    };
    Tensor won = Tensor::empty({4}, DType::i32, place.device);
    const ShufflePhases shuffle;
    scene_won(images(x_h), images(x_c), images(mirrored), won);
    CHECK(won.to_host<std::int32_t>() == std::vector<std::int32_t>{1, 1, 0, 0});
  }
}

TEST_CASE("mixing: mixers refuse what does not fit") {
  Tensor a = Tensor::zeros({2, 4, 4, 3}, DType::f32);
  Tensor b = Tensor::zeros({2, 4, 5, 3}, DType::f32);
  Tensor pixel = Tensor::zeros({2, 1, 1, 3}, DType::f32);
  CHECK_THROWS_AS(mix_adain(a, b, a), Error);
  CHECK_THROWS_AS(mix_adain(pixel, pixel, pixel), Error);
  CHECK_THROWS_AS(mix_mixup(a, a, Tensor::zeros({3}, DType::f32), a), Error);
  CHECK_THROWS_AS(mix_cutmix(a, a, Tensor::zeros({2}, DType::i32), a), Error);
  CHECK_THROWS_AS(mix_cutmix(a, a, Tensor::zeros({3, 4}, DType::i32), a), Error);
  CHECK_THROWS_AS(mix_cutmix(a, a, Tensor::zeros({2, 4}, DType::f32), a), Error);
  CHECK_THROWS_AS(mix_cutmix(a, b, Tensor::zeros({2, 4}, DType::i32), a), Error);
  CHECK_THROWS_AS(mix_fda(a, a, 0.5, a), Error);
  CHECK_THROWS_AS(mix_fda(a, a, -0.1, a), Error);
  CHECK_THROWS_AS(mix_fda(a, a, std::numeric_limits<double>::quiet_NaN(), a), Error);
  CHECK_THROWS_AS(scene_won(a, a, a, Tensor::zeros({3}, DType::i32)), Error);
  CHECK_THROWS_AS(clamp_images(a, b), Error);
}

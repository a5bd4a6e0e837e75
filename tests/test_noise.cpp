// Noise images and noise on images against Philox and Box-Muller written out, and their statistics.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/device.hpp"
#include "core/random.hpp"
#include "kernels/image/noise.hpp"
#include "tests/network_checks.hpp"
#include "tests/skip.hpp"

using namespace scimix;

namespace {

Tensor step_of(std::int32_t step) {
  const std::vector<std::int32_t> value{step};
  return Tensor::from_host(std::span<const std::int32_t>(value), {1});
}

Tensor noise(const NoiseAddress& address, std::int32_t step, const Shape& shape,
             DType dtype = DType::f32) {
  Tensor out = Tensor::empty(shape, dtype);
  normal_noise(step_of(step), address, out);
  return out;
}

}  // namespace

TEST_CASE("noise: a row reads its Philox stream in order, two words for two numbers") {
  const NoiseAddress address{.seed = 0x123456789ABCULL, .stream = 5};
  const std::vector<double> found = noise(address, 9, {1, 4, 8}).to_doubles();
  Random random(address.seed, Purpose::noise, 9, 5);
  for (std::size_t i = 0; i < found.size(); i += 2) {
    const double u = 1.0 - static_cast<double>(random.uniform());
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(random.uniform());
    const double radius = std::sqrt(-2.0 * std::log(u));
    CAPTURE(i);
    // f32 keeps 24 bits; the angle's error grows with the angle, up to 2 pi.
    CHECK(std::abs(found[i] - radius * std::cos(angle)) < 3e-6);
    CHECK(std::abs(found[i + 1] - radius * std::sin(angle)) < 3e-6);
  }
}

TEST_CASE("noise: rows do not depend on the batch they are in, whatever their size") {
  for (const Shape& row : {Shape{1, 7, 7}, Shape{1, 4, 4}, Shape{1, 1, 3}}) {
    CAPTURE(row);
    const std::int64_t rows = 5;
    const Tensor all = noise({.seed = 3}, 1, row.with(0, rows));
    for (std::int64_t n = 0; n < rows; ++n) {
      const Tensor alone = noise({.seed = 3, .first_row = n}, 1, row);
      CHECK(max_difference(all.rows(n, n + 1), alone) == 0.0);
    }
    CHECK(max_difference(all.rows(0, 1), all.rows(1, 2)) > 0.1);
  }
}

TEST_CASE("noise: seed, step, stream and purpose each change it; types do not") {
  const Shape shape{2, 8, 8};
  const Tensor base = noise({.seed = 1}, 1, shape);
  CHECK(max_difference(base, noise({.seed = 1}, 1, shape)) == 0.0);
  CHECK(max_difference(base, noise({.seed = 1}, 1, shape, DType::f64)) == 0.0);
  CHECK(max_difference(base, noise({.seed = 1}, 1, shape, DType::bf16)) < 0.02);
  CHECK(max_difference(base, noise({.seed = 2}, 1, shape)) > 1.0);
  CHECK(max_difference(base, noise({.seed = 1}, 2, shape)) > 1.0);
  CHECK(max_difference(base, noise({.seed = 1, .stream = 1}, 1, shape)) > 1.0);
  CHECK(max_difference(base, noise({.seed = 1, .purpose = Purpose::test}, 1, shape)) > 1.0);
  CHECK(noise({}, 0, {0, 8, 8}).numel() == 0);
}

TEST_CASE("noise: moments are those of a normal distribution") {
  const auto n = static_cast<double>(64 * 32 * 32);
  double moment[5] = {};
  for (const double value : noise({.seed = 4}, 0, {64, 32, 32}).to_doubles()) {
    double power = 1;
    for (double& m : moment) {
      m += power / n;
      power *= value;
    }
  }
  // Five standard errors: those of the moments of n normal numbers are sqrt(1, 2, 15, 96)/sqrt(n).
  CHECK(std::abs(moment[1]) < 5 / std::sqrt(n));
  CHECK(std::abs(moment[2] - 1) < 5 * std::sqrt(2 / n));
  CHECK(std::abs(moment[3]) < 5 * std::sqrt(15 / n));
  CHECK(std::abs(moment[4] - 3) < 5 * std::sqrt(96 / n));
}

namespace {

Tensor noisy(const Tensor& images, float sigma, const NoiseAddress& address, std::int32_t step) {
  Tensor out = images.clone();
  add_normal_noise(step_of(step), address, sigma, out);
  return out;
}

double correlation(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = a.to_doubles();
  const std::vector<double> y = b.to_doubles();
  double xy = 0;
  double xx = 0;
  double yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += x[i] * y[i];
    xx += x[i] * x[i];
    yy += y[i] * y[i];
  }
  return xy / std::sqrt(xx * yy);
}

}  // namespace

TEST_CASE("input noise: images + sigma n, rounded once") {
  const NoiseAddress address{.seed = 8, .stream = 2, .first_row = 3};
  struct Precision {
    DType dtype;
    double ulp;  // of 1; sigma n is made in f32 for all
  };
  for (const Precision& p : {Precision{DType::f64, 0.0}, Precision{DType::f32, 0x1p-23},
                             Precision{DType::bf16, 0x1p-7}}) {
    CAPTURE(name_of(p.dtype));
    for (const Shape& shape : {Shape{4, 6, 6, 3}, Shape{2, 5, 5, 3}}) {
      Tensor images = Tensor::empty(shape, p.dtype);
      normal_noise(step_of(0), {.purpose = Purpose::test}, images);
      const std::vector<double> x = images.to_doubles();
      const std::vector<double> n = noise(address, 9, shape).to_doubles();
      const std::vector<double> found = noisy(images, 0.15F, address, 9).to_doubles();
      for (std::size_t i = 0; i < x.size(); ++i) {
        CAPTURE(i);
        const double expected = x[i] + static_cast<double>(0.15F) * n[i];
        // Half an ulp of the result, and half an ulp in f32 of sigma n, which is below 1.
        const double bound = 0.5 * p.ulp * std::max(std::abs(expected), 1.0) + 0x1p-24;
        CHECK(std::abs(found[i] - expected) <= bound);
      }
    }
  }
}

TEST_CASE("input noise: a sigma of 0 changes nothing, and an empty batch is none") {
  Tensor images = Tensor::empty({3, 4, 4, 3}, DType::bf16);
  normal_noise(step_of(0), {}, images);
  CHECK(noisy(images, 0.0F, {}, 1).to_doubles() == images.to_doubles());
  CHECK(noisy(Tensor::empty({0, 4, 4, 3}, DType::f32), 1.0F, {}, 1).numel() == 0);
  CHECK_THROWS_WITH_AS(add_normal_noise(Tensor::zeros({2}, DType::i32), {}, 1.0F, images),
                       doctest::Contains("add_normal_noise"), Error);
}

TEST_CASE("input noise: rows do not depend on the batch they are in") {
  const Tensor images = Tensor::zeros({5, 7, 7, 3}, DType::f32);
  const Tensor all = noisy(images, 0.5F, {.seed = 3}, 1);
  for (std::int64_t n = 0; n < 5; ++n) {
    const Tensor alone = noisy(images.rows(n, n + 1), 0.5F, {.seed = 3, .first_row = n}, 1);
    CHECK(max_difference(all.rows(n, n + 1), alone) == 0.0);
  }
}

TEST_CASE("input noise: channels that get none") {
  const Tensor images = Tensor::zeros({2, 5, 3, 8}, DType::f32);
  const std::vector<double> all = noisy(images, 1.0F, {.seed = 3, .channels = 8}, 1).to_doubles();
  CHECK(all == noisy(images, 1.0F, {.seed = 3}, 1).to_doubles());
  const std::vector<double> some = noisy(images, 1.0F, {.seed = 3, .channels = 3}, 1).to_doubles();
  const std::vector<double> dense =
      noisy(Tensor::zeros({2, 5, 3, 3}, DType::f32), 1.0F, {.seed = 3}, 1).to_doubles();
  for (std::size_t i = 0; i < some.size(); ++i) {
    CAPTURE(i);
    CHECK(some[i] == (i % 8 < 3 ? dense[i / 8 * 3 + i % 8] : 0.0));
  }
  for (const std::int64_t channels : {-1, 9}) {
    CHECK_THROWS_WITH_AS(noisy(images, 1.0F, {.channels = channels}, 1),
                         doctest::Contains("channels of [2,5,3,8]"), Error);
  }
}

TEST_CASE("input noise: moments of N(0, sigma^2); views, steps, seeds and rows are independent") {
  const std::int64_t rows = 32;
  const Tensor zeros = Tensor::zeros({rows, 32, 32, 3}, DType::f32);
  const float sigma = 0.15F;
  const Tensor student = noisy(zeros, sigma, {.seed = 4}, 10);
  const auto n = static_cast<double>(zeros.numel());
  double mean = 0;
  double square = 0;
  double fourth = 0;
  for (const double value : student.to_doubles()) {
    const double z = value / static_cast<double>(sigma);
    mean += z / n;
    square += z * z / n;
    fourth += z * z * z * z / n;
  }
  // Five standard errors throughout; that of a correlation is 1/sqrt(n).
  CHECK(std::abs(mean) < 5 / std::sqrt(n));
  CHECK(std::abs(square - 1) < 5 * std::sqrt(2 / n));
  CHECK(std::abs(fourth - 3) < 5 * std::sqrt(96 / n));
  const double bound = 5 / std::sqrt(n);
  CHECK(std::abs(correlation(student, noisy(zeros, sigma, {.seed = 4, .stream = 1}, 10))) < bound);
  CHECK(std::abs(correlation(student, noisy(zeros, sigma, {.seed = 4}, 11))) < bound);
  CHECK(std::abs(correlation(student, noisy(zeros, sigma, {.seed = 5}, 10))) < bound);
  CHECK(std::abs(correlation(student.rows(0, rows - 1), student.rows(1, rows))) < 1.02 * bound);
  CHECK(correlation(student, noisy(zeros, sigma, {.seed = 4}, 10)) == doctest::Approx(1.0));
}

TEST_CASE("noise: the GPU makes and adds the CPU's numbers, to some channels or to all") {
  if (cuda_device_count() == 0) return skip_gpu_check("noise on the GPU");
  const Device gpu{Device::Kind::cuda, 0};
  const Tensor step = step_of(4);
  struct Setting {
    Shape shape;
    std::int64_t channels;
  };
  // A row of {5, 3, 7} ends in the middle of a draw of four numbers. All channels may be named, and
  // a batch may have no rows.
  const std::vector<Setting> settings = {{{2, 5, 3, 8}, 0}, {{2, 5, 3, 8}, 3}, {{2, 5, 3, 8}, 8},
                                         {{2, 5, 3, 7}, 0}, {{2, 5, 3, 7}, 3}, {{2, 5, 3, 7}, 7},
                                         {{0, 5, 3, 8}, 0}};
  for (const Setting& s : settings) {
    const NoiseAddress address{.seed = 5, .first_row = 2, .channels = s.channels};
    for (const DType dtype : {DType::f32, DType::bf16}) {
      CAPTURE(s.shape);
      CAPTURE(s.channels);
      CAPTURE(name_of(dtype));
      const auto both = [&](Device device) {
        Tensor made = Tensor::zeros(s.shape, dtype, device);
        normal_noise(step.to(device), address, made);
        Tensor added = normal_tensor(s.shape, dtype, 6).to(device);
        add_normal_noise(step.to(device), address, 0.5F, added);
        return std::pair(made.to(kCpu), added.to(kCpu));
      };
      const auto [made, added] = both(kCpu);
      const auto [gpu_made, gpu_added] = both(gpu);
      // The GPU's logarithm and cosine may round differently.
      const double tolerance = dtype == DType::f32 ? 1e-5 : 0.02;
      CHECK(max_difference(made, gpu_made) < tolerance);
      CHECK(max_difference(added, gpu_added) < tolerance);
    }
  }
}

// Matrix products beyond what the operator harness checks: alpha and beta, sizes at which several
// threads share the work, and views.
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "kernels/conv/copy_channels.hpp"
#include "kernels/gemm/gemm.hpp"
#include "kernels/machine/tf32.hpp"
#include "tests/differences.hpp"
#include "tests/skip.hpp"

using namespace scimix;
using test::relative_error;

namespace {

std::vector<double> random_values(std::int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> values(static_cast<std::size_t>(count));
  for (double& value : values) value = uniform(generator);
  return values;
}

Tensor random(const Shape& shape, DType dtype, unsigned seed) {
  return Tensor::from(random_values(shape.numel(), seed), shape, dtype);
}

// The definition, from the values as they are stored.
std::vector<double> expected(const Tensor& a, const Tensor& b, const Tensor& c, const Gemm& g) {
  const auto x = a.to_doubles();
  const auto y = b.to_doubles();
  auto z = c.to_doubles();
  const std::int64_t m = c.dim(0);
  const std::int64_t n = c.dim(1);
  const std::int64_t k = a.dim(g.transpose.a ? 0 : 1);
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::int64_t l = 0; l < k; ++l) {
        sum += x[static_cast<std::size_t>(g.transpose.a ? l * m + i : i * k + l)] *
               y[static_cast<std::size_t>(g.transpose.b ? j * k + l : l * n + j)];
      }
      double& out = z[static_cast<std::size_t>(i * n + j)];
      out = g.alpha * sum + (g.beta == 0 ? 0 : g.beta * out);
    }
  }
  return z;
}

double tolerance(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return 1e-13;
    case DType::f32:
      return 1e-5;  // sums of up to 700 terms
    default:
      return 5e-3;  // one rounding of the result, by at most 2^-8 of itself
  }
}

void check_product(const GemmSizes& z, Gemm g, DType dtype, Device device = kCpu) {
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      g.transpose = {.a = ta, .b = tb};
      const Tensor a = random(ta ? Shape{z.k, z.m} : Shape{z.m, z.k}, dtype, 1).to(device);
      const Tensor b = random(tb ? Shape{z.n, z.k} : Shape{z.k, z.n}, dtype, 2).to(device);
      Tensor c = random({z.m, z.n}, dtype, 3).to(device);
      const std::vector<double> want = expected(a, b, c, g);
      gemm(a, b, c, g);
      CAPTURE(z.m);
      CAPTURE(z.n);
      CAPTURE(z.k);
      CAPTURE(ta);
      CAPTURE(tb);
      CHECK(relative_error(c.to_doubles(), want) < tolerance(dtype));
    }
  }
}

}  // namespace

TEST_SUITE_BEGIN("gemm");

TEST_CASE("gemm: every type, transposition, alpha and beta") {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    for (const double beta : {0.0, 1.0, -0.5}) {
      check_product({.m = 5, .n = 7, .k = 3}, {.alpha = 1.0, .beta = beta}, dtype);
      check_product({.m = 1, .n = 1, .k = 9}, {.alpha = -2.0, .beta = beta}, dtype);
      check_product({.m = 4, .n = 6, .k = 0}, {.alpha = 1.0, .beta = beta}, dtype);
    }
  }
}

// A beta other than 0 is used by no operator. A product without terms is then beta c.
TEST_CASE("gemm: the GPU takes every transposition, alpha and beta") {
  if (cuda_device_count() == 0) return skip_gpu_check("matrix products on the GPU");
  const Device gpu{Device::Kind::cuda, 0};
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const double beta : {0.0, 2.0}) {
      CAPTURE(beta);
      check_product({.m = 5, .n = 7, .k = 3}, {.alpha = -2.0, .beta = beta}, dtype, gpu);
      check_product({.m = 4, .n = 6, .k = 0}, {.alpha = 1.0, .beta = beta}, dtype, gpu);
    }
  }
}

TEST_CASE("gemm: large enough to be split, along either side") {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    check_product({.m = 131, .n = 67, .k = 89}, {}, dtype);
    check_product({.m = 19, .n = 401, .k = 97}, {.alpha = 0.5, .beta = 2.0}, dtype);
    check_product({.m = 1, .n = 1000, .k = 700}, {}, dtype);
    check_product({.m = 1000, .n = 1, .k = 700}, {}, dtype);
  }
  check_product({.m = 61, .n = 67, .k = 71}, {.alpha = 0.5, .beta = 2.0}, DType::f64);
}

TEST_CASE("gemm: with beta = 0 what the result held is not read") {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    for (const std::int64_t k : {0, 4}) {
      Tensor c = Tensor::from(std::vector<double>(6, NAN), {2, 3}, dtype);
      gemm(random({2, k}, dtype, 1), random({k, 3}, dtype, 2), c, {});
      for (const double value : c.to_doubles()) CHECK(std::isfinite(value));
    }
  }
}

TEST_CASE("gemm: rows of a larger matrix") {
  const Tensor a = random({6, 5}, DType::f32, 1);
  const Tensor b = random({5, 4}, DType::f32, 2);
  Tensor c = Tensor::zeros({6, 4}, DType::f32);
  gemm(a.rows(1, 3), b, c.rows(2, 4), {});
  const std::vector<double> got = c.to_doubles();
  Tensor alone = Tensor::zeros({2, 4}, DType::f32);
  const std::vector<double> want = expected(a.rows(1, 3), b, alone, {});
  for (std::size_t i = 0; i < got.size(); ++i) {
    const bool inside = i >= 8 && i < 16;
    CHECK(got[i] == doctest::Approx(inside ? want[i - 8] : 0.0).epsilon(1e-5));
  }
}

TEST_CASE("gemm: shapes and types that do not fit are refused") {
  const Tensor a = random({2, 3}, DType::f32, 1);
  const Tensor b = random({3, 4}, DType::f32, 2);
  Tensor c = random({2, 4}, DType::f32, 3);
  CHECK_THROWS_AS(gemm(a, b, c, Gemm{.transpose = {.a = true}}), Error);
  CHECK_THROWS_AS(gemm(a, b, c.rows(0, 1), Gemm{}), Error);
  CHECK_THROWS_AS(gemm(a, random({3, 4}, DType::f64, 2), c, Gemm{}), Error);
  CHECK_THROWS_AS(gemm(a.reshape({6}), b, c, Gemm{}), Error);
}

TEST_CASE("copy_channels: pads with zeros and crops") {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Tensor x = Tensor::from(std::vector{1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {1, 2, 3}, dtype);
    Tensor wide = random({1, 2, 5}, dtype, 1);
    copy_channels(x, wide);
    CHECK(wide.to_doubles() == std::vector<double>{1, 2, 3, 0, 0, 4, 5, 6, 0, 0});
    Tensor back = random({1, 2, 3}, dtype, 2);
    copy_channels(wide, back);
    CHECK(back.to_doubles() == x.to_doubles());
  }
  CHECK_THROWS_AS(
      copy_channels(Tensor::zeros({2, 3}, DType::f32), Tensor::zeros({3, 4}, DType::f32)), Error);
}

TEST_CASE("tf32: strict unless allowed, and only inside the scope") {
  CHECK_FALSE(tf32_allowed());
  {
    const AllowTf32 outer;
    CHECK(tf32_allowed());
    { const AllowTf32 inner; }
    CHECK(tf32_allowed());
  }
  CHECK_FALSE(tf32_allowed());
}

TEST_SUITE_END();

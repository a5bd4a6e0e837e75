// Beta(a, a): moments and distribution of many draws against the known ones.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/error.hpp"
#include "trainers/beta_distribution.hpp"

using namespace scimix;

namespace {

constexpr int kDraws = 40'000;

// Each from a stream of its own, as the pairs of a step are drawn.
std::vector<double> draws(double a, std::uint32_t step = 0) {
  std::vector<double> values;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    Random random(11, Purpose::test, step, i);
    values.push_back(beta_symmetric(random, a));
  }
  return values;
}

double mean_of_power(const std::vector<double>& values, int power) {
  double sum = 0;
  for (const double x : values) sum += std::pow(x - 0.5, power);
  return sum / static_cast<double>(values.size());
}

// The largest distance between the draws' distribution and `cdf` (Kolmogorov and Smirnov).
template <class Cdf>
double largest_distance(std::vector<double> values, const Cdf& cdf) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double largest = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double expected = cdf(values[i]);
    largest = std::max({largest, std::abs(static_cast<double>(i) / n - expected),
                        std::abs(static_cast<double>(i + 1) / n - expected)});
  }
  return largest;
}

}  // namespace

TEST_CASE("Beta(a, a) has mean 1/2 and variance 1 / (4 (2 a + 1))") {
  for (const double a : {0.1, 0.5, 1.0, 2.0, 8.0}) {
    CAPTURE(a);
    const std::vector<double> values = draws(a);
    CHECK(std::all_of(values.begin(), values.end(), [](double x) { return x >= 0 && x <= 1; }));
    // Kurtosis of Beta(a, a): 3 - 6 / (2 a + 3). The bounds are 5 standard errors of n draws.
    const double variance = 1 / (4 * (2 * a + 1));
    const double kurtosis = 3 - 6 / (2 * a + 3);
    const double n = kDraws;
    CHECK(std::abs(mean_of_power(values, 1)) < 5 * std::sqrt(variance / n));
    CHECK(std::abs(mean_of_power(values, 2) - variance) <
          5 * variance * std::sqrt((kurtosis - 1) / n));
    // The fourth moment lies in [0, 1/16], so its standard deviation is at most 1/32.
    CHECK(std::abs(mean_of_power(values, 4) - kurtosis * variance * variance) <
          5 / 32.0 / std::sqrt(n));
  }
}

TEST_CASE("Beta(a, a) has the distribution of its closed forms") {
  // The distance exceeds 2.23 / sqrt(n) once in 10^4 samples (2 exp(-2 x^2)).
  const double bound = 2.23 / std::sqrt(static_cast<double>(kDraws));
  CHECK(largest_distance(draws(0.5), [](double x) {
          return 2 / std::numbers::pi * std::asin(std::sqrt(x));
        }) < bound);
  CHECK(largest_distance(draws(1.0), [](double x) { return x; }) < bound);
  CHECK(largest_distance(draws(2.0), [](double x) { return x * x * (3 - 2 * x); }) < bound);
}

TEST_CASE("Beta(a, a) of a tiny a is 0 or 1, each half of the time") {
  const std::vector<double> values = draws(1e-3);
  int high = 0;
  int between = 0;
  for (const double x : values) {
    CHECK(std::isfinite(x));
    high += x > 0.5 ? 1 : 0;
    between += x > 0.01 && x < 0.99 ? 1 : 0;
  }
  // Binomial: 5 standard deviations of n / 2 are 5 sqrt(n) / 2.
  CHECK(std::abs(high - kDraws / 2) < 5 * std::sqrt(kDraws) / 2);
  // The density is about a / (2 x (1 - x)), whose integral from 0.01 to 0.99 is a log(99) = 0.0046.
  CHECK(between < 2 * 0.0046 * kDraws);
}

TEST_CASE("Beta(a, a) follows from its stream alone") {
  for (const double a : {0.1, 1.0, 2.0}) {
    CAPTURE(a);
    CHECK(draws(a) == draws(a));
    CHECK(draws(a) != draws(a, /*step=*/1));
  }
}

TEST_CASE("Beta(0, 0) is a bug of the caller") {
  Random random(1, Purpose::test, 0, 0);
  CHECK_THROWS_WITH_AS(static_cast<void>(beta_symmetric(random, 0)),
                       doctest::Contains("Beta(a, a) of a = 0"), Error);
}

// Philox against the known answers of its authors, and the statistics of what is made from it.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include "core/random.hpp"

using namespace scimix;

namespace {

void check_words(const PhiloxCounter& got, const std::array<std::uint32_t, 4>& expected) {
  for (std::size_t i = 0; i < 4; ++i) {
    CAPTURE(i);
    CHECK(got.word[i] == expected[i]);
  }
}

struct Moments {
  double mean = 0, variance = 0, skewness = 0, kurtosis = 0;
};

template <class Draw>
Moments moments(int n, Draw draw) {
  std::vector<double> values(static_cast<std::size_t>(n));
  double mean = 0;
  for (double& value : values) mean += (value = draw()) / n;
  Moments out{.mean = mean};
  for (const double value : values) {
    const double d = value - mean;
    out.variance += d * d / n;
    out.skewness += d * d * d / n;
    out.kurtosis += d * d * d * d / n;
  }
  out.skewness /= std::pow(out.variance, 1.5);
  out.kurtosis /= out.variance * out.variance;
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("random");

// kat_vectors of the Random123 library, which belongs to Salmon et al., SC 2011.
TEST_CASE("random: philox4x32-10 gives the authors' known answers") {
  check_words(philox({{0, 0, 0, 0}}, {0, 0}), {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t ones = 0xffffffff;
  check_words(philox({{ones, ones, ones, ones}}, {ones, ones}),
              {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  check_words(philox({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, {0xa4093822, 0x299f31d0}),
              {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("random: a reader walks the blocks of its own stream") {
  const std::uint64_t seed = 0x0123456789abcdef;
  Random random(seed, Purpose::noise, 7, 9);
  for (std::uint32_t block = 0; block < 3; ++block) {
    const PhiloxCounter expected = philox(
        {{block, 9, 7, static_cast<std::uint32_t>(Purpose::noise)}}, {0x89abcdef, 0x01234567});
    for (const std::uint32_t word : expected.word) CHECK(random.bits() == word);
  }
}

TEST_CASE("random: seed, purpose, step and item each choose a stream") {
  std::set<std::uint32_t> first;
  for (const std::uint64_t seed : {1ULL, 2ULL, 1ULL << 32}) {
    first.insert(Random(seed, Purpose::init, 0, 0).bits());
  }
  first.insert(Random(1, Purpose::split, 0, 0).bits());
  first.insert(Random(1, Purpose::init, 1, 0).bits());
  first.insert(Random(1, Purpose::init, 0, 1).bits());
  CHECK(first.size() == 6);
}

// Tolerances are five standard errors of n = 200,000 draws.
TEST_CASE("random: uniform numbers fill [0, 1) evenly") {
  constexpr int kDraws = 200'000;
  Random random(3, Purpose::test, 0, 0);
  float lowest = 1;
  float highest = 0;
  const Moments m = moments(kDraws, [&] {
    const float u = random.uniform();
    lowest = std::min(lowest, u);
    highest = std::max(highest, u);
    return static_cast<double>(u);
  });
  CHECK(lowest >= 0.0F);
  CHECK(highest < 1.0F);
  CHECK(lowest < 1e-3F);
  CHECK(highest > 0.999F);
  CHECK(m.mean == doctest::Approx(0.5).epsilon(5 * std::sqrt(1.0 / 12 / kDraws)));
  CHECK(m.variance == doctest::Approx(1.0 / 12).epsilon(0.01));
  const float inside = random.uniform(-3.0F, 5.0F);
  CHECK((inside >= -3.0F && inside < 5.0F));
}

TEST_CASE("random: below(n) hits each of 0..n-1 equally often") {
  constexpr int kDraws = 70'000;
  Random random(4, Purpose::test, 0, 0);
  std::array<int, 7> count{};
  for (int i = 0; i < kDraws; ++i) {
    const std::uint32_t k = random.below(7);
    REQUIRE(k < 7);
    ++count[k];
  }
  // A count is binomial with a standard deviation of sqrt(n p (1-p)) = 93.
  for (const int c : count) CHECK(std::abs(c - kDraws / 7) < 5 * 93);
  CHECK(random.below(1) == 0);
}

TEST_CASE("random: normal numbers have the moments of a normal distribution") {
  constexpr int kDraws = 200'000;
  Random random(5, Purpose::test, 0, 0);
  int within_one = 0;
  const Moments m = moments(kDraws, [&] {
    const double z = normal(random);
    REQUIRE(std::isfinite(z));
    within_one += std::abs(z) < 1.0 ? 1 : 0;
    return z;
  });
  const double n = kDraws;  // five standard errors of each moment
  CHECK(std::abs(m.mean) < 5 / std::sqrt(n));
  CHECK(std::abs(m.variance - 1) < 5 * std::sqrt(2 / n));
  CHECK(std::abs(m.skewness) < 5 * std::sqrt(6 / n));
  CHECK(std::abs(m.kurtosis - 3) < 5 * std::sqrt(24 / n));
  CHECK(std::abs(within_one / n - std::erf(std::sqrt(0.5))) < 5 * std::sqrt(0.25 / n));
}

TEST_SUITE_END();

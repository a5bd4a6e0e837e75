#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "report/calibration.hpp"

using namespace scimix;

namespace {

struct Images {
  std::int64_t classes = 0;
  std::vector<float> logits = {};
  std::vector<std::int32_t> labels = {};
  [[nodiscard]] LabeledLogits view() const { return {classes, logits, labels}; }
};

// Labels are drawn from softmax(logits / truth): the best temperature is near `truth`.
Images drawn(double truth, int count, int classes, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, 4.0F);
  Images found{.classes = classes};
  for (int i = 0; i < count; ++i) {
    std::vector<double> weights;
    for (int c = 0; c < classes; ++c) {
      found.logits.push_back(normal(random));
      weights.push_back(std::exp(static_cast<double>(found.logits.back()) / truth));
    }
    found.labels.push_back(std::discrete_distribution<int>(weights.begin(), weights.end())(random));
  }
  return found;
}

// The mean cross-entropy with the softened targets, from the definition.
double cross_entropy(const Images& images, double temperature) {
  const auto classes = static_cast<std::size_t>(images.classes);
  const auto count = static_cast<double>(images.labels.size());
  double sum = 0;
  for (std::size_t i = 0; i < images.labels.size(); ++i) {
    double total = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      total += std::exp(static_cast<double>(images.logits[i * classes + c]) / temperature);
    }
    for (std::size_t c = 0; c < classes; ++c) {
      const bool is_true = images.labels[i] == static_cast<std::int32_t>(c);
      const double target =
          is_true ? 1 - 1 / (count + 2) : 1 / (count + 2) / static_cast<double>(classes - 1);
      const double p =
          std::exp(static_cast<double>(images.logits[i * classes + c]) / temperature) / total;
      sum -= target * std::log(p);
    }
  }
  return sum / count;
}

// The temperature by trying a fine grid.
double best_of_grid(const Images& images) {
  double best = 0;
  double least = 1e300;
  for (double t = 0.05; t < 20; t *= 1.002) {
    const double found = cross_entropy(images, t);
    if (found < least) {
      least = found;
      best = t;
    }
  }
  return best;
}

}  // namespace

TEST_CASE("temperature: equals a search over a grid") {
  for (const double truth : {0.5, 1.0, 3.0}) {
    for (const int classes : {2, 10}) {
      CAPTURE(truth);
      CAPTURE(classes);
      const Images images = drawn(truth, 400, classes, 7);
      const double found = fit_temperature(images.view());
      CHECK(found == doctest::Approx(best_of_grid(images)).epsilon(0.003));
      CHECK(found == doctest::Approx(truth).epsilon(0.3));
    }
  }
}

TEST_CASE("temperature: a classifier without a mistake on few images is not infallible") {
  Images images{.classes = 3};
  for (int i = 0; i < 8; ++i) {
    images.labels.push_back(i % 3);
    for (int c = 0; c < 3; ++c) images.logits.push_back(c == i % 3 ? 5.0F : 0.0F);
  }
  const double found = fit_temperature(images.view());
  CHECK(found == doctest::Approx(best_of_grid(images)).epsilon(0.003));
  // All probabilities of the right class become the target, 1 - 1/(8 + 2).
  CHECK(probabilities(std::span(images.logits).first(3), found)[0] == doctest::Approx(0.9));
  // A classifier that is always wrong gets the highest temperature.
  for (std::int32_t& label : images.labels) label = (label + 1) % 3;
  CHECK(fit_temperature(images.view()) > 90);
}

TEST_CASE("temperature: found from afar, and where all logits are equal") {
  for (const double truth : {0.05, 0.2, 10.0}) {
    CAPTURE(truth);
    const Images images = drawn(truth, 300, 4, 11);
    const double found = fit_temperature(images.view());
    // At the best temperature, the cross-entropy is lower than beside it.
    CHECK(cross_entropy(images, found) < cross_entropy(images, found * 1.01));
    CHECK(cross_entropy(images, found) < cross_entropy(images, found / 1.01));
  }
  const Images equal{.classes = 2, .logits = {1, 1, 1, 1}, .labels = {0, 1}};
  CHECK(std::isfinite(fit_temperature(equal.view())));
  const Images far{.classes = 2, .logits = {1e30F, 0, 0, 1e30F}, .labels = {0, 0}};
  CHECK(fit_temperature(far.view()) > 90);
}

TEST_CASE("calibration: how many images are enough") {
  CHECK(images_to_calibrate(100'000, 10) == 100'000);
  CHECK(images_to_calibrate(26'032, 200) == 26'032);
  CHECK(images_to_calibrate(200'000, 1000) == 8'388);
  CHECK(images_to_calibrate(200'000, 10'000) == 838);
  CHECK(images_to_calibrate(50, 1'000'000) == 50);
  CHECK(images_to_calibrate(1000, 1'000'000) == 100);
  const std::vector<std::int32_t> spread = calibration_sample(1000, 1'000'000);
  REQUIRE(spread.size() == 100);
  CHECK(spread[0] == 0);
  CHECK(spread[50] == 500);
  CHECK(spread[99] == 990);
}

TEST_CASE("expected calibration error: by hand") {
  using P = std::vector<Judged>;
  CHECK(expected_calibration_error(P{}) == 0);
  CHECK(expected_calibration_error(P{{0.9, true}}) == doctest::Approx(0.1));
  // One bin of 0.8 and 0.9 (two bins in all): accuracy 1/2, confidence 0.85; the other: 1 and 0.4.
  const P three{{0.8, true}, {0.9, false}, {0.4, true}};
  CHECK(expected_calibration_error(three, 2) ==
        doctest::Approx((2 * std::abs(0.5 - 0.85) + std::abs(1 - 0.4)) / 3));
  // An edge belongs to the bin below: 0.2 is in (0, 0.2], so these two share no bin of five.
  const P edge{{0.2, true}, {0.2001, false}};
  CHECK(expected_calibration_error(edge, 5) == doctest::Approx((0.8 + 0.2001) / 2));
  CHECK(expected_calibration_error(P{{1.0, true}, {1.0, false}}) == doctest::Approx(0.5));
}

TEST_CASE("calibration: overconfident probabilities come near the truth") {
  const Images images = drawn(3.0, 1000, 5, 3);
  const Calibration found = calibrate(images.view());
  CHECK(found.images == 1000);
  CHECK(found.temperature == fit_temperature(images.view()));
  CHECK(found.error_before > 0.15);
  CHECK(found.error_after < 0.06);
  const Images two = drawn(1.0, 2, 3, 1);
  CHECK(std::isfinite(calibrate(two.view()).error_after));
}

TEST_CASE("how much to check: the first k, the last m, by trying every number") {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> uniform(0.3, 1.0);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> p;
    for (int i = 0; i < 60; ++i) p.push_back(std::min(1.0, uniform(random) + 0.3));
    std::ranges::sort(p, std::greater{});
    for (const double rate : {0.0, 0.01, 0.05, 0.2, 1.0}) {
      std::int64_t accept = 0;
      std::int64_t look = 60;
      double errors = 0;
      for (int k = 1; k <= 60; ++k) {
        errors += 1 - p[static_cast<std::size_t>(k - 1)];
        if (errors / k <= rate) accept = k;
        if (errors / 60 <= rate) look = 60 - k;
      }
      CHECK(most_to_accept(p, rate) == accept);
      CHECK(least_to_look_at(p, rate) == look);
    }
  }
  CHECK(most_to_accept({}, 0.1) == 0);
  CHECK(least_to_look_at({}, 0.1) == 0);
}

TEST_CASE("how many to check: the hypergeometric probability of seeing no mistake") {
  // If more than 10% of 10 predictions are wrong, at least 2 are. The probability that n drawn ones
  // contain neither of the two is C(8,n)/C(10,n), which is at most 0.05 for n >= 8.
  CHECK(sample_to_check(10, 0.1) == 8);
  // With very many predictions of which 1% are wrong, n drawn ones are all right with probability
  // 0.99^n, which is at most 0.05 for n >= 299.
  CHECK(sample_to_check(100'000'000, 0.01) == 299);
  CHECK(sample_to_check(0, 0.01) == 0);
  CHECK(sample_to_check(20, 0.0) == 19);  // one wrong of 20 escapes 19 draws with probability 1/20
  const auto by_counting = [](int all, double rate) {
    const int wrong = static_cast<int>(rate * all) + 1;
    for (int n = 0; n <= all; ++n) {
      double p = 1;  // C(all-wrong, n) / C(all, n)
      for (int i = 0; i < wrong; ++i) p *= std::max(0.0, double(all - n - i)) / double(all - i);
      if (p <= 0.05) return n;
    }
    return all;
  };
  for (const int all : {7, 33, 150, 900}) {
    for (const double rate : {0.01, 0.1, 0.3}) {
      CHECK(sample_to_check(all, rate) == by_counting(all, rate));
    }
  }
}

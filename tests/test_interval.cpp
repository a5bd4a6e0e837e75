#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>

#include "core/error.hpp"
#include "report/interval.hpp"

namespace scimix {

// Newcombe, "Two-sided confidence intervals for the single proportion: comparison of seven
// methods", Statistics in Medicine 17, 1998, Table I, method 3.
TEST_CASE("Wilson's interval: published values") {
  struct Row {
    std::int64_t hits, trials;
    double low, high;
  };
  for (const Row& row : {Row{81, 263, 0.2553, 0.3662}, Row{15, 148, 0.0624, 0.1605},
                         Row{0, 20, 0.0000, 0.1611}, Row{1, 29, 0.0061, 0.1718}}) {
    const ShareInterval interval = wilson_interval(row.hits, row.trials);
    CAPTURE(row.trials);
    const auto near = [](double value, double published) {
      return value > published - 0.5e-4 && value < published + 0.5e-4;  // four digits are printed
    };
    CHECK(near(interval.low, row.low));
    CHECK(near(interval.high, row.high));
    CHECK(interval.share ==
          doctest::Approx(static_cast<double>(row.hits) / static_cast<double>(row.trials)));
  }
}

// The ends are the shares p at which the score test just accepts:
// (hits - n p)^2 = z^2 n p (1-p).
TEST_CASE("Wilson's interval: its ends solve the score equation") {
  for (const std::int64_t trials : {1, 2, 7, 100, 10000}) {
    for (const std::int64_t hits : {std::int64_t{0}, trials / 3, trials / 2, trials}) {
      CAPTURE(hits);
      CAPTURE(trials);
      const ShareInterval interval = wilson_interval(hits, trials);
      const auto n = static_cast<double>(trials);
      const auto k = static_cast<double>(hits);
      for (const double p : {interval.low, interval.high}) {
        const double left = (k - n * p) * (k - n * p);
        const double right = 1.959964 * 1.959964 * n * p * (1 - p);
        CHECK(left - right == doctest::Approx(0).epsilon(1e-9 * (1 + left)));
        CHECK(p >= 0);
        CHECK(p <= 1);
      }
      CHECK(interval.low <= interval.share);
      CHECK(interval.share <= interval.high);
      CHECK(interval.low < interval.high);
      // Misses are hits of the opposite.
      const ShareInterval opposite = wilson_interval(trials - hits, trials);
      CHECK(interval.low == doctest::Approx(1 - opposite.high));
    }
  }
  CHECK(wilson_interval(0, 50).low == 0);
  CHECK(wilson_interval(50, 50).high == 1);
}

TEST_CASE("Wilson's interval: nothing tried, and impossible counts") {
  CHECK(wilson_interval(0, 0).low == 0);
  CHECK(wilson_interval(0, 0).high == 1);
  CHECK_THROWS_AS((void)wilson_interval(3, 2), Error);
  CHECK_THROWS_AS((void)wilson_interval(-1, 2), Error);
}

// Fisher and Yates, "Statistical Tables for Biological, Agricultural and Medical Research", Table
// III (also in Abramowitz and Stegun, Table 26.10).
TEST_CASE("Student's t: published values") {
  struct Row {
    std::int64_t degrees;
    double quantile;
  };
  for (const Row& row :
       {Row{1, 12.706}, Row{2, 4.303}, Row{3, 3.182}, Row{4, 2.776}, Row{5, 2.571}, Row{6, 2.447},
        Row{7, 2.365}, Row{8, 2.306}, Row{9, 2.262}, Row{10, 2.228}, Row{19, 2.093}, Row{20, 2.086},
        Row{29, 2.045}, Row{30, 2.042}, Row{40, 2.021}, Row{60, 2.000}, Row{120, 1.980}}) {
    CAPTURE(row.degrees);
    CHECK(std::abs(student_t_975(row.degrees) - row.quantile) < 0.5e-3 + 1e-9);
  }
  CHECK(std::abs(student_t_975(1'000'000) - 1.959964) < 1e-5);  // the normal distribution's
  CHECK_THROWS_AS((void)student_t_975(0), Error);
}

TEST_CASE("the 95% interval of a mean, by hand") {
  // 5, 4, 7: mean 16/3, squares 1/9 + 16/9 + 25/9 = 42/9, over 2: 7/3; the standard error is
  // sqrt(7/3/3) = 0.881917, times 4.302653 with 2 degrees of freedom.
  CHECK(mean_interval_95({5, 4, 7}) == doctest::Approx(3.794582).epsilon(1e-6));
  CHECK(mean_interval_95({2, 2}) == 0);
  CHECK_THROWS_AS((void)mean_interval_95({1}), Error);
}

}  // namespace scimix

// Computes confidence intervals and summaries: of a share that was counted on a sample, and of the
// results of a few runs; and writes shares as text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace scimix {

// Returns a share as text with this many decimals: percent(0.12345, 1) is "12.3%".
[[nodiscard]] std::string percent(double share, int decimals);

struct ShareInterval {
  double share = 0;  // hits / trials; 0 without trials
  double low = 0;
  double high = 1;
};

// Returns the 95% score interval for 0 <= hits <= trials; [0,1] without trials. Unlike the fraction
// +- 1.96 standard errors, it stays within [0,1], and its width is not 0 if no trial or every trial
// is a hit. Source:
// Wilson, "Probable inference, the law of succession, and statistical inference", J. Am. Stat.
// Assoc. 22, 1927.
[[nodiscard]] ShareInterval wilson_interval(std::int64_t hits, std::int64_t trials);

// The mean and the standard deviation of some values.
struct MeanStd {
  double mean = 0;
  double std = 0;  // sample standard deviation, divisor n - 1; 0 for one value
};
[[nodiscard]] MeanStd mean_and_std(const std::vector<double>& values);

// Returns the 97.5% quantile of Student's t distribution with at least one degree of freedom. A 95%
// interval extends by this many standard errors to both sides of the mean. Source: the finite
// series of the distribution function, Abramowitz and Stegun, "Handbook of Mathematical Functions",
// 26.7.3 and 26.7.4, solved by bisection.
[[nodiscard]] double student_t_975(std::int64_t degrees);

// Returns half the width of the 95% confidence interval of the mean of at least two values, which
// are assumed to be from a normal distribution of unknown variance.
[[nodiscard]] double mean_interval_95(const std::vector<double>& values);

}  // namespace scimix

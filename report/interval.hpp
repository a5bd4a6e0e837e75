// Computes a confidence interval for a fraction that was counted on a sample.
#pragma once

#include <cstdint>

namespace scimix {

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

}  // namespace scimix

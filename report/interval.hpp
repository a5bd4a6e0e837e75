// Says how far a share that was counted on a sample may be from the true one.
#pragma once

#include <cstdint>

namespace scimix {

struct ShareInterval {
  double share = 0;  // hits / trials; 0 without trials
  double low = 0;
  double high = 1;
};

// Returns the 95% score interval. Unlike share +- 1.96 standard errors, it stays within [0,1], and
// it has a width even if all or none hit. 0 <= hits <= trials; without trials it is [0,1]. Source:
// Wilson, "Probable inference, the law of succession, and statistical inference", J. Am. Stat.
// Assoc. 22, 1927.
[[nodiscard]] ShareInterval wilson_interval(std::int64_t hits, std::int64_t trials);

}  // namespace scimix

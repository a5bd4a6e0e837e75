// How far a share that was counted on a sample may lie from the true one.
#pragma once

#include <cstdint>

namespace scimix {

struct ShareInterval {
  double share = 0;  // hits / trials; 0 when nothing was tried
  double low = 0;
  double high = 1;
};

// The 95% score interval. Unlike share +- 1.96 standard errors it stays within [0,1] and has a
// width where all or none hit. 0 <= hits <= trials; no trials give [0,1]. Source: Wilson, "Probable
// inference, the law of succession, and statistical inference", J. Am. Stat. Assoc. 22, 1927.
[[nodiscard]] ShareInterval wilson_interval(std::int64_t hits, std::int64_t trials);

}  // namespace scimix

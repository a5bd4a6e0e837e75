// The class that a row of logits predicts, for metrics and pseudo-labels.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/dtype.hpp"
#include "core/host_device.hpp"

namespace scimix {
inline namespace SCIMIX_CODE {

// Returns the index of the largest of `classes` logits (the first of equals), or `classes` if one
// of them is NaN.
template <class T>
SCIMIX_HD inline std::int32_t largest_logit(const T* row, std::int64_t classes) {
  std::int64_t best = 0;
  bool has_nan = false;
  for (std::int64_t c = 0; c < classes; ++c) {
    const auto value = static_cast<compute_t<T>>(row[c]);
    if (std::isnan(value)) has_nan = true;
    if (value > static_cast<compute_t<T>>(row[best])) best = c;
  }
  return static_cast<std::int32_t>(has_nan ? classes : best);
}

}  // namespace SCIMIX_CODE
}  // namespace scimix

// What a run's precision asks of the products it computes.
#pragma once

#include <optional>
#include <string>

#include "kernels/machine/tf32.hpp"

namespace scimix {

// While one lives, what this thread computes is of a run with that precision.
class PrecisionScope {
 public:
  explicit PrecisionScope(const std::string& precision) {
    if (precision == "tf32") tf32_.emplace();
  }

 private:
  std::optional<AllowTf32> tf32_;
};

}  // namespace scimix

// What a run's precision asks of the products it computes.
#pragma once

#include <optional>

#include "kernels/tf32.hpp"
#include "settings/choices.hpp"

namespace scimix {

// While one lives, what this thread computes is of a run with that precision.
class PrecisionScope {
 public:
  explicit PrecisionScope(Precision precision) {
    if (precision == Precision::tf32) tf32_.emplace();
  }

 private:
  std::optional<AllowTf32> tf32_;
};

}  // namespace scimix

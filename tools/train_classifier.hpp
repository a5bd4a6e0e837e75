// scimix_train classifier.
#pragma once

#include <string>
#include <vector>

#include "core/ranks.hpp"

namespace scimix {

// Returns the exit code.
[[nodiscard]] int train_classifier(const std::vector<std::string>& arguments, Ranks& ranks);

}  // namespace scimix

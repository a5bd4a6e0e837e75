// scimix_train generator.
#pragma once

#include <string>
#include <vector>

#include "core/ranks.hpp"

namespace scimix {

// Returns the exit code.
[[nodiscard]] int train_generator(const std::vector<std::string>& arguments, Ranks& ranks);

}  // namespace scimix

// The command `scimix_train classifier`.
#pragma once

#include <string>
#include <vector>

#include "core/ranks.hpp"

namespace scimix {

// Executes the command. `arguments` are the words after the command. Returns the exit code.
[[nodiscard]] int train_classifier(const std::vector<std::string>& arguments, Ranks& ranks);

}  // namespace scimix

// scimix_train generator.
#pragma once

#include <string>
#include <vector>

namespace scimix {

// Returns the exit code.
[[nodiscard]] int train_generator(const std::vector<std::string>& arguments);

}  // namespace scimix

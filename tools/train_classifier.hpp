// scimix_train classifier.
#pragma once

#include <string>
#include <vector>

namespace scimix {

// Returns the exit code.
[[nodiscard]] int train_classifier(const std::vector<std::string>& arguments);

}  // namespace scimix

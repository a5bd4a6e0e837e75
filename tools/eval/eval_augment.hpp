// scimix_eval augment: applies one augmentation operation to a picture.
#pragma once

#include <string>
#include <vector>

namespace scimix {

// Returns the exit code. Errors (user): whatever is wrong with the options, the picture or the
// output.
[[nodiscard]] int eval_augment(const std::vector<std::string>& arguments);

}  // namespace scimix

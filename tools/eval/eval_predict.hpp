// scimix_eval predict: the classes of images that nobody has labelled.
#pragma once

#include <string>
#include <vector>

namespace scimix {

// Returns the exit code. Errors (user): whatever is wrong with the options, the run or the images.
[[nodiscard]] int eval_predict(const std::vector<std::string>& arguments);

}  // namespace scimix

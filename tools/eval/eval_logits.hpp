// scimix_eval logits: what a trained classifier answers to each test image.
#pragma once

#include <string>
#include <vector>

namespace scimix {

// Returns the exit code. Errors (user): whatever is wrong with the options, the run or the data.
[[nodiscard]] int eval_logits(const std::vector<std::string>& arguments);

}  // namespace scimix

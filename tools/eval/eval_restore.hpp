// scimix_eval restore: gives a checkpoint that another library has saved its metadata back.
#pragma once

#include <string>
#include <vector>

namespace scimix {

// Returns the exit code. Errors (user): whatever is wrong with the options or the files.
[[nodiscard]] int eval_restore(const std::vector<std::string>& arguments);

}  // namespace scimix

// scimix_eval transfer: how well hybrids carry the class of one parent and the scene of the other
// (Sun et al. 2022, Fig. 3b).
#pragma once

#include <string>
#include <vector>

namespace scimix {

// `arguments`: behind the command's name. Returns the program's exit code.
int eval_transfer(const std::vector<std::string>& arguments);

}  // namespace scimix

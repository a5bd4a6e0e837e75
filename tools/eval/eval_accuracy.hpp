// scimix_eval accuracy: how often a trained classifier is right on test images, by class.
#pragma once

#include <string>
#include <vector>

namespace scimix {

// `arguments`: behind the command's name. Returns the program's exit code.
int eval_accuracy(const std::vector<std::string>& arguments);

}  // namespace scimix

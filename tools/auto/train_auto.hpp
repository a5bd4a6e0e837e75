// scimix_train auto: the whole job by one command.
#pragma once

#include <string>
#include <vector>

#include "core/ranks.hpp"

namespace scimix {

// Looks at the data, picks what the options leave open, trains guide, generator and classifier, and
// prints the results. Started again with the same --out, goes on with the same picks. Returns the
// exit code.
int train_auto(const std::vector<std::string>& arguments, Ranks& ranks);

}  // namespace scimix

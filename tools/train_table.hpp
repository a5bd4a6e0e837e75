// scimix_train table NAME [options]: all runs of a table, and the table.
#pragma once

#include <string>
#include <vector>

#include "core/ranks.hpp"

namespace scimix {

// `arguments`: the command line without the command's name. Returns the exit code. Errors (user):
// whatever is wrong with the options, the list of tables or the data, before anything is trained;
// runs that have failed, at the end.
[[nodiscard]] int train_table(const std::vector<std::string>& arguments, Ranks& ranks);

}  // namespace scimix

// The command `scimix_train table NAME [options]`, which trains all runs of a table and writes it.
#pragma once

#include <string>
#include <vector>

#include "core/ranks.hpp"

namespace scimix {

// Executes the command. `arguments` are the words after the command. Returns the exit code. Errors
// (user): mistakes in the options, the list of tables or the data, found before anything is
// trained; failed runs, at the end.
[[nodiscard]] int train_table(const std::vector<std::string>& arguments, Ranks& ranks);

}  // namespace scimix

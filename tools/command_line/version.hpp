// Writes what --version prints.
#pragma once

#include <string>

namespace scimix {

// Returns the version of the project, such as "0.1.0".
[[nodiscard]] std::string version_number();

// Returns three lines: the program with its version and commit, the backends, and the libraries
// with their versions.
[[nodiscard]] std::string version_text(const std::string& program);

}  // namespace scimix

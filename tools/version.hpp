// The answer to --version.
#pragma once

#include <string>

namespace scimix {

// Returns the version of the project, such as "0.1.0".
[[nodiscard]] std::string version_number();

// Returns a line each with program, version and commit, with the backends, and with the libraries
// and their versions.
[[nodiscard]] std::string version_text(const std::string& program);

}  // namespace scimix

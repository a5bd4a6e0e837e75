// Writes manual pages.
#pragma once

#include <string>

#include "tools/command_line/program.hpp"

namespace scimix {

// Returns the manual page of a program, section 1, in roff.
[[nodiscard]] std::string man_page(const Program& program);

}  // namespace scimix

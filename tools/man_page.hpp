// The manual page of a program, section 1, in roff.
#pragma once

#include <string>

#include "tools/program.hpp"

namespace scimix {

[[nodiscard]] std::string man_page(const Program& program);

}  // namespace scimix

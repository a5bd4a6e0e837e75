// Writes scripts with which a shell completes the commands, options and values of a program.
#pragma once

#include <string>

#include "tools/command_line/program.hpp"

namespace scimix {

// Returns the script for `shell`. Errors (user): `shell` is neither bash nor zsh.
[[nodiscard]] std::string completion_script(const Program& program, const std::string& shell);

}  // namespace scimix

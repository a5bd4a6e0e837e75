// What all programs share: reading a command line with CLI11, and turning errors into one line and
// an exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/ranks.hpp"

namespace scimix {

inline constexpr int kExitUserError = 2;
inline constexpr int kExitBug = 70;  // EX_SOFTWARE of sysexits.h

// Parses `arguments` (without the program's name). Returns an exit code when the program is done
// (help was asked for). Errors (user): an unknown option or configuration key, with the nearest
// right one; a value that cannot be read.
[[nodiscard]] std::optional<int> parse(CLI::App& app, std::vector<std::string> arguments);

// Runs `body`; an Error becomes "program: message" on standard error and an exit code.
[[nodiscard]] int run_program(const std::string& name, const std::function<int()>& body);
// The same for a program that may be one of several ranks. Rank 0 alone writes to standard output.
// An error of one rank ends all of them; one that all make is said once.
[[nodiscard]] int run_program_on_ranks(const std::string& name,
                                       const std::function<int(Ranks&)>& body);

}  // namespace scimix

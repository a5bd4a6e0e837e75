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

// A whole number from 0: CLI11 alone would wrap a negative one into a huge one.
[[nodiscard]] CLI::Validator whole_seed();

// Help shows the values of variables as defaults; of an option given twice the last one counts, so
// that a script's options can be overridden behind it. Call it before adding options.
void use_setting_defaults(CLI::App& app);

// Parses `arguments` (without the program's name). Returns an exit code when the program is done
// (help was asked for). Errors (user): an unknown option, with the nearest right one; a value that
// cannot be read.
[[nodiscard]] std::optional<int> parse(CLI::App& app, std::vector<std::string> arguments);

// Runs `body`; an Error becomes "program: message" on standard error and an exit code. So does
// output that could not be written.
[[nodiscard]] int run_program(const std::string& name, const std::function<int()>& body);
// The same for a program that may be one of several ranks. Rank 0 alone writes to standard output.
// An error of one rank ends all of them; one that all make is said once.
[[nodiscard]] int run_program_on_ranks(const std::string& name,
                                       const std::function<int(Ranks&)>& body);

}  // namespace scimix

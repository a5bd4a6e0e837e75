// Parses the command line of a program with CLI11, and turns errors into one line and an exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/ranks.hpp"
#include "settings/setting.hpp"
#include "tools/command_line/exit_codes.hpp"

namespace scimix {

// Makes an option read its number as the training commands read a setting (settings/setting.hpp).
// The type of the option's variable decides which numbers are accepted: std::uint64_t is for seeds,
// whole numbers from 0; other integers are for whole numbers, and double is for finite numbers,
// both in `range`. `parse` throws a user_error for any other value: "--top 0: expected at least 1".
void check_number(CLI::Option* option, const SettingRange& range = {});

// Returns a check that refuses an empty value, such as that of an unset variable of a shell script.
[[nodiscard]] CLI::Validator not_empty();

// Sets two properties of all options that are added later. The help shows the values of their
// variables as defaults. If an option is given twice, the last value counts, so that a user can
// override the options of a script.
void use_setting_defaults(CLI::App& app);

// Adds --threads: the number of threads with which the program computes.
void add_threads(CLI::App& app, const std::string& group);

// Parses `arguments` (without the program's name). Returns an exit code if the program should end,
// because it has printed its help. Errors (user): an unknown option, with the nearest known option;
// an option or argument that is missing; a value that is missing or cannot be read.
[[nodiscard]] std::optional<int> parse(CLI::App& app, std::vector<std::string> arguments);

// Runs `body` and returns its exit code. An exception, or a failed write to standard output,
// becomes "program: message" on standard error and an exit code. SIGPIPE is ignored: if the program
// that reads the output has ended, this program still writes its files, and ends as usual.
[[nodiscard]] int run_program(const std::string& name, const std::function<int()>& body);
// Runs `body` like run_program, in a program that may be one of several ranks. Only rank 0 writes
// to standard output. An error on one rank ends all ranks; an error that all ranks have is printed
// once.
[[nodiscard]] int run_program_on_ranks(const std::string& name,
                                       const std::function<int(Ranks&)>& body);

}  // namespace scimix

// Switches: options that are true or false. All programs read them alike:
//
//   --resize          true
//   --resize true     true; --resize false is false
//   --resize=VALUE    VALUE is true, 1, on, yes, false, 0, off or no
//
// In a command that also takes files, such as scimix_eval predict, the word behind a switch is its
// value only if it is `true` or `false`: --skip-unreadable a.png 1 has two files. (A file called
// `true` is written ./true.) In other commands the word behind a switch is always its value, unless
// it begins with a dash.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace scimix {

// Returns whether the option is a switch: one of CLI::App::add_flag, except --help.
[[nodiscard]] bool is_switch(const CLI::Option& option);

// Returns whether the command has positional arguments. They are files and folders, except the name
// of a table.
[[nodiscard]] bool takes_files(const CLI::App& app);

// Returns the arguments with every switch of `app` as one word, --NAME=true or --NAME=false. Errors
// (user): a switch with another value.
[[nodiscard]] std::vector<std::string> with_switch_values(
    const CLI::App& app, const std::vector<std::string>& arguments);

// Adds a note on the values of switches to the help, if `app` has switches.
void add_switch_note(CLI::App& app);

}  // namespace scimix

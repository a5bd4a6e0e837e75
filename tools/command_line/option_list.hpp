// The options of a command as data, from which man pages and shell completions are written. They
// come from the objects that parse the command line, so that no second list has to be kept.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/command_line/cli.hpp"

namespace scimix {

struct ListedOption {
  std::string name;   // without dashes
  std::string value;  // the placeholder of the value in the help, such as N; empty: no value
  std::string help;
  std::vector<std::string> choices = {};  // the values that a shell offers
  bool is_path = false;                   // a shell offers file names
  bool is_switch = false;  // the value may be left out (tools/command_line/switches.hpp)
};

struct OptionList {
  std::string summary;
  std::vector<ListedOption> options;
  std::vector<ListedOption> positionals;
};

// Called with this as its only argument, a command does not do its work, but passes the list of its
// options to hand_over.
inline constexpr const char* kListOptions = "--list-options";

// Returns whether kListOptions is the only argument.
[[nodiscard]] bool asks_for_options(const std::vector<std::string>& arguments);
// Stores the options of a command for options_of, which is waiting for them. `parse` (cli.hpp)
// calls this function for commands whose options CLI11 parses.
void hand_over(OptionList list);
// Calls the command with kListOptions, and returns the options that it has handed over.
[[nodiscard]] OptionList options_of(
    const std::function<int(const std::vector<std::string>&)>& command);

// Returns the options of a CLI11 command.
[[nodiscard]] OptionList options_of(const CLI::App& app);

}  // namespace scimix

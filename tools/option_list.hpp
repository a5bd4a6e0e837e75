// The options of a command as data, from which man pages and shell completions are written. They
// come from the objects that parse the command line, so that no second list has to be kept.
#pragma once

#include <string>
#include <vector>

#include "tools/cli.hpp"

namespace scimix {

struct ListedOption {
  std::string name;   // without dashes
  std::string value;  // the placeholder of the value in the help, such as N; empty: no value
  std::string help;
  std::vector<std::string> choices = {};  // the values that a shell offers
  bool is_path = false;                   // a shell offers file names
  bool is_switch = false;                 // the value may be left out (tools/switches.hpp)
};

struct OptionList {
  std::string summary;
  std::vector<ListedOption> options;
  std::vector<ListedOption> positionals;
};

// The only argument of a command that is asked for its options instead of its work.
inline constexpr const char* kListOptions = "--list-options";

[[nodiscard]] bool asks_for_options(const std::vector<std::string>& arguments);
// Hands the options of a command to the caller of options_of. `parse` does so for a CLI11 command.
void hand_over(OptionList list);
// Returns the options of a command, which it calls with kListOptions.
[[nodiscard]] OptionList options_of(
    const std::function<int(const std::vector<std::string>&)>& command);

// Returns the options of a CLI11 command.
[[nodiscard]] OptionList options_of(const CLI::App& app);

}  // namespace scimix

// The list of a program's commands, and the options that every program has: --help, --version,
// --completion SHELL and --man-page.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace scimix {

struct Command {
  std::string name;      // empty: the program's only command, which is not named when it is called
  std::string synopsis;  // what follows the name, such as "RUN [options]"
  std::string summary;   // a line for the list of commands
  std::function<int(const std::vector<std::string>&)> run;
};

struct Program {
  std::string name;
  std::string summary;  // one sentence, for the man page
  std::vector<Command> commands;
  std::string note = {};  // lines at the end of --help
};

// Runs the command that `arguments` (without the program's name) begin with, or prints what was
// asked for. Errors (user): an unknown command, with the nearest right one; an unknown shell.
[[nodiscard]] int run_commands(const Program& program, std::vector<std::string> arguments);

}  // namespace scimix

// The list of a program's commands, and the options that every program has: --help, --version,
// --completion SHELL and --man-page.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace scimix {

struct Command {
  std::string name;      // empty if the program has one command only, which users call by no name
  std::string synopsis;  // the arguments, as the help shows them, such as "RUN [options]"
  std::string summary;   // one line for the list of commands in --help
  // Runs the command with the arguments after its name, and returns the exit code.
  std::function<int(const std::vector<std::string>&)> run;
};

struct Program {
  std::string name;
  std::string summary;  // one sentence, for the man page
  std::vector<Command> commands;
  std::string note = {};  // lines at the end of --help
};

// Runs the command that is named by the first of `arguments`, which are the command line without
// the program's name, and returns its exit code. For --help, --version, --completion or --man-page,
// prints the text and returns 0. Errors (user): an unknown command, with the most similar known
// name; an unknown shell.
[[nodiscard]] int run_commands(const Program& program, std::vector<std::string> arguments);

}  // namespace scimix

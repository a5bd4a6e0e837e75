#include "tools/command_line/program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <sstream>

#include "core/error.hpp"
#include "core/names.hpp"
#include "tools/command_line/cli.hpp"
#include "tools/command_line/man_page.hpp"
#include "tools/command_line/shell_completion.hpp"
#include "tools/command_line/version.hpp"

namespace scimix {

namespace {

constexpr std::size_t kUsageWidth = 80;

void append_wrapped(const std::string& name, std::size_t indent, const std::string& text,
                    std::string& out) {
  std::string line = fmt::format("  {:<{}}", name, indent - 2);
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (line.size() > indent && line.size() + 1 + word.size() > kUsageWidth) {
      out += line + '\n';
      line.assign(indent, ' ');
    }
    line += (line.size() > indent ? " " : "") + word;
  }
  out += line + '\n';
}

std::string usage(const Program& program) {
  std::string out;
  std::size_t longest = 0;
  for (const Command& command : program.commands) {
    out += fmt::format("{} {} {} {}\n", out.empty() ? "usage:" : "      ", program.name,
                       command.name, command.synopsis);
    longest = std::max(longest, command.name.size());
  }
  out += '\n';
  for (const Command& command : program.commands) {
    append_wrapped(command.name, longest + 5, command.summary, out);
  }
  out += fmt::format("\n{} COMMAND --help lists the options of a command.\n{}", program.name,
                     program.note);
  return out;
}

const Command& find_command(const Program& program, const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : program.commands) {
    if (command.name == name) return command;
    names.push_back(command.name);
  }
  user_error("unknown command ", name, "; did you mean ", nearest_name(name, names), "?");
}

// Returns the shell of "--completion SHELL" and "--completion=SHELL".
std::string shell_of(const std::vector<std::string>& arguments) {
  const auto equals = arguments[0].find('=');
  if (equals != std::string::npos) return arguments[0].substr(equals + 1);
  return arguments.size() > 1 ? arguments[1] : "";
}

}  // namespace

int run_commands(const Program& program, std::vector<std::string> arguments) {
  const std::string first = arguments.empty() ? "" : arguments[0];
  if (first == "--version") {
    std::cout << version_text(program.name);
    return 0;
  }
  if (first == "--completion" || first.starts_with("--completion=")) {
    std::cout << completion_script(program, shell_of(arguments));
    return 0;
  }
  if (first == "--man-page") {
    std::cout << man_page(program);
    return 0;
  }
  if (program.commands.front().name.empty()) return program.commands.front().run(arguments);
  if (first.empty() || first == "--help" || first == "-h") {
    std::cout << usage(program);
    return first.empty() ? kExitUserError : 0;
  }
  const Command& command = find_command(program, first);
  arguments.erase(arguments.begin());
  return command.run(arguments);
}

}  // namespace scimix

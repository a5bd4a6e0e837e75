#include "tools/command_line/shell_completion.hpp"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "tools/command_line/option_list.hpp"

namespace scimix {

namespace {

// The options of a program that are given in place of a command.
constexpr const char* kProgramOptions = "--completion --help --man-page --version";

std::string words_of(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

bool has_commands(const Program& program) {
  return !program.commands.front().name.empty();
}

std::string command_names(const Program& program) {
  std::vector<std::string> names;
  for (const Command& command : program.commands) names.push_back(command.name);
  return words_of(names);
}

// Returns the cases of one command: the values of each option, and the options themselves.
std::string bash_cases(const std::string& command, const OptionList& list) {
  constexpr const char* kFiles =
      "compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- \"$word\"))";
  std::string out;
  std::vector<std::string> names;
  for (const ListedOption& option : list.options) {
    names.push_back("--" + option.name);
    const std::string key = fmt::format("    {}:--{})", command, option.name);
    if (option.is_switch) {  // another option may follow at once: `;;&` adds their names
      out += fmt::format("{} words='{}' ;;&\n", key, words_of(option.choices));
    } else if (!option.choices.empty()) {
      out += fmt::format("{} words='{}' ;;\n", key, words_of(option.choices));
    } else if (option.is_path) {
      out += fmt::format("{} {}; return ;;\n", key, kFiles);
    } else if (!option.value.empty()) {
      out += key + " return ;;\n";
    }
  }
  if (!list.positionals.empty()) {
    out += fmt::format("    {}:*) if [[ $word != -* ]]; then {}; return; fi; words+=' {}' ;;\n",
                       command, kFiles, words_of(names));
  } else {
    out += fmt::format("    {}:*) words+=' {}' ;;\n", command, words_of(names));
  }
  return out;
}

std::string bash_script(const Program& program) {
  const std::string& name = program.name;
  std::string out = fmt::format(
      "# Completion of {0} in bash: source <({0} --completion bash)\n"
      "_{0}() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words=\n"
      "  COMPREPLY=()\n",
      name);
  if (has_commands(program)) {
    out += fmt::format(
        "  if ((COMP_CWORD == 1)); then\n"
        "    COMPREPLY=($(compgen -W '{} {}' -- \"$word\"))\n"
        "    return\n"
        "  fi\n"
        "  case ${{COMP_WORDS[1]}}:$before in\n",
        command_names(program), kProgramOptions);
  } else {
    out += "  case :$before in\n    :--completion) words='bash zsh' ;;\n";
  }
  for (const Command& command : program.commands) {
    OptionList list = options_of(command.run);
    if (!has_commands(program)) {
      for (const char* const more : {"completion", "man-page", "version"}) {
        list.options.push_back({.name = more, .value = {}, .help = {}});
      }
    }
    out += bash_cases(command.name, list);
  }
  out += fmt::format(
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "}}\n"
      "complete -F _{0} {0}\n",
      name);
  return out;
}

// Returns the first sentence of a help in an _arguments specification, in which brackets and colons
// have a meaning.
std::string zsh_help(const std::string& help) {
  std::string out;
  const std::size_t stop = help.find(". ");
  for (const char c : help.substr(0, stop == std::string::npos ? stop : stop + 1)) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out;
}

std::string zsh_arguments(const OptionList& list) {
  std::string out = "_arguments";
  for (const ListedOption& option : list.options) {
    std::string value;
    if (!option.choices.empty()) {
      value = option.is_switch ? "::value:(" : ":value:(";
      value += words_of(option.choices) + ")";
    } else if (!option.value.empty()) {
      value = option.is_path ? ":path:_files" : ":value:";
    }
    out += fmt::format(" \\\n        '--{}{}[{}]{}'", option.name, value.empty() ? "" : "=",
                       zsh_help(option.help), value);
  }
  if (!list.positionals.empty()) out += " \\\n        '*:path:_files'";
  return out + "\n";
}

std::string zsh_script(const Program& program) {
  const std::string& name = program.name;
  std::string out = fmt::format(
      "#compdef {0}\n"
      "# Completion of {0} in zsh: source <({0} --completion zsh)\n"
      "_{0}() {{\n",
      name);
  if (has_commands(program)) {
    out += fmt::format(
        "  if ((CURRENT == 2)); then\n"
        "    compadd {} -- {}\n"
        "    return\n"
        "  fi\n"
        "  local command=${{words[2]}}\n"
        "  shift words\n"
        "  ((CURRENT--))\n"
        "  case $command in\n",
        command_names(program), kProgramOptions);
    for (const Command& command : program.commands) {
      out += fmt::format("    {})\n      {}      ;;\n", command.name,
                         zsh_arguments(options_of(command.run)));
    }
    out += "  esac\n";
  } else {
    out += "  " + zsh_arguments(options_of(program.commands.front().run));
  }
  // In a folder of $fpath the script is the body of the function itself; otherwise it is sourced.
  out += fmt::format(
      "}}\n"
      "if [[ ${{funcstack[1]}} == _{0} ]]; then\n"
      "  _{0} \"$@\"\n"
      "else\n"
      "  compdef _{0} {0}\n"
      "fi\n",
      name);
  return out;
}

}  // namespace

std::string completion_script(const Program& program, const std::string& shell) {
  if (shell == "bash") return bash_script(program);
  if (shell == "zsh") return zsh_script(program);
  user_error("--completion ", shell, ": expected bash or zsh");
}

}  // namespace scimix

#include "tools/command_line/man_page.hpp"

#include <fmt/format.h>

#include "tools/command_line/option_list.hpp"
#include "tools/command_line/version.hpp"

namespace scimix {

namespace {

// Escapes what roff gives a meaning to. A hyphen becomes a minus, so that options can be copied.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c == '\n' ? ' ' : c;
    }
  }
  const bool is_request = out.starts_with('.') || out.starts_with('\'');
  return is_request ? "\\&" + out : out;
}

void append_option(const ListedOption& option, const std::string& dashes, std::string& out) {
  const std::string value =
      option.value.empty() || dashes.empty() ? "" : " \\fI" + roff(option.value) + "\\fR";
  out +=
      fmt::format(".TP\n\\fB{}\\fR{}\n{}\n", roff(dashes + option.name), value, roff(option.help));
}

void append_options(const OptionList& list, std::string& out) {
  for (const ListedOption& option : list.positionals) append_option(option, "", out);
  for (const ListedOption& option : list.options) append_option(option, "--", out);
}

constexpr const char* kEnd =
    ".SH EXIT STATUS\n"
    ".TP\n0\nsuccess\n"
    ".TP\n2\na mistake in options, files or data, which one line on standard error names\n"
    ".TP\n70\na bug in the program\n"
    ".TP\n130\na signal ended a training run after it wrote a checkpoint\n";

}  // namespace

std::string man_page(const Program& program) {
  std::string out =
      fmt::format(".TH {0} 1 \"\" \"SciMix {1}\" \"SciMix\"\n.SH NAME\n{2} \\- {3}\n", program.name,
                  version_number(), roff(program.name), roff(program.summary));
  out += ".SH SYNOPSIS\n";
  for (const Command& command : program.commands) {
    out += fmt::format(".B {}{}{}\n{}\n.br\n", roff(program.name), command.name.empty() ? "" : " ",
                       command.name, roff(command.synopsis));
  }
  out += fmt::format(".B {}\n\\-\\-help | \\-\\-version | \\-\\-completion bash|zsh\n",
                     roff(program.name));
  for (const Command& command : program.commands) {
    const OptionList list = options_of(command.run);
    out += command.name.empty() ? ".SH OPTIONS\n" : fmt::format(".SH {}\n", command.name);
    out += roff(list.summary) + '\n';
    append_options(list, out);
  }
  return out + kEnd;
}

}  // namespace scimix

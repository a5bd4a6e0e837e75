#include "tools/command_line/switches.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "settings/boolean_word.hpp"

namespace scimix {

namespace {

// Returns whether the word behind a switch is its value.
bool is_value(const std::string& word, bool takes_files) {
  if (takes_files) return word == "true" || word == "false";
  return !word.starts_with('-');
}

std::string with_value(const std::string& name, const std::string& value) {
  const std::optional<bool> parsed = parse_boolean(value);
  if (!parsed) user_error(name, " ", shown(value), ": expected true or false");
  return name + (*parsed ? "=true" : "=false");
}

}  // namespace

bool is_switch(const CLI::Option& option) {
  if (option.get_items_expected_max() != 0 || option.get_lnames().empty()) return false;
  return !option.get_lnames().front().starts_with("help");
}

bool takes_files(const CLI::App& app) {
  return std::ranges::any_of(app.get_options(),
                             [](const CLI::Option* option) { return option->get_positional(); });
}

std::vector<std::string> with_switch_values(const CLI::App& app,
                                            const std::vector<std::string>& arguments) {
  const bool files = takes_files(app);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--") {  // nothing behind it is an option
      out.insert(out.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
      break;
    }
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const CLI::Option* const option =
        name.starts_with("--") ? app.get_option_no_throw(name) : nullptr;
    const bool has_next = i + 1 < arguments.size();
    if (option != nullptr && is_switch(*option)) {
      if (equals != std::string::npos) {
        out.push_back(with_value(name, word.substr(equals + 1)));
      } else if (has_next && is_value(arguments[i + 1], files)) {
        out.push_back(with_value(name, arguments[++i]));
      } else {
        out.push_back(name + "=true");
      }
      continue;
    }
    out.push_back(word);
    // The value of another option is no switch, whatever it looks like.
    const bool takes_next =
        option != nullptr && equals == std::string::npos && option->get_items_expected_max() != 0;
    if (takes_next && has_next) out.push_back(arguments[++i]);
  }
  return out;
}

void add_switch_note(CLI::App& app) {
  for (const CLI::Option* const option : app.get_options()) {
    if (!is_switch(*option)) continue;
    const std::string name = "--" + option->get_lnames().front();
    app.footer(fmt::format(
        "Options without a value, such as {0}, are switches: {0} and\n{0} true mean the same, "
        "and {0} false leaves it off.",
        name));
    return;
  }
}

}  // namespace scimix

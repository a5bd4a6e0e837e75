#include "tools/command_line/option_list.hpp"

#include <utility>

#include "core/error.hpp"
#include "tools/command_line/switches.hpp"

namespace scimix {

namespace {

OptionList& handed_over() {
  static OptionList list;
  return list;
}

bool is_number(const std::string& type) {
  return type.starts_with("INT") || type.starts_with("UINT") || type.starts_with("FLOAT");
}

ListedOption listed(const CLI::Option& option, const std::string& name) {
  ListedOption out{.name = name, .value = {}, .help = option.get_description()};
  if (is_switch(option)) {
    out.value = "[true|false]";
    out.choices = {"true", "false"};
    out.is_switch = true;
  }
  if (option.get_items_expected_max() == 0) return out;
  const bool number = is_number(option.get_type_name());
  out.value = number ? "N" : "TEXT";
  if (name == "device") out.choices = {"auto", "cpu", "cuda:0"};
  out.is_path = !number && out.choices.empty();
  if (const std::string value = option.get_default_str(); !value.empty()) {
    out.help += " (default: " + value + ")";
  }
  return out;
}

}  // namespace

bool asks_for_options(const std::vector<std::string>& arguments) {
  return arguments.size() == 1 && arguments.front() == kListOptions;
}

void hand_over(OptionList list) {
  handed_over() = std::move(list);
}

OptionList options_of(const std::function<int(const std::vector<std::string>&)>& command) {
  handed_over() = {};
  const int exit_code = command({kListOptions});
  SCIMIX_CHECK(exit_code == 0 && !handed_over().options.empty(), "a command listed no options");
  return std::exchange(handed_over(), {});
}

OptionList options_of(const CLI::App& app) {
  OptionList out{.summary = app.get_description(), .options = {}, .positionals = {}};
  for (const CLI::Option* const option : app.get_options()) {
    if (option->get_lnames().empty()) {
      out.positionals.push_back(listed(*option, option->get_single_name()));
    } else {
      out.options.push_back(listed(*option, option->get_lnames().front()));
    }
  }
  return out;
}

}  // namespace scimix

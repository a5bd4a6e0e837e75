#include "tools/command_line/settings_help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <vector>

#include "settings/run_kinds.hpp"
#include "settings/settings_file.hpp"

namespace scimix {

namespace {

constexpr std::size_t kHelpWidth = 100;
constexpr std::size_t kHelpIndent = 29;

const std::array<const RunKind*, 3>& kinds() {
  static const std::array<const RunKind*, 3> all{&generator_kind(), &classifier_kind(),
                                                 &auto_kind()};
  return all;
}

// Returns the placeholder for a value in the help, such as "N".
std::string placeholder(const Setting& setting) {
  switch (setting.type) {
    case SettingType::boolean:
      return "[true|false]";
    case SettingType::whole:
    case SettingType::seed:
      return "N";
    case SettingType::number:
      return "X";
    case SettingType::labels:
      return "N|all";
    case SettingType::path:
      return "PATH";
    case SettingType::choice:
    case SettingType::text:
      return "NAME";
  }
  return {};
}

bool is_flag(const Setting& setting) {
  return setting.name == "help" || setting.name == "help-all";
}

// Returns the help of a setting, followed by its choices, range and default.
std::string whole_help(const Setting& setting, const std::string& default_text) {
  std::string text = setting.help;
  if (setting.type == SettingType::choice) text += " One of: " + expected(setting) + ".";
  const std::string range = expected(setting);
  const bool has_range = setting.type == SettingType::whole || setting.type == SettingType::number;
  if (const auto comma = range.find(", "); has_range && comma != std::string::npos) {
    text += " Range: " + range.substr(comma + 2) + ".";
  }
  if (!default_text.empty()) text += " Default: " + default_text + ".";
  return text;
}

void append_wrapped(const std::string& head, const std::string& text, std::string& out) {
  std::string line = "  " + head;
  if (line.size() + 2 > kHelpIndent) {
    out += line + '\n';
    line.clear();
  }
  line.resize(kHelpIndent, ' ');
  std::istringstream words(text);
  bool first = true;
  for (std::string word; words >> word; first = false) {
    if (!first && line.size() + 1 + word.size() > kHelpWidth) {
      out += line + '\n';
      line.assign(kHelpIndent, ' ');
      first = true;
    }
    line += (first ? "" : " ") + word;
  }
  out += line + '\n';
}

void append_option(const Setting& setting, const std::string& default_text, std::string& out) {
  const std::string value = is_flag(setting) ? "" : " " + placeholder(setting);
  append_wrapped("--" + setting.name + value, whole_help(setting, default_text), out);
}

std::string one_line(std::string text) {  // in a cell of a Markdown table
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
    text.insert(at, "\\");
  }
  return text;
}

// Returns "`depth` 10, `width` 1": the settings of a bundle that differ from the defaults.
std::string bundle_text(const RunKind& kind, const SettingBundle& bundle) {
  std::string out;
  for (const auto& [name, text] : bundle) {
    const auto at = static_cast<std::size_t>(kind.index(name));
    if (parse_value(kind.settings[at], text, {}) == kind.defaults[at]) continue;
    out += fmt::format("{}`{}` {}", out.empty() ? "" : ", ", name, text);
  }
  return out;
}

// Says how what --scale cpu sets with `values` differs from what it sets with the defaults: "also
// sets `a` 1, and leaves `b` as it is". Empty if it does not.
std::string scale_difference(const RunKind& kind, const SettingValues& values) {
  const SettingBundle usual = kind.cpu_scale(kind.defaults);
  const SettingBundle here = kind.cpu_scale(values);
  const auto has = [](const SettingBundle& bundle, const auto& setting) {
    return std::ranges::find(bundle, setting) != bundle.end();
  };
  std::string out;
  for (const auto& setting : here) {
    if (has(usual, setting)) continue;
    out +=
        fmt::format("{}`{}` {}", out.empty() ? "also sets " : ", ", setting.first, setting.second);
  }
  for (const auto& setting : usual) {
    if (has(here, setting)) continue;
    out += fmt::format("{}leaves `{}` as it is", out.empty() ? "" : ", and ", setting.first);
  }
  return out;
}

void append_bundles(const RunKind& kind, std::string& out) {
  const int preset = find_setting(kind.settings, "preset");
  if (preset < 0) return;
  out +=
      fmt::format("\n`--scale cpu` sets {}.\n", bundle_text(kind, kind.cpu_scale(kind.defaults)));
  for (const std::string& name : kind.settings[static_cast<std::size_t>(preset)].choices) {
    SettingValues values = kind.defaults;
    values[static_cast<std::size_t>(preset)] = name;
    // A classifier's presets apply only to Mean Teacher.
    const int method = find_setting(kind.settings, "method");
    if (method >= 0) values[static_cast<std::size_t>(method)] = std::string("mean-teacher");
    const std::string text = bundle_text(kind, kind.preset(values));
    if (!text.empty()) out += fmt::format("\n`--preset {}` sets {}.", name, text);
    const std::string other = scale_difference(kind, values);
    if (!other.empty())
      out += fmt::format("{}`--preset {}`, `--scale cpu` {}.", text.empty() ? "\nWith " : " With ",
                         name, other);
    if (!text.empty() || !other.empty()) out += '\n';
  }
}

void append_document_of(const RunKind& kind, std::string& out) {
  out += fmt::format("\n# scimix_train {}\n\n{}\n", kind.name, kind.summary);
  append_bundles(kind, out);
  std::string group;
  for (std::size_t i = 0; i < kind.settings.size(); ++i) {
    const Setting& setting = kind.settings[i];
    if (setting.group != group) {
      out += fmt::format("\n## {}\n\n| setting | value | default | |\n| --- | --- | --- | --- |\n",
                         setting.group);
    }
    group = setting.group;
    const std::string value = text_of(kind.defaults[i]);
    out += fmt::format(
        "| `{}`{}{} | {} | {} | {} |\n", setting.name, setting.tier == Tier::everyday ? " ★" : "",
        setting.on_resume == OnResume::stays ? "" : " ↻", one_line(expected(setting)),
        value.empty() ? "" : "`" + value + "`", one_line(setting.help));
  }
}

constexpr const char* kDocumentHead =
    R"(<!-- Written by `scimix_train --settings-document`; a test compares. Don't edit it by hand. -->
# Settings

A setting is given as an option (`--learning-rate 0.1`, `--learning-rate=0.1`) or in a configuration file
(`learning-rate = 0.1`), which `--config FILE` reads. ★ marks everyday settings, which `--help` lists; `--help-all` lists
all. ↻ marks settings that may change when a run is resumed.

**Switches** are the settings that are true or false. As an option, a switch needs no value: `--skip-unreadable` and
`--skip-unreadable true` mean the same, and `--skip-unreadable false` leaves it off. This holds in all programs. In a command that also takes
files, such as `scimix_eval predict`, the word behind a switch is its value only if it is `true` or `false`.

**Precedence.** Settings come from several layers. Later layers in this list override earlier layers:

1. the defaults
2. the preset that `preset` selects
3. configuration files, in the order of their `--config` options; a file overrides the files that it extends
4. the command line

`scale = "cpu"`, in a file or on the command line, overrides the layers before its own layer. Settings that its own layer or a
later layer gives stay as they are.

**Configuration files** are TOML. Keys are the names below, at the top of the file, in no table. A file may extend other files:
`extends = ["layers/supervised-full.toml"]`, with paths relative to the file's folder. If a value has another type or is outside
its range, the program ends with a message that names file, line, key, the value and what was expected. TOML permits only UTF-8: a
path with other bytes is written `{ percent-encoded = "caf%E9" }`. A seed above 2^63 - 1 is written as text. FILE may also be a pipe or
`/dev/null`.

**`config.toml`** in a run folder has the final value of every setting of the run. `--config RUN/config.toml --out NEW` repeats the run in another folder.
Paths of data and generators are absolute, so that a run can be resumed from any folder.

**`--resume RUN`** resumes a run. Settings marked ↻ can be changed with it, and are then recorded in `config.toml`. A change of any
other setting is an error.
)";

std::vector<std::string> choices_of(const Setting& setting) {
  if (setting.type == SettingType::choice) return setting.choices;
  if (setting.type == SettingType::boolean) return {"true", "false"};
  if (setting.name == "device") return {"auto", "cpu", "cuda:0"};
  return {};
}

// Returns a setting as an option of man pages and completion.
ListedOption listed(const Setting& setting, const std::string& default_text) {
  return {.name = setting.name,
          .value = is_flag(setting) ? "" : placeholder(setting),
          .help = whole_help(setting, default_text),
          .choices = choices_of(setting),
          .is_path = setting.type == SettingType::path,
          .is_switch = setting.type == SettingType::boolean};
}

}  // namespace

std::span<const Setting> command_options(const RunKind& kind) {
  static const std::vector<Setting> all = [] {
    const auto option = [](const char* name, const char* help, SettingType type) {
      return Setting{
          .name = name, .group = "Command", .tier = Tier::everyday, .help = help, .type = type};
    };
    return std::vector<Setting>{
        option("config",
               "Reads settings from this TOML file. May be repeated; later files override earlier "
               "files.",
               SettingType::path),
        option("resume",
               "Resumes the run in this folder, with its settings. Only the settings that "
               "docs/settings.md marks for this can be changed.",
               SettingType::path),
        option("help", "Shows the everyday options.", SettingType::text),
        option("help-all", "Shows all options.", SettingType::text),
        // Options of the classifier alone come last.
        option("seeds",
               "Trains one run after another, for a list such as 0,1,2 of values for --seed and "
               "--split-seed, in the folders OUT/seed-N. Prints mean and standard deviation.",
               SettingType::text)};
  }();
  return std::span(all).first(kind.name == "classifier" ? all.size() : all.size() - 1);
}

std::string help_text(const RunKind& kind, bool all) {
  std::string out =
      fmt::format("usage: scimix_train {} [options]\n\n{}\n", kind.name, kind.summary);
  std::string group;
  if (!all) out += '\n';
  for (std::size_t i = 0; i < kind.settings.size(); ++i) {
    const Setting& setting = kind.settings[i];
    if (!all && setting.tier != Tier::everyday) continue;
    if (all && setting.group != group) out += "\n" + setting.group + ":\n";
    group = setting.group;
    append_option(setting, text_of(kind.defaults[i]), out);
  }
  out += all ? "\nCommand:\n" : "\n";
  for (const Setting& option : command_options(kind)) append_option(option, "", out);
  if (!all) {
    out += fmt::format(
        "\nThese are the everyday options. scimix_train {} --help-all shows all {};\n"
        "docs/settings.md lists their ranges, and explains which settings override which.\n",
        kind.name, kind.settings.size() + command_options(kind).size());
  }
  return out;
}

std::string settings_document() {
  std::string out = kDocumentHead;
  for (const RunKind* const kind : kinds()) append_document_of(*kind, out);
  return out;
}

OptionList options_of(const RunKind& kind) {
  OptionList out{.summary = kind.summary, .options = {}, .positionals = {}};
  for (std::size_t i = 0; i < kind.settings.size(); ++i) {
    out.options.push_back(listed(kind.settings[i], text_of(kind.defaults[i])));
  }
  for (const Setting& option : command_options(kind)) out.options.push_back(listed(option, ""));
  return out;
}

}  // namespace scimix

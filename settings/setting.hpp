// The description of one setting of a run, which the command line, configuration files, documents
// and checks use. The names, ranges and help of all settings are in *_settings.cpp and
// shared_settings.hpp; their defaults are the initial values of the structures in *_config.hpp and
// settings.hpp.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace scimix {

using SettingValue = std::variant<bool, std::int64_t, std::uint64_t, double, std::string>;

// The type of a value. Each comment names the alternative of SettingValue that holds it.
enum class SettingType {
  boolean,  // bool
  whole,    // std::int64_t
  seed,     // std::uint64_t
  number,   // double, finite
  text,     // std::string
  path,     // std::string, may contain any bytes except NUL
  labels,   // std::string: a whole number or "all"
  choice,   // std::string: one of Setting::choices
};

// The help that lists a setting: --help lists everyday settings, --help-all lists all.
enum class Tier { everyday, advanced };

// Whether a resumed run may have another value than it started with.
enum class OnResume {
  stays,
  changes_training,  // it may, and its remaining steps then train other networks
  may_change,        // it may; the networks stay the same, apart from rounding on another device
};

struct SettingRange {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool least_is_excluded = false;
};

struct Setting {
  std::string name;   // the key in configuration files; --name on the command line
  std::string group;  // the heading in help and documents
  Tier tier = Tier::advanced;
  OnResume on_resume = OnResume::stays;
  std::string help;  // what it does, its unit, when to change it
  SettingRange range = {};
  SettingType type = SettingType::text;  // SettingTable derives it from the field
  std::vector<std::string> choices = {};
};

// The file and line in which a value was written, for error messages.
struct SettingPlace {
  std::string file;  // empty: the command line
  int line = 0;
};

// Returns "--steps 0" or "a.toml:3: steps 0": the start of every message about a value.
[[nodiscard]] std::string describe(const SettingPlace& place, const std::string& name,
                                   const std::string& written);
// Returns a description of the allowed values, such as "a whole number, at least 1".
[[nodiscard]] std::string expected(const Setting& setting);

// Parses a value from text in the form of the command line. Errors (user): not of the setting's
// type, or outside its range; the message starts with describe(place, ...).
[[nodiscard]] SettingValue parse_value(const Setting& setting, const std::string& written,
                                       const SettingPlace& place);
// Checks that the value is in the setting's range. Errors (user): those of parse_value.
void check_value(const Setting& setting, const SettingValue& value, const SettingPlace& place);

// Converts a value to text, from which parse_value returns an equal value.
[[nodiscard]] std::string text_of(const SettingValue& value);

// Returns the index of the setting with this name, or -1.
[[nodiscard]] int find_setting(std::span<const Setting> settings, std::string_view name);
// Returns "; did you mean NAME?" with the setting whose name is most similar to `name`, with
// `dashes` before it.
[[nodiscard]] std::string suggest_setting(std::span<const Setting> settings, std::string_view name,
                                          std::string_view dashes);

}  // namespace scimix

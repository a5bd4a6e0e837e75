// One setting of a run, as command line, configuration files, documents and checks see it. Which
// settings there are, with their defaults, ranges and help, is stated in the tables of
// classifier_settings.cpp, generator_settings.cpp and shared_settings.hpp, and nowhere else.
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

// What a value may be. The comment names the alternative of SettingValue that holds it.
enum class SettingType {
  boolean,  // bool
  whole,    // std::int64_t
  seed,     // std::uint64_t
  number,   // double, finite
  text,     // std::string
  path,     // std::string of any bytes but NUL
  labels,   // std::string: a whole number or "all"
  choice,   // std::string: one of Setting::choices
};

// Which help lists a setting: everyday settings are on the first screen.
enum class Tier { everyday, advanced };

// Whether a resumed run may go on with another value than it began with.
enum class OnResume { stays, may_change };

struct SettingRange {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool least_is_excluded = false;
};

struct Setting {
  std::string name;   // key of configuration files; --name on the command line
  std::string group;  // heading in help and documents
  Tier tier = Tier::advanced;
  OnResume on_resume = OnResume::stays;
  std::string help;  // what it does, its unit, when one would change it
  SettingRange range = {};
  SettingType type = SettingType::text;  // set by the table, from the field
  std::vector<std::string> choices = {};
};

// Where a value was written. An error names it.
struct SettingPlace {
  std::string file;  // empty: the command line
  int line = 0;
};

// Returns "--steps 0" or "a.toml:3: steps 0": the start of every message about a value.
[[nodiscard]] std::string describe(const SettingPlace& place, const std::string& name,
                                   const std::string& written);
// Returns what a value must be: "a whole number, at least 1".
[[nodiscard]] std::string expected(const Setting& setting);

// Reads a value as the command line has it. Errors (user): not of the setting's type, or outside
// its range; the message starts with describe(place, ...).
[[nodiscard]] SettingValue parse_value(const Setting& setting, const std::string& written,
                                       const SettingPlace& place);
// Checks the range alone. Errors (user): as parse_value.
void check_value(const Setting& setting, const SettingValue& value, const SettingPlace& place);

// Returns the value as the command line would have it; parse_value reads it back equal.
[[nodiscard]] std::string text_of(const SettingValue& value);

// Returns the position of the setting with this name, or -1.
[[nodiscard]] int find_setting(std::span<const Setting> settings, std::string_view name);
// Returns "; did you mean NAME?" with the setting whose name is nearest.
[[nodiscard]] std::string suggest_setting(std::span<const Setting> settings, std::string_view name,
                                          std::string_view dashes);

}  // namespace scimix

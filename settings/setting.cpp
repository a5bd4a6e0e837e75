#include "settings/setting.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "core/choice.hpp"
#include "core/error.hpp"
#include "core/names.hpp"
#include "core/paths.hpp"
#include "settings/boolean_word.hpp"
#include "settings/normalized_labels.hpp"

namespace scimix {

namespace {

template <class T>
std::optional<T> parse_number(const std::string& word) {
  T value{};
  const char* const end = word.data() + word.size();
  const auto [at, fault] = std::from_chars(word.data(), end, value);
  if (word.empty() || fault != std::errc() || at != end) return std::nullopt;
  return value;
}

bool is_number_of_labels(const std::string& word) {
  return word == "all" || parse_number<std::int64_t>(word).value_or(-1) >= 0;
}

std::string range_text(const SettingRange& range) {
  // Bounds that follow only from the width of an integer are left out.
  const bool has_least = range.least > std::numeric_limits<std::int32_t>::min();
  const bool has_most = range.most < std::numeric_limits<std::int32_t>::max();
  const std::string most = fmt::format("{}", range.most);
  if (range.least_is_excluded) return fmt::format("more than {} and at most {}", range.least, most);
  if (has_least && has_most) return fmt::format("{} to {}", range.least, most);
  if (has_least) return fmt::format("at least {}", range.least);
  return has_most ? "at most " + most : "";
}

bool is_inside(const SettingRange& range, double value) {
  if (!std::isfinite(value)) return false;
  return (range.least_is_excluded ? value > range.least : value >= range.least) &&
         value <= range.most;
}

std::string list_of(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
  return list;
}

}  // namespace

std::string describe(const SettingPlace& place, const std::string& name,
                     const std::string& written) {
  if (place.file.empty()) return "--" + name + " " + shown(written);
  return fmt::format("{}:{}: {} {}", place.file, place.line, shown(name), shown(written));
}

std::string expected(const Setting& setting) {
  const std::string range = range_text(setting.range);
  switch (setting.type) {
    case SettingType::boolean:
      return "true or false";
    case SettingType::whole:
      return "a whole number" + (range.empty() ? "" : ", " + range);
    case SettingType::seed:
      return "a whole number from 0";
    case SettingType::number:
      return "a number" + (range.empty() ? "" : ", " + range);
    case SettingType::labels:
      return "a whole number or all";
    case SettingType::choice:
      return list_of(setting.choices);
    case SettingType::text:
      return "text";
    case SettingType::path:
      return "a path";
  }
  return {};
}

SettingValue parse_value(const Setting& setting, const std::string& written,
                         const SettingPlace& place) {
  std::optional<SettingValue> value;
  switch (setting.type) {
    case SettingType::boolean:
      if (const auto found = parse_boolean(written)) value = *found;
      break;
    case SettingType::whole:
      if (const auto found = parse_number<std::int64_t>(written)) value = *found;
      break;
    case SettingType::seed:
      if (const auto found = parse_number<std::uint64_t>(written)) value = *found;
      break;
    case SettingType::number:
      if (const auto found = parse_number<double>(written)) value = *found;
      break;
    case SettingType::labels:
      value = normalized_labels(written);
      break;
    default:
      value = written;
  }
  if (!value) {
    user_error(describe(place, setting.name, written), ": expected ", expected(setting));
  }
  check_value(setting, *value, place);
  return *value;
}

void check_value(const Setting& setting, const SettingValue& value, const SettingPlace& place) {
  const auto refuse = [&] {
    user_error(describe(place, setting.name, text_of(value)), ": expected ", expected(setting));
  };
  const auto check_range = [&](double number) {
    if (is_inside(setting.range, number)) return;
    std::string bounds = range_text(setting.range);
    // range_text leaves out bounds that follow only from the width of an integer.
    const bool too_wide = number > setting.range.most && bounds.find(" to ") == std::string::npos;
    if (too_wide && !setting.range.least_is_excluded) {
      bounds = fmt::format("at most {}", setting.range.most);
    }
    if (bounds.empty() || !std::isfinite(number)) refuse();
    user_error(describe(place, setting.name, text_of(value)), ": expected ", bounds);
  };
  switch (setting.type) {
    case SettingType::whole:
      check_range(static_cast<double>(std::get<std::int64_t>(value)));
      break;
    case SettingType::number:
      check_range(std::get<double>(value));
      break;
    case SettingType::choice: {
      const auto& word = std::get<std::string>(value);
      for (const std::string& choice : setting.choices) {
        if (word == choice) return;
      }
      refuse_choice(describe(place, setting.name, word), word, setting.choices);
    }
    case SettingType::labels:
      if (!is_number_of_labels(std::get<std::string>(value))) refuse();
      break;
    case SettingType::text:
    case SettingType::path:
      if (std::get<std::string>(value).find('\0') != std::string::npos) {
        user_error(describe(place, setting.name, "(...)"), ": expected no byte of value 0");
      }
      break;
    case SettingType::boolean:
    case SettingType::seed:
      break;
  }
}

std::string text_of(const SettingValue& value) {
  return std::visit([](const auto& v) { return fmt::format("{}", v); }, value);
}

int find_setting(std::span<const Setting> settings, std::string_view name) {
  for (std::size_t i = 0; i < settings.size(); ++i) {
    if (settings[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

std::string suggest_setting(std::span<const Setting> settings, std::string_view name,
                            std::string_view dashes) {
  std::vector<std::string> names;
  for (const Setting& setting : settings) names.push_back(setting.name);
  const std::string nearest = nearest_name(name, names);
  return nearest.empty() ? "" : fmt::format("; did you mean {}{}?", dashes, nearest);
}

}  // namespace scimix

#include "settings/toml_values.hpp"

#include <charconv>
#include <sstream>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/file.hpp"
#include "settings/normalized_labels.hpp"
#include "settings/percent_encoding.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

// Returns the key in a line of the file, for messages about invalid TOML.
std::string key_in_line(const std::string& text, int line) {
  std::istringstream lines(text);
  std::string found;
  for (int i = 0; i < line; ++i) std::getline(lines, found);
  const auto equals = found.find('=');
  if (equals == std::string::npos) return "";
  const auto first = found.find_first_not_of(" \t\"'");
  const auto last = found.find_last_not_of(" \t\"'", equals - 1);
  if (equals == 0 || first >= equals || last == std::string::npos) return "";
  return shown(found.substr(first, last - first + 1));
}

// Returns the line at which the parser throws TomlConditionFailed, which has no position itself:
// parses the first line, the first two lines, and so on. Expects that parsing the whole text throws
// it.
int line_of_failed_condition(const std::string& text) {
  int line = 1;
  for (std::size_t end = text.find('\n'); end != std::string::npos;
       end = text.find('\n', end + 1)) {
    try {
      (void)toml::parse(std::string_view(text).substr(0, end));
    } catch (const TomlConditionFailed&) {
      return line;
    } catch (const toml::parse_error&) {  // the part ends within a value of several lines
    }
    ++line;
  }
  return line;
}

std::optional<SettingValue> text_in(const toml::node& node) {
  if (const auto value = node.value_exact<std::string>()) return *value;
  const toml::table* const table = node.as_table();
  if (table == nullptr || table->size() != 1) return std::nullopt;
  const auto encoded = (*table)[kEncodedKey].value_exact<std::string>();
  if (!encoded) return std::nullopt;
  const std::optional<std::string> text = percent_decoded(*encoded);
  return text ? std::optional<SettingValue>(*text) : std::nullopt;
}

// Returns the value of a node, or nothing if the node has another type than the setting.
std::optional<SettingValue> value_of(const Setting& setting, const toml::node& node) {
  switch (setting.type) {
    case SettingType::boolean:
      if (const auto value = node.value_exact<bool>()) return *value;
      return std::nullopt;
    case SettingType::whole:
      if (const auto value = node.value_exact<std::int64_t>()) return *value;
      return std::nullopt;
    case SettingType::number:
      if (const auto value = node.value_exact<double>()) return *value;
      if (const auto value = node.value_exact<std::int64_t>()) return static_cast<double>(*value);
      return std::nullopt;
    case SettingType::seed:  // seeds above TOML's largest integer are text
      if (const auto value = node.value_exact<std::int64_t>(); value && *value >= 0) {
        return static_cast<std::uint64_t>(*value);
      }
      if (const auto value = node.value_exact<std::string>()) {
        const char* const end = value->data() + value->size();
        std::uint64_t seed = 0;
        const auto [stop, fault] = std::from_chars(value->data(), end, seed);
        if (!value->empty() && fault == std::errc() && stop == end) return seed;
      }
      return std::nullopt;
    case SettingType::labels:
      if (const auto value = node.value_exact<std::int64_t>()) return std::to_string(*value);
      if (const auto value = node.value_exact<std::string>()) return normalized_labels(*value);
      return text_in(node);
    case SettingType::choice:
    case SettingType::text:
    case SettingType::path:
      return text_in(node);
  }
  return std::nullopt;
}

}  // namespace

std::string read_toml_text(const fs::path& path) {
  const std::vector<std::uint8_t> bytes = read_file_or_stream(path);
  return {bytes.begin(), bytes.end()};
}

toml::table parse_toml(const fs::path& path, const std::string& text) {
  try {
    return toml::parse(text, path.string());
  } catch (const toml::parse_error& error) {
    const int line = static_cast<int>(error.source().begin.line);
    const std::string key = key_in_line(text, line);
    user_error(path.string(), ":", line, ": ", key.empty() ? "" : key + ": ",
               "not TOML: ", shown(std::string(error.description())));
  } catch (const TomlConditionFailed&) {
    user_error(path.string(), ":", line_of_failed_condition(text),
               ": not TOML: found an unexpected character");
  }
}

SettingPlace place_of(const fs::path& path, const toml::source_region& source) {
  return {path.string(), static_cast<int>(source.begin.line)};
}

std::string type_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

std::string written(const toml::node& node) {
  std::ostringstream text;
  node.visit([&](const auto& value) {
    if constexpr (toml::is_table<decltype(value)>) {
      text << "{...}";
    } else if constexpr (toml::is_array<decltype(value)>) {
      text << "[...]";
    } else {
      text << value;
    }
  });
  return text.str();
}

std::optional<std::vector<std::string>> names_of(const toml::node& node) {
  if (const auto one = node.value_exact<std::string>()) return std::vector{*one};
  const toml::array* const several = node.as_array();
  if (several == nullptr) return std::nullopt;
  std::vector<std::string> names;
  for (const toml::node& name : *several) {
    const auto word = name.value_exact<std::string>();
    if (!word) return std::nullopt;
    names.push_back(*word);
  }
  return names;
}

GivenSetting read_setting(const RunKind& kind, const fs::path& path, const toml::key& key,
                          const toml::node& node) {
  const std::string name(key.str());
  const SettingPlace place = place_of(path, key.source());
  const int index = find_setting(kind.settings, name);
  if (index < 0 && node.is_table()) {
    user_error(place.file, ":", place.line, ": unknown table ", shown(name),
               "; settings stand at the top of the file, in no table");
  }
  if (index < 0 && name == "config") {
    user_error(place.file, ":", place.line, ": unknown key config: a configuration file cannot ",
               "name another one with it; extends = [\"FILE\"] builds on other files");
  }
  if (index < 0 && (name == "resume" || name == "seeds" || name.starts_with("help"))) {
    user_error(place.file, ":", place.line, ": unknown key ", name,
               ": expected only on the command line, as --", name);
  }
  if (index < 0) {
    user_error(place.file, ":", place.line, ": unknown key ", shown(name),
               suggest_setting(kind.settings, name, ""));
  }
  const Setting& found = kind.settings[static_cast<std::size_t>(index)];
  const std::optional<SettingValue> value = value_of(found, node);
  if (!value) {
    user_error(describe(place, name, written(node)), ": found ", type_of(node), ", expected ",
               expected(found));
  }
  check_value(found, *value, place);
  return {index, *value, place};
}

}  // namespace scimix

#include "settings/settings_file.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/file.hpp"
#include "settings/utf8.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

constexpr const char* kEncodedKey = "percent-encoded";

std::string read_text(const fs::path& path) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

// Returns the path by which two names of one file are recognised.
fs::path identity_of(const fs::path& path) {
  std::error_code unknown;
  fs::path whole = fs::weakly_canonical(path, unknown);
  return unknown ? path : whole;
}

// The key in a line of the file, for messages about lines that are no TOML.
std::string key_in_line(const std::string& text, int line) {
  std::istringstream lines(text);
  std::string found;
  for (int i = 0; i < line; ++i) std::getline(lines, found);
  const auto equals = found.find('=');
  if (equals == std::string::npos) return "";
  const auto first = found.find_first_not_of(" \t\"'");
  const auto last = found.find_last_not_of(" \t\"'", equals - 1);
  if (equals == 0 || first >= equals || last == std::string::npos) return "";
  return found.substr(first, last - first + 1);
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
  std::string line = text.str();
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

// One file that is being read.
class Reader {
 public:
  Reader(const RunKind& kind, fs::path path) : kind_(kind), path_(std::move(path)) {}

  // `outer`: the files that led here.
  std::vector<SettingLayer> read(std::vector<fs::path> outer) {
    const std::string text = read_text(path_);
    if (is_first_format(text)) return {read_first_format(text)};
    const toml::table table = parse(text);
    std::vector<SettingLayer> layers;
    if (const toml::node* const base = table.get("extends")) {
      outer.push_back(identity_of(path_));
      layers = read_bases(*base, outer);
    }
    SettingLayer own;
    for (const auto& [key, node] : table) {
      if (key.str() != "extends") own.push_back(setting(std::string(key.str()), key, node));
    }
    layers.push_back(std::move(own));
    return layers;
  }

 private:
  [[nodiscard]] SettingPlace at(const toml::source_region& source) const {
    return {path_.string(), static_cast<int>(source.begin.line)};
  }

  [[nodiscard]] toml::table parse(const std::string& text) const {
    try {
      return toml::parse(text, path_.string());
    } catch (const toml::parse_error& error) {
      const int line = static_cast<int>(error.source().begin.line);
      const std::string key = key_in_line(text, line);
      user_error(path_.string(), ":", line, ": ", key.empty() ? "" : key + ": ",
                 "not TOML: ", error.description());
    }
  }

  std::vector<SettingLayer> read_bases(const toml::node& base, const std::vector<fs::path>& outer) {
    std::vector<std::string> names;
    if (const auto one = base.value<std::string>()) names = {*one};
    if (const toml::array* const several = base.as_array()) {
      for (const toml::node& name : *several) {
        names.push_back(name.value<std::string>().value_or(""));
      }
    }
    if (names.empty() || std::find(names.begin(), names.end(), "") != names.end()) {
      user_error(describe(at(base.source()), "extends", written(base)),
                 ": expected a file or an array of files");
    }
    std::vector<SettingLayer> layers;
    for (const std::string& name : names) {
      const fs::path file = path_.parent_path() / name;
      if (std::find(outer.begin(), outer.end(), identity_of(file)) != outer.end()) {
        user_error(describe(at(base.source()), "extends", name), ": these files extend each other");
      }
      if (path_kind(file) == PathKind::missing) {
        user_error(describe(at(base.source()), "extends", name), ": no such file");
      }
      for (SettingLayer& layer : Reader(kind_, file).read(outer))
        layers.push_back(std::move(layer));
    }
    return layers;
  }

  [[nodiscard]] GivenSetting setting(const std::string& name, const toml::key& key,
                                     const toml::node& node) const {
    const SettingPlace place = at(key.source());
    const int index = find_setting(kind_.settings, name);
    if (index < 0 && node.is_table()) {
      user_error(place.file, ":", place.line, ": unknown table ", name,
                 "; settings stand at the top of the file, in no table");
    }
    if (index < 0) {
      user_error(place.file, ":", place.line, ": unknown key ", name,
                 suggest_setting(kind_.settings, name, ""));
    }
    const Setting& found = kind_.settings[static_cast<std::size_t>(index)];
    const std::optional<SettingValue> value = value_of(found, node);
    if (!value) {
      user_error(describe(place, name, written(node)), ": found ", type_of(node), ", expected ",
                 expected(found));
    }
    check_value(found, *value, place);
    return {index, *value, place};
  }

  // Nothing where the node is of another type.
  static std::optional<SettingValue> value_of(const Setting& setting, const toml::node& node) {
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
      case SettingType::seed:  // those beyond TOML's integers are text
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
        return text_in(node);
      case SettingType::choice:
      case SettingType::text:
      case SettingType::path:
        return text_in(node);
    }
    return std::nullopt;
  }

  static std::optional<SettingValue> text_in(const toml::node& node) {
    if (const auto value = node.value_exact<std::string>()) return *value;
    const toml::table* const table = node.as_table();
    if (table == nullptr || table->size() != 1) return std::nullopt;
    const auto encoded = (*table)[kEncodedKey].value_exact<std::string>();
    if (!encoded) return std::nullopt;
    const std::optional<std::string> text = percent_decoded(*encoded);
    return text ? std::optional<SettingValue>(*text) : std::nullopt;
  }

  // A config.toml of the programs before format 2: lines of KEY=VALUE, where a text stands between
  // quotes as it is, and true and false are 1 and 0.
  static bool is_first_format(const std::string& text) {
    return text.starts_with(kRunMark) &&
           text.find(std::string("\n") + kFormatMark + "\n") == std::string::npos;
  }

  [[nodiscard]] SettingLayer read_first_format(const std::string& text) const {
    SettingLayer layer;
    std::istringstream lines(text);
    SettingPlace place{path_.string(), 0};
    for (std::string line; std::getline(lines, line);) {
      ++place.line;
      const auto equals = line.find('=');
      if (line.starts_with('#') || line.empty() || equals == std::string::npos) continue;
      const std::string name = line.substr(0, line.find_last_not_of(" \t", equals - 1) + 1);
      std::string value =
          line.substr(std::min(line.find_first_not_of(" \t", equals + 1), line.size()));
      const bool quoted =
          value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0];
      if (quoted) value = value.substr(1, value.size() - 2);
      const int index = find_setting(kind_.settings, name);
      if (index < 0) {
        user_error(place.file, ":", place.line, ": unknown key ", name,
                   suggest_setting(kind_.settings, name, ""));
      }
      const Setting& setting = kind_.settings[static_cast<std::size_t>(index)];
      layer.push_back({index, parse_value(setting, value, place), place});
    }
    return layer;
  }

  const RunKind& kind_;
  fs::path path_;
};

std::string toml_string(const std::string& text) {
  if (!is_utf8(text)) return fmt::format("{{ {} = \"{}\" }}", kEncodedKey, percent_encoded(text));
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += std::string("\\") + c;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string toml_number(double value) {
  if (value == 0 && std::signbit(value)) return "-0.0";
  return fmt::format("{}", value);
}

// True for the digits of a TOML integer: no leading zeros.
bool is_whole(const std::string& word) {
  return !word.empty() && word.size() < 19 && (word == "0" || word[0] != '0') &&
         word.find_first_not_of("0123456789") == std::string::npos;
}

std::string toml_seed(std::uint64_t value) {
  const bool fits = value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return fits ? std::to_string(value) : '"' + std::to_string(value) + '"';
}

}  // namespace

std::vector<SettingLayer> read_settings_file(const RunKind& kind, const fs::path& path) {
  return Reader(kind, path).read({});
}

std::string toml_value(const SettingValue& value) {
  struct {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(std::uint64_t v) const { return toml_seed(v); }
    std::string operator()(double v) const { return toml_number(v); }
    std::string operator()(const std::string& v) const { return toml_string(v); }
  } const writer;
  return std::visit(writer, value);
}

std::string settings_text(const RunKind& kind, const SettingValues& values) {
  std::string text;
  std::string group;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Setting& setting = kind.settings[i];
    if (setting.group != group) text += (text.empty() ? "# " : "\n# ") + setting.group + '\n';
    group = setting.group;
    const auto* const word = std::get_if<std::string>(&values[i]);
    const bool number_of_labels = setting.type == SettingType::labels && is_whole(*word);
    text += setting.name + '=' + (number_of_labels ? *word : toml_value(values[i])) + '\n';
  }
  return text;
}

}  // namespace scimix

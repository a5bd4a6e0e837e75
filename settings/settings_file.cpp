#include "settings/settings_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "core/utf8.hpp"
#include "settings/percent_encoding.hpp"
#include "settings/toml_values.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

// Returns the canonical path, which is equal for two names of the same file.
fs::path identity_of(const fs::path& path) {
  std::error_code unknown;
  fs::path whole = fs::weakly_canonical(path, unknown);
  return unknown ? path : whole;
}

// Reads one file and the files that it extends.
class Reader {
 public:
  Reader(const RunKind& kind, fs::path path) : kind_(kind), path_(std::move(path)) {}

  // `outer` are the files that extend this file, directly or indirectly.
  std::vector<SettingLayer> read(std::vector<fs::path> outer) {
    const std::string text = read_toml_text(path_);
    if (is_first_format(text)) return {with_earlier_values(read_first_format(text))};
    const toml::table table = parse_toml(path_, text);
    std::vector<SettingLayer> layers;
    if (const toml::node* const base = table.get("extends")) {
      outer.push_back(identity_of(path_));
      layers = read_bases(*base, outer);
    }
    SettingLayer own;
    for (const auto& [key, node] : table) {
      if (key.str() != "extends") own.push_back(read_setting(kind_, path_, key, node));
    }
    if (is_config_of_run(text)) own = with_earlier_values(std::move(own));
    layers.push_back(std::move(own));
    return layers;
  }

 private:
  // Adds what the config.toml of a run means by settings that it does not have.
  [[nodiscard]] SettingLayer with_earlier_values(SettingLayer layer) const {
    for (const auto& [name, text] : kind_.values_before) {
      const int index = kind_.index(name);
      if (std::ranges::any_of(layer, [&](const auto& own) { return own.index == index; })) continue;
      const SettingPlace place{path_.string(), 0};
      const Setting& setting = kind_.settings[static_cast<std::size_t>(index)];
      layer.push_back({index, parse_value(setting, text, place), place});
    }
    return layer;
  }

  std::vector<SettingLayer> read_bases(const toml::node& base, const std::vector<fs::path>& outer) {
    const std::optional<std::vector<std::string>> names = names_of(base);
    const SettingPlace place = place_of(path_, base.source());
    if (!names || names->empty() || std::ranges::find(*names, "") != names->end()) {
      user_error(describe(place, "extends", written(base)),
                 ": expected a file or an array of files");
    }
    std::vector<SettingLayer> layers;
    for (const std::string& name : *names) {
      const fs::path file = path_.parent_path() / name;
      if (std::find(outer.begin(), outer.end(), identity_of(file)) != outer.end()) {
        user_error(describe(place, "extends", name), ": these files extend each other");
      }
      if (path_kind(file) == PathKind::missing) {
        user_error(describe(place, "extends", name), ": no such file");
      }
      for (SettingLayer& layer : Reader(kind_, file).read(outer))
        layers.push_back(std::move(layer));
    }
    return layers;
  }

  // Returns whether a line of the text sets `key`.
  static bool sets(const std::string& text, const std::string& key) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(key)) continue;
      const std::size_t next = line.find_first_not_of(" \t", key.size());
      if (next != std::string::npos && line[next] == '=') return true;
    }
    return false;
  }

  // Returns whether the text is the config.toml of a run: its first line is the mark and one word,
  // and it has all settings, so also `seed` and `out`. A person's file may begin with a comment
  // such as "# scimix_train generator".
  static bool is_config_of_run(const std::string& text) {
    if (!text.starts_with(kRunMark)) return false;
    const std::size_t from = std::string_view(kRunMark).size();
    const std::string word = text.substr(from, text.find('\n') - from);
    const bool is_kind = word == "classifier" || word == "generator" || word == "auto";
    return is_kind && sets(text, "seed") && sets(text, "out") && !sets(text, "extends");
  }

  // Returns whether the text is a config.toml in the format before kFormatMark: lines of KEY=VALUE,
  // with text between quotes but without escapes, and 1 and 0 for true and false.
  static bool is_first_format(const std::string& text) {
    return is_config_of_run(text) &&
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
        user_error(place.file, ":", place.line, ": unknown key ", shown(name),
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

// Returns whether the text is a TOML integer: digits without leading zeros.
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

std::string config_text(const RunKind& kind, const SettingValues& values,
                        const std::vector<std::string>& notes) {
  std::string text = kRunMark + kind.name + '\n';
  for (const std::string& note : notes) text += "# " + note + '\n';
  return text + kFormatMark + "\n\n" + settings_text(kind, values);
}

}  // namespace scimix

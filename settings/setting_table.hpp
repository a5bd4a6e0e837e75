// A table of settings, each of which is bound to a field of the structure Config.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/choice.hpp"
#include "settings/setting.hpp"

namespace scimix {

// The values of the settings of a table, in the order of the table.
using SettingValues = std::vector<SettingValue>;

template <class Config>
class SettingTable {
 public:
  // Adds a setting. `field` is a function that returns a reference to the field of a Config or
  // const Config. The setting's type follows from the type of the field, and its default from the
  // field's initial value.
  template <class Field>
  void add(Setting setting, Field field) {
    using T = std::remove_cvref_t<decltype(field(std::declval<Config&>()))>;
    if constexpr (NamedEnum<T>) {
      setting.type = SettingType::choice;
      setting.choices = choice_names<T>();
    } else if constexpr (std::is_same_v<T, bool>) {
      setting.type = SettingType::boolean;
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
      setting.type = SettingType::seed;
    } else if constexpr (std::is_integral_v<T>) {
      setting.type = SettingType::whole;
      if constexpr (sizeof(T) == 4) {  // a wider number would wrap
        setting.range.most = std::min(setting.range.most, double{std::numeric_limits<T>::max()});
        setting.range.least = std::max(setting.range.least, double{std::numeric_limits<T>::min()});
      }
    } else if constexpr (std::is_same_v<T, double>) {
      setting.type = SettingType::number;
    }
    settings_.push_back(std::move(setting));
    readers_.push_back([field](const Config& config) -> SettingValue {
      const T& value = field(config);
      if constexpr (NamedEnum<T>) {
        return std::string(name_of(value));
      } else if constexpr (std::is_same_v<T, int>) {
        return std::int64_t{value};
      } else {
        return value;
      }
    });
    writers_.push_back([field](Config& config, const SettingValue& value) {
      if constexpr (NamedEnum<T>) {
        field(config) = choice_of<T>(std::get<std::string>(value));
      } else if constexpr (std::is_same_v<T, int>) {
        field(config) = static_cast<int>(std::get<std::int64_t>(value));
      } else {
        field(config) = std::get<T>(value);
      }
    });
  }

  [[nodiscard]] const std::vector<Setting>& settings() const { return settings_; }

  // Converts a structure to the values of its settings.
  [[nodiscard]] SettingValues values(const Config& config) const {
    SettingValues out;
    for (const auto& read : readers_) out.push_back(read(config));
    return out;
  }

  // Converts values to a structure.
  [[nodiscard]] Config config(const SettingValues& values) const {
    Config out;
    for (std::size_t i = 0; i < writers_.size(); ++i) writers_[i](out, values.at(i));
    return out;
  }

  // Checks the ranges of all values. Errors (user): a value outside its range; the message names
  // the command line's option.
  void check(const Config& config) const {
    for (std::size_t i = 0; i < settings_.size(); ++i) {
      check_value(settings_[i], readers_[i](config), {});
    }
  }

 private:
  std::vector<Setting> settings_;
  std::vector<std::function<SettingValue(const Config&)>> readers_;
  std::vector<std::function<void(Config&, const SettingValue&)>> writers_;
};

// Adds the settings of one group to a table. `on_resume` holds for all settings that are added by
// the same object.
template <class Config>
class SettingAdder {
 public:
  SettingAdder(SettingTable<Config>& table, std::string name, OnResume on_resume = OnResume::stays)
      : table_(table), name_(std::move(name)), on_resume_(on_resume) {}

  // Adds a setting that --help lists. `type` matters only for a field that is a text.
  template <class Field>
  void everyday(std::string name, std::string help, Field field,
                SettingType type = SettingType::text) const {
    add(Tier::everyday, std::move(name), std::move(help), {}, field, type);
  }
  template <class Field>
  void everyday(std::string name, std::string help, SettingRange range, Field field) const {
    add(Tier::everyday, std::move(name), std::move(help), range, field);
  }

  // Adds a setting that only --help-all lists.
  template <class Field>
  void advanced(std::string name, std::string help, Field field,
                SettingType type = SettingType::text) const {
    add(Tier::advanced, std::move(name), std::move(help), {}, field, type);
  }
  template <class Field>
  void advanced(std::string name, std::string help, SettingRange range, Field field) const {
    add(Tier::advanced, std::move(name), std::move(help), range, field);
  }

 private:
  template <class Field>
  void add(Tier tier, std::string name, std::string help, SettingRange range, Field field,
           SettingType type = SettingType::text) const {
    table_.add({std::move(name), name_, tier, on_resume_, std::move(help), range, type}, field);
  }

  SettingTable<Config>& table_;
  std::string name_;
  OnResume on_resume_;
};

}  // namespace scimix

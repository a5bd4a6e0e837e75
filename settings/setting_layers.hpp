// Computes the final settings of a run from defaults, preset, configuration files and command line.
//
// A setting takes its value from the strongest layer that gives one. Layers, the weakest first:
//   1. the defaults
//   2. the preset that --preset selects
//   3. configuration files, in the order given; a file is stronger than the files it extends
//   4. the command line
// `scale = "cpu"` replaces values of layers weaker than the layer that contains it. Values of that
// layer itself and of stronger layers stay.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "settings/setting.hpp"
#include "settings/setting_table.hpp"

namespace scimix {

// A value that a layer gives to a setting.
struct GivenSetting {
  int index = 0;  // of the setting in the table
  SettingValue value;
  SettingPlace place = {};
};
using SettingLayer = std::vector<GivenSetting>;

// Names of settings and their values, as text in the form of the command line.
using SettingBundle = std::vector<std::pair<std::string, std::string>>;

// A kind of run, described by its table of settings. Code that handles settings of all kinds, such
// as the command line, uses this instead of the structures.
struct RunKind {
  std::string name;  // classifier, generator
  std::string summary;
  std::vector<Setting> settings;
  SettingValues defaults;
  // Returns the values of the selected preset, given the values from all other layers.
  std::function<SettingBundle(const SettingValues&)> preset;
  // Returns the values that `scale = "cpu"` sets, given the values from all other layers.
  std::function<SettingBundle(const SettingValues&)> cpu_scale;
  // Settings with names of folders, to which `scale = "cpu"` appends "-cpu", so that runs of both
  // scales have different folders.
  std::vector<std::string> scaled_folders;
  // Values of settings that are newer than some runs. If the config.toml of a run lacks such a
  // setting, it has this value and not the default, because the program of that time behaved so.
  SettingBundle values_before = {};

  // Returns the index of a setting in the table. Throws Error{bug} if it does not exist.
  [[nodiscard]] int index(const std::string& setting) const;
};

struct ResolvedSettings {
  SettingValues values;
  std::vector<bool> given;  // true for settings that a file or the command line gives
};

// Computes the final values. `layers` has the configuration files and the command line, the weakest
// first.
[[nodiscard]] ResolvedSettings resolve(const RunKind& kind,
                                       const std::vector<SettingLayer>& layers);

}  // namespace scimix

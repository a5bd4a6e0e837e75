// What command line, configuration files, presets and scale say together.
//
// Layers, from the weakest to the strongest:
//   1. the default
//   2. the preset that is in force (--preset)
//   3. configuration files, in the order given; a file is stronger than those it extends
//   4. the command line
// `scale = "cpu"` counts as part of the layer that says it: it shrinks what weaker layers say, and
// leaves alone what its own layer and stronger ones say.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "settings/setting.hpp"
#include "settings/setting_table.hpp"

namespace scimix {

// A value that a layer gives to the setting at this position of the table.
struct GivenSetting {
  int index = 0;
  SettingValue value;
  SettingPlace place = {};
};
using SettingLayer = std::vector<GivenSetting>;

// Settings that come together, by name, with values as the command line would have them.
using SettingBundle = std::vector<std::pair<std::string, std::string>>;

// A kind of run, for everything that works on settings without knowing their structure.
struct RunKind {
  std::string name;  // classifier, generator
  std::string summary;
  std::vector<Setting> settings;
  SettingValues defaults;
  // What the preset that is in force says, given all other layers.
  std::function<SettingBundle(const SettingValues&)> preset;
  // What `scale = "cpu"` says, given all other layers.
  std::function<SettingBundle(const SettingValues&)> cpu_scale;
  // Folders that get "-cpu" behind their names when a scale shrinks them, so that small runs and
  // whole ones don't mix.
  std::vector<std::string> scaled_folders;

  [[nodiscard]] int index(const std::string& setting) const;  // which must exist
};

struct ResolvedSettings {
  SettingValues values;
  std::vector<bool> given;  // by a file or the command line
};

// `layers`: files and command line, the weakest first.
[[nodiscard]] ResolvedSettings resolve(const RunKind& kind,
                                       const std::vector<SettingLayer>& layers);

}  // namespace scimix

#include "settings/setting_layers.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace scimix {

namespace {

constexpr int kDefault = 0;
constexpr int kPreset = 1;
constexpr int kFirstLayer = 2;

// Values, each with the strength of the layer from which it comes.
struct Stacked {
  SettingValues values;
  std::vector<int> strength;

  void set(std::size_t at, const SettingValue& value, int by) {
    values[at] = value;
    strength[at] = by;
  }
};

void apply_preset(const RunKind& kind, Stacked& stack) {
  for (const auto& [name, text] : kind.preset(stack.values)) {
    const auto at = static_cast<std::size_t>(kind.index(name));
    if (stack.strength[at] > kDefault) continue;
    stack.set(at, parse_value(kind.settings[at], text, {}), kPreset);
  }
}

void apply_scale(const RunKind& kind, Stacked& stack) {
  const auto scale = static_cast<std::size_t>(kind.index("scale"));
  const int by = stack.strength[scale];
  if (by == kDefault || stack.values[scale] != SettingValue("cpu")) return;
  for (const auto& [name, text] : kind.cpu_scale(stack.values)) {
    const auto at = static_cast<std::size_t>(kind.index(name));
    if (stack.strength[at] < by) stack.set(at, parse_value(kind.settings[at], text, {}), by);
  }
  for (const std::string& name : kind.scaled_folders) {
    const auto at = static_cast<std::size_t>(kind.index(name));
    const auto& folder = std::get<std::string>(stack.values[at]);
    if (stack.strength[at] < by && !folder.empty()) stack.set(at, folder + "-cpu", by);
  }
}

}  // namespace

int RunKind::index(const std::string& setting) const {
  const int found = find_setting(settings, setting);
  SCIMIX_CHECK(found >= 0, "no setting ", setting);
  return found;
}

ResolvedSettings resolve(const RunKind& kind, const std::vector<SettingLayer>& layers) {
  Stacked stack{kind.defaults, std::vector<int>(kind.settings.size(), kDefault)};
  int strength = kFirstLayer;
  for (const SettingLayer& layer : layers) {
    for (const GivenSetting& given : layer) {
      stack.set(static_cast<std::size_t>(given.index), given.value, strength);
    }
    ++strength;
  }
  ResolvedSettings out;
  for (const int by : stack.strength) out.given.push_back(by >= kFirstLayer);
  apply_preset(kind, stack);
  apply_scale(kind, stack);
  out.values = std::move(stack.values);
  return out;
}

}  // namespace scimix

// Describes the two kinds of runs, and the job of scimix_train auto, and lists their settings.
#pragma once

#include "settings/auto_config.hpp"
#include "settings/classifier_config.hpp"
#include "settings/generator_run_config.hpp"
#include "settings/setting_layers.hpp"
#include "settings/setting_table.hpp"

namespace scimix {

[[nodiscard]] const SettingTable<ClassifierConfig>& classifier_table();
[[nodiscard]] const SettingTable<GeneratorRunConfig>& generator_table();
[[nodiscard]] const SettingTable<AutoConfig>& auto_table();

[[nodiscard]] const RunKind& classifier_kind();
[[nodiscard]] const RunKind& generator_kind();
[[nodiscard]] const RunKind& auto_kind();

}  // namespace scimix

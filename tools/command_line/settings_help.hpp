// Writes the texts that are generated from the settings: help, docs/settings.md, and the options in
// man pages and shell completion.
#pragma once

#include <span>
#include <string>

#include "settings/setting_layers.hpp"
#include "tools/command_line/option_list.hpp"

namespace scimix {

// Returns the options of a command that are not settings, such as --config, --resume and --help.
[[nodiscard]] std::span<const Setting> command_options(const RunKind& kind);

// Returns the help of a command: the everyday options, or all options by group.
[[nodiscard]] std::string help_text(const RunKind& kind, bool all);

// Returns docs/settings.md, as Markdown.
[[nodiscard]] std::string settings_document();

// Returns the settings and the other options of a command, for man pages and completion.
[[nodiscard]] OptionList options_of(const RunKind& kind);

}  // namespace scimix

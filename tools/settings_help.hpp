// Writes the texts that are generated from the settings: help, docs/settings.md, shell completion.
#pragma once

#include <span>
#include <string>

#include "settings/layers.hpp"

namespace scimix {

// Returns the options of a command that are not settings, such as --config, --resume and --help.
[[nodiscard]] std::span<const Setting> command_options(const RunKind& kind);

// Returns the help of a command: the everyday options, or all options by group.
[[nodiscard]] std::string help_text(const RunKind& kind, bool all);

// Returns docs/settings.md, as Markdown.
[[nodiscard]] std::string settings_document();

// Returns a script that completes the options of scimix_train. Errors (user): `shell` is neither
// bash nor zsh.
[[nodiscard]] std::string completion_script(const std::string& shell);

}  // namespace scimix

// Words of a command line that a person can copy into a shell.
#pragma once

#include <string>
#include <string_view>

namespace scimix {

// Returns the word in one line of printable ASCII, as a shell reads it back: plain, 'quoted' or,
// for bytes that are not printable, $'\xE9'.
[[nodiscard]] std::string shell_word(std::string_view word);

}  // namespace scimix

// Formats words of a command line so that they can be copied into a shell.
#pragma once

#include <string>
#include <string_view>

namespace scimix {

// Returns text in printable ASCII that a shell reads as this word. It is the word itself, the word
// in 'quotes' or, if it has bytes that are not printable, a string such as $'\xE9'.
[[nodiscard]] std::string shell_word(std::string_view word);

}  // namespace scimix

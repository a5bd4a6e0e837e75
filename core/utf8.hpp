// Tells valid UTF-8 from other bytes.
#pragma once

#include <cstddef>
#include <string_view>

namespace scimix {

// Returns the number of bytes of the UTF-8 character with which `text` starts, or 0 if `text` does
// not start with a valid character (RFC 3629: no overlong forms, no surrogates, nothing above
// U+10FFFF). `text` is not empty.
[[nodiscard]] std::size_t utf8_character_length(std::string_view text);

// Returns whether the whole text is valid UTF-8.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace scimix

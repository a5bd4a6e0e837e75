// Text of any bytes in files that hold UTF-8 alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace scimix {

// True for valid UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);

// Returns printable ASCII: every other byte, and '%', as %XX.
[[nodiscard]] std::string percent_encoded(std::string_view text);
// Returns nothing where a % is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace scimix

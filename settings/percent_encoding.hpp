// Represents text with arbitrary bytes in files that allow only UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace scimix {

// Encodes text as printable ASCII: bytes that are not printable ASCII, and the characters %, " and
// \, become %XX.
[[nodiscard]] std::string percent_encoded(std::string_view text);
// Reverses percent_encoded. Returns nothing if a % is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace scimix

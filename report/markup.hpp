// Text and pictures inside HTML and SVG.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace scimix {

// `text` as it may stand in an element or in a quoted attribute of HTML and of XML: & < > " ' as
// references; bytes that are not UTF-8 and characters that XML does not have (most controls) become
// U+FFFD, so that a strange folder name can't break a whole document.
[[nodiscard]] std::string escape_markup(std::string_view text);

// How many characters are seen: code points of what escape_markup makes of `text`.
[[nodiscard]] std::int64_t character_count(std::string_view text);

// `text` where it has at most `most` characters (at least 3), else its beginning and its end around
// an ellipsis. Not escaped.
[[nodiscard]] std::string shortened(std::string_view text, std::int64_t most);

// Source: RFC 4648, section 4.
[[nodiscard]] std::string base64(std::span<const std::uint8_t> bytes);

}  // namespace scimix

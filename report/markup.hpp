// Encodes text and pictures for HTML and SVG.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace scimix {

// Returns `text` for an element or for a quoted attribute of HTML and of XML: & < > " ' become
// references; bytes that are not UTF-8 and characters that XML forbids (most control characters)
// become U+FFFD, so that an unusual folder name can't make the document invalid.
[[nodiscard]] std::string escape_markup(std::string_view text);

// Returns the number of characters that a reader sees: the code points of escape_markup(text), with
// each reference counted as one.
[[nodiscard]] std::int64_t character_count(std::string_view text);

// Returns `text` if it has at most `most` characters, otherwise its beginning and its end with an
// ellipsis between them. `most` must be at least 3. The result is not escaped.
[[nodiscard]] std::string shortened(std::string_view text, std::int64_t most);

// Returns a name for an element of HTML: as escape_markup, and a line may be broken behind each of
// its characters / _ - . so that a long file name in a narrow column is not broken within a word.
[[nodiscard]] std::string breakable_name(std::string_view name);

// Encodes bytes as text. Source: RFC 4648, section 4.
[[nodiscard]] std::string base64(std::span<const std::uint8_t> bytes);

}  // namespace scimix

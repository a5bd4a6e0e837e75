#include "report/markup.hpp"

#include <array>
#include <vector>

namespace scimix {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026

// Returns how many bytes a character has by its first byte; 0 if no character starts with it.
std::size_t announced_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  if (first >= 0xF0 && first < 0xF5) return 4;
  return 0;
}

// Returns the code point of a character that has as many bytes as its first byte announces.
std::uint32_t decode(std::string_view bytes) {
  const auto first = static_cast<unsigned char>(bytes[0]);
  if (bytes.size() == 1) return first;
  std::uint32_t value = first & (0x7FU >> bytes.size());
  for (const char byte : bytes.substr(1)) {
    value = value << 6U | (static_cast<unsigned char>(byte) & 0x3FU);
  }
  return value;
}

// Returns whether XML 1.0 (2.2 "Characters") has the character, and it is in its shortest form.
bool is_allowed(std::uint32_t value, std::size_t length) {
  if (length == 1) return value >= 0x20 ? value != 0x7F : value == '\t' || value == '\n';
  const std::uint32_t least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
  const bool surrogate = value >= 0xD800 && value < 0xE000;
  return value >= least && value <= 0x10FFFF && !surrogate && value != 0xFFFE && value != 0xFFFF;
}

// Splits `text` into characters. A byte that belongs to no character becomes kReplacement.
std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> found;
  while (!text.empty()) {
    const std::size_t length = announced_length(static_cast<unsigned char>(text[0]));
    bool whole = length > 0 && length <= text.size();
    for (std::size_t i = 1; whole && i < length; ++i) {
      whole = (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U;
    }
    const bool good = whole && is_allowed(decode(text.substr(0, length)), length);
    found.push_back(good ? text.substr(0, length) : kReplacement);
    text.remove_prefix(whole ? length : 1);
  }
  return found;
}

}  // namespace

std::string escape_markup(std::string_view text) {
  std::string out;
  for (const std::string_view character : characters(text)) {
    switch (character[0]) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += character;
    }
  }
  return out;
}

std::string breakable_name(std::string_view name) {
  std::string out;
  for (const char character : escape_markup(name)) {
    out += character;
    if (std::string_view("/_-.").find(character) != std::string_view::npos) out += "<wbr>";
  }
  return out;
}

std::int64_t character_count(std::string_view text) {
  return std::ssize(characters(text));
}

std::string shortened(std::string_view text, std::int64_t most) {
  const std::vector<std::string_view> all = characters(text);
  const std::int64_t count = std::ssize(all);
  const std::int64_t end = (most - 1) / 2;
  const std::int64_t begin = most - 1 - end;
  std::string out;
  for (std::int64_t i = 0; i < count; ++i) {
    if (count > most && i == begin) out += kEllipsis;
    const bool kept = count <= most || i < begin || i >= count - end;
    if (kept) out += all[static_cast<std::size_t>(i)];
  }
  return out;
}

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16U |
                                (left > 1 ? static_cast<std::uint32_t>(bytes[i + 1]) << 8U : 0U) |
                                (left > 2 ? static_cast<std::uint32_t>(bytes[i + 2]) : 0U);
    for (std::size_t digit = 0; digit < 4; ++digit) {
      out += digit <= left ? kAlphabet[group >> (18 - 6 * digit) & 63U] : '=';
    }
  }
  return out;
}

}  // namespace scimix

#include "core/shell_word.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace scimix {

std::string shell_word(std::string_view word) {
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-_./=,:+@%").find(static_cast<char>(c)) != std::string_view::npos;
  };
  const auto is_printable = [](unsigned char c) { return c >= 0x20 && c < 0x7F; };
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return std::string(word);
  const bool printable = std::all_of(word.begin(), word.end(), is_printable);
  std::string out = printable ? "'" : "$'";
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (printable) {
      out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    } else if (c == '\'' || c == '\\') {
      out += std::string("\\") + c;
    } else {
      out += is_printable(byte) ? std::string(1, c) : fmt::format("\\x{:02X}", byte);
    }
  }
  return out + "'";
}

}  // namespace scimix

// The words that stand for true and false on a command line.
#pragma once

#include <optional>
#include <string_view>

namespace scimix {

// Returns the value of true, 1, on, yes, false, 0, off or no, and nothing for another word.
[[nodiscard]] inline std::optional<bool> parse_boolean(std::string_view word) {
  for (const char* const yes : {"true", "1", "on", "yes"}) {
    if (word == yes) return true;
  }
  for (const char* const no : {"false", "0", "off", "no"}) {
    if (word == no) return false;
  }
  return std::nullopt;
}

}  // namespace scimix

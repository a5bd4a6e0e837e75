// What the checks of settings have in common: one line that names the option, its value and what
// was expected.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/names.hpp"

namespace scimix {

template <class T>
void at_least(std::string_view key, T value, T lowest) {
  if (!(value >= lowest)) user_error("--", key, " ", value, ": expected at least ", lowest);
}

template <class T>
void between(std::string_view key, T value, T lowest, T highest) {
  if (!(value >= lowest && value <= highest)) {
    user_error("--", key, " ", value, ": expected ", lowest, " to ", highest);
  }
}

inline void one_of(std::string_view key, const std::string& value,
                   std::span<const std::string> choices) {
  std::string list;
  for (const std::string& choice : choices) {
    if (choice == value) return;
    list += (list.empty() ? "" : ", ") + choice;
  }
  user_error("--", key, " ", value, ": expected ", list, "; did you mean ",
             nearest_name(value, choices), "?");
}

}  // namespace scimix

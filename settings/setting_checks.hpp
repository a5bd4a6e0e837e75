// What the checks of settings have in common: one line that names the option, its value and what
// was expected.
#pragma once

#include <string_view>

#include "core/error.hpp"

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

}  // namespace scimix

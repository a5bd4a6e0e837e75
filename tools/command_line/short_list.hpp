// Shortens lists of names in messages.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

namespace scimix {

// Returns at most 20 names, separated by `between`. If names are left out, appends "... (N in
// all)". A data set may have ten thousand classes.
[[nodiscard]] inline std::string short_list(std::span<const std::string> names,
                                            const std::string& between = ",") {
  constexpr std::size_t kMost = 20;
  std::string list;
  for (const std::string& name : names.first(std::min(names.size(), kMost))) {
    list += (list.empty() ? "" : between) + name;
  }
  if (names.size() > kMost) list += between + "... (" + std::to_string(names.size()) + " in all)";
  return list;
}

}  // namespace scimix

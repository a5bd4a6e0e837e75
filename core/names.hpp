// Finds the word that a user probably meant: for unknown options, config keys and data sets.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace scimix {

// The number of single-letter changes (insert, delete, replace, swap of neighbours) that turn `a`
// into `b`. Upper and lower case count as the same letter, and so do '-' and '_'.
// Source: the "optimal string alignment" distance; Damerau, CACM 7(3), 1964.
[[nodiscard]] int edit_distance(std::string_view a, std::string_view b);

// The candidate closest to `word`, the first of them on a tie; "" if there are no candidates.
[[nodiscard]] std::string nearest_name(std::string_view word,
                                       std::span<const std::string> candidates);

}  // namespace scimix

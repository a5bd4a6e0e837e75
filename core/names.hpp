// Finds the word that a user probably meant, for messages about unknown options, configuration keys
// and data sets.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace scimix {

// Returns the number of single-letter changes (insert, delete, replace, swap two neighbours) that
// turn `a` into `b`. Upper and lower case count as the same letter, and so do '-' and '_'.
// Source: the "optimal string alignment" distance; Damerau, CACM 7(3), 1964.
[[nodiscard]] int edit_distance(std::string_view a, std::string_view b);

// Returns the candidate with the smallest edit distance to `word`: the first one on a tie, "" if
// there are no candidates.
[[nodiscard]] std::string nearest_name(std::string_view word,
                                       std::span<const std::string> candidates);

}  // namespace scimix

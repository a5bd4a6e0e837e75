// The part of a report that says which classes a classifier gets wrong.
#pragma once

#include <span>
#include <string>

#include "report/confusion.hpp"

namespace scimix {

// Returns HTML: the classes with their accuracies (of more than 20 classes only the least accurate
// ones, and how many classes are how accurate), the pairs of classes that are confused most often,
// and the confusion matrix. The size is bounded, whatever the number of classes.
[[nodiscard]] std::string class_results_html(const Confusion& confusion,
                                             std::span<const std::string> class_names);

}  // namespace scimix

// The section of a report that shows which classes a classifier confuses.
#pragma once

#include <span>
#include <string>

#include "report/confusion.hpp"

namespace scimix {

// Returns HTML with the accuracy of each class, the pairs of classes that are confused most often,
// and the confusion matrix. If there are more than 20 classes, it has only the least accurate
// classes and a distribution of the accuracies. The size of the text is bounded for any number of
// classes.
[[nodiscard]] std::string class_results_html(const Confusion& confusion,
                                             std::span<const std::string> class_names);

}  // namespace scimix

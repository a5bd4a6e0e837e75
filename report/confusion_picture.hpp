// Draws a confusion matrix.
#pragma once

#include <span>
#include <string>

#include "report/confusion.hpp"

namespace scimix {

// Returns an <svg> element for a separate file or for a page, on light and dark screens. Rows are
// true classes, columns are predicted classes. The lightness of a cell shows which fraction of its
// row it has, on a square-root scale, so that rare confusions are visible. Cells without images are
// not written to the file.
//
// - Up to 20 classes: cells show their counts.
// - Up to 60 classes: each row has its name and its accuracy, and cells have tooltips.
// - More than 60 classes: only some rows have names.
// - More than 200 classes: a row stands for a group of neighbouring classes, so that the file stays
//   below 700 kB.
// If there are images without a predicted class, they have an additional column.
[[nodiscard]] std::string confusion_svg(const Confusion& confusion,
                                        std::span<const std::string> class_names);

}  // namespace scimix

// A confusion matrix as a picture.
#pragma once

#include <span>
#include <string>

#include "report/confusion.hpp"

namespace scimix {

// An <svg> that stands alone in a file as well as in a page, for light and dark screens. Rows are
// labels, columns predictions. The colour, one hue whose lightness alone tells values apart, is a
// cell's share of its row on a square-root scale, so that rare confusions show; the counts stand in
// the cells of up to 20 classes and in the cells' tooltips. Behind each row stands its accuracy;
// undecided images, if there are any, have a column of their own.
[[nodiscard]] std::string confusion_svg(const Confusion& confusion,
                                        std::span<const std::string> class_names);

}  // namespace scimix

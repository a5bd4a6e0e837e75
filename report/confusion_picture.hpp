// Draws a confusion matrix.
#pragma once

#include <span>
#include <string>

#include "report/confusion.hpp"

namespace scimix {

// Returns an <svg> element for a file of its own or for a page, on light and dark screens. Rows are
// true classes, columns predicted ones. The colour, one hue whose lightness alone tells values
// apart, is a cell's share of its row on a square-root scale, so that rare confusions show. Only
// cells that hold images take space in the file.
//
// Up to 20 classes, cells show their counts; up to 60, each row has its name and its accuracy, and
// cells have tooltips. Beyond that, only some rows are named, and from 201 classes on a row stands
// for a group of neighbouring classes: the file stays below 700 kB however many classes there are.
// Images without a class, if there are any, have a column of their own.
[[nodiscard]] std::string confusion_svg(const Confusion& confusion,
                                        std::span<const std::string> class_names);

}  // namespace scimix

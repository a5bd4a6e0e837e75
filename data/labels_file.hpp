// A CSV file that says which images of a folder have which class.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/image_reader.hpp"

namespace scimix {

// Gives the images of `files`, which lie in `dir`, the labels that the CSV file names, and returns
// the names of the classes in byte order. Images without a row, or with an empty class, keep
// kUnknownLabel. The images are put in the order of their classes, those without one last; within a
// class they keep their order.
//
// Each row is a file name and a class. The file name is relative to `dir`, or to the current
// folder, or absolute. A first row whose first field is not the name of an image is a heading; a
// heading may name more columns, of which those called "file" and "class" count. Spaces around a
// class do not count.
//
// Errors (user): the file cannot be read; rows that cannot be used, all in one message (at most 20
// are shown): another number of columns, a file that is not among `files`, a second row for a file,
// a class whose name differs from another one in upper and lower case alone; no labelled image; one
// class.
[[nodiscard]] std::vector<std::string> apply_labels_file(const std::filesystem::path& csv,
                                                         const std::filesystem::path& dir,
                                                         ImageFiles& files);

}  // namespace scimix

// A CSV file that says which images of a folder have which class.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/image_reader.hpp"

namespace scimix {

// Gives the images of `files`, which lie in `dir`, the labels that the CSV file names, and returns
// the names of the classes in byte order. An image without a row, or with an empty class in
// it, has the class CLASS if it lies below dir/sorted/CLASS (`sorted` may be empty: then there are
// no such folders), and otherwise keeps kUnknownLabel. The images are put in the order of their
// classes, those without one last; within a class they keep their order.
//
// Each row is a file name and a class; NamesInFolder finds the file. Spaces around a class do not
// count. The first row is a heading if a column of it is called "file" or "class", in upper or
// lower case, and its first field is not the name of an image. A heading may name the columns in
// any order, and more columns, which are not read.
//
// Errors (user): the file cannot be read; it is in UTF-16; semicolons or tabs separate its columns;
// a heading without "file" or without "class"; rows that cannot be used, all in one message (at
// most 20 are shown): another number of columns, a file that is not among `files`, a second row for
// a file, a class whose name differs from another one in the case of ASCII letters alone; no
// labelled image; one class.
[[nodiscard]] std::vector<std::string> apply_labels_file(const std::filesystem::path& csv,
                                                         const std::filesystem::path& dir,
                                                         const std::string& sorted,
                                                         ImageFiles& files);

// Finds the images of the folder `dir` that a labels file, `csv`, names.
class NamesInFolder {
 public:
  NamesInFolder(const std::filesystem::path& dir, const std::filesystem::path& csv);

  // Returns the name, relative to the folder, of the image that the labels file calls `written`: a
  // path from the folder, or else from the current folder, or else from the folder of the labels
  // file, or an absolute one. A path may reach the folder through symbolic links. The result begins
  // with ".." if the image lies outside of the folder.
  [[nodiscard]] std::string name_of(const std::string& written);

 private:
  std::string name_of_absolute(const std::filesystem::path& path);
  [[nodiscard]] std::optional<std::filesystem::path> place_of(
      const std::filesystem::path& folder) const;

  std::filesystem::path dir_;
  std::filesystem::path whole_;   // absolute
  std::filesystem::path beside_;  // the folder of the labels file
  // By path of a folder that is reached through a link: its path relative to the folder of the
  // images, or nothing if it lies outside.
  std::unordered_map<std::string, std::optional<std::filesystem::path>> folders_;
};

}  // namespace scimix

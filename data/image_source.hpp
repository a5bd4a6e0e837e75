// Images to mix, from where a user points: a folder, or one half of a data set.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.hpp"

namespace scimix {

struct ImageSource {
  ImageSet images;                       // labels may be kUnknownLabel
  std::vector<std::string> class_names;  // none where labels are unknown
  // [N]: the file within the folder (as utf8_name writes it), or the number in the data set.
  std::vector<std::string> names;
  std::vector<std::string> notes;  // as Dataset::notes
};

struct ImageSourceOptions {
  std::int64_t image_size = 32;  // side of the square images that are wanted
  bool resize = false;           // bring images of another size there; otherwise they are an error
  std::filesystem::path data_dir;  // where a data set by name lies (not used by digits)
  // Which digits, and whether to skip files that cannot be read; `size` is not used.
  DatasetOptions dataset;
};

// `source` is
//   cifar10:train, svhn:test, digits:test ...   the half of a data set, or
//   a folder of images (labels unknown), or
//   a folder of folders of images: classes are the folders' names, numbered in byte order.
// Files are PNG or JPEG as in load_image_folder and come in byte order of their names. A folder
// whose name reads like the half of a data set is written with a slash: ./digits:test.
//
// Errors (user): no such folder or data set (with the nearest right name), a half other than train
// and test, a folder without images or with both images and folders, files that are no images or
// damaged (all of them in one message), an image of another size (names the image, its size and the
// wanted one).
[[nodiscard]] ImageSource load_image_source(const std::string& source,
                                            const ImageSourceOptions& options);

}  // namespace scimix

// CUB-200-2010 and CUB-200-2011: photographs of birds of 200 species.
#pragma once

#include <cstdint>
#include <filesystem>

#include "data/dataset.hpp"

namespace scimix {

struct CubOptions {
  std::int64_t size = 64;        // side of the square images that are wanted, 1 to 4096
  bool bounding_box = false;     // 2011: cut each bird out before its image is resized
  bool skip_unreadable = false;  // as in DatasetOptions
  // What makes the folder whole. Tests have smaller ones.
  std::int64_t classes = 200;
  std::int64_t images = 6033;  // of CUB-200-2010, where there are no lists to compare with
};

// Reads CUB-200-2010 (Welinder et al., "Caltech-UCSD Birds 200", 2010) from `dir`,
// dir/cub-200-2010 or dir/CUB_200_2010: images/NNN.Species/*.jpg, or the class folders without
// images/ around them. The classes are 001 to 200, and a class's label is NNN - 1. Images come in
// the order of lists/train.txt and lists/test.txt, whose lines are NNN.Species/FILE.jpg. Without
// these two lists, the first 15 images of each class, by name, are for training and the others for
// testing. That has the sizes of the official split (3,000 and 3,033), and a note says so.
// Errors (user): no such folder, one list without the other, a broken line of a list, files that
// are missing or surplus beside the lists (the first 20 by name), without lists another number of
// classes or images, images that cannot be read.
[[nodiscard]] Dataset load_cub_2010(const std::filesystem::path& dir,
                                    const CubOptions& options = {});

// Reads CUB-200-2011 (Wah et al., "The Caltech-UCSD Birds-200-2011 Dataset", 2011) from `dir`,
// dir/CUB_200_2011 or dir/cub-200-2011, with the official split. Lines of its lists:
//   images.txt              ID NNN.Species/FILE.jpg     below images/
//   image_class_labels.txt  ID 1..200                   the label is one less
//   train_test_split.txt    ID 1 for training, 0 for testing
//   bounding_boxes.txt      ID X Y WIDTH HEIGHT         in pixels; read for bounding_box alone
// Images come in the order of images.txt. Errors (user): as load_cub_2010; lists that do not have
// the same images, a class that is not that of the image's folder.
[[nodiscard]] Dataset load_cub_2011(const std::filesystem::path& dir,
                                    const CubOptions& options = {});

}  // namespace scimix

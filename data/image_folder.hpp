// A folder of images by class.
#pragma once

#include <cstdint>
#include <filesystem>

#include "data/dataset.hpp"

namespace scimix {

// Reads dir/train/<class>/* and dir/test/<class>/*, or, where there is no train/, dir/<class>/*
// with a share of `test_fraction` of each class (rounded, at least one image) held out as test
// images, chosen by `seed` and the file names' order.
//
// Classes are the folders' names in byte order and are the same in train and test. Images are PNG
// or JPEG of any size (extensions .png, .jpg, .jpeg in either case); resize_and_crop brings them to
// size x size. Hidden files and folders (a leading dot) are passed over.
// Errors (user): a missing or empty folder, any other file (a typo must not shrink a data set
// silently), an image that cannot be read, fewer than two classes, a class of test/ that train/
// does not have, a class with one image where a share is to be held out.
[[nodiscard]] Dataset load_image_folder(const std::filesystem::path& dir, std::int64_t size,
                                        double test_fraction, std::uint64_t seed);

}  // namespace scimix

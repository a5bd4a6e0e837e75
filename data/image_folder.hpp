// A folder of images by class.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "data/dataset.hpp"

namespace scimix {

struct FolderOptions {
  std::int64_t size = 32;        // side of the square images that are wanted, 1 to 4096
  double test_fraction = 0.2;    // share of each class held out, where there is no train/
  std::uint64_t seed = 1;        // which images are held out
  bool skip_unreadable = false;  // as in DatasetOptions
  bool test_only = false;        // as in DatasetOptions
};

// Reads dir/train/<class>/* and dir/test/<class>/*, or, where there is no train/, dir/<class>/*
// with a share of `test_fraction` of each class (rounded, at least one image) held out as test
// images, chosen by `seed` and the file names' order. The notes of the data set say how many are
// held out, and warn where 5% of those or more have a near twin among the training images
// (count_near_twins).
//
// Classes are the folders' names (utf8_name) in byte order and are the same in train and test.
// Images are PNG or JPEG of any size (extensions .png, .jpg, .jpeg in either case); resize_and_crop
// brings them to size x size. Hidden files and folders (a leading dot) are passed over. With
// skip_unreadable, the result is that of a folder without the bad files.
// Errors (user): a missing or empty folder, any other file (a typo must not shrink a data set
// silently), images that cannot be read (all of them in one message), fewer than two classes, a
// class of test/ that train/ does not have, a class with one image where a share is to be held out,
// test/ without train/ (unless test_only).
[[nodiscard]] Dataset load_image_folder(const std::filesystem::path& dir,
                                        const FolderOptions& options);

// Returns true for a folder that holds a test set, as opposed to the images of a class called
// "test".
[[nodiscard]] bool is_test_set(const std::filesystem::path& folder);

struct HeldOut {
  ImageSet train;
  ImageSet test;
};
// Splits all images of a folder, in the order in which load_image_folder gives them with test_only,
// as it does itself where there are no train/ and test/. Returns nothing where a class has fewer
// than two images.
[[nodiscard]] std::optional<HeldOut> hold_out(const ImageSet& all, std::int64_t classes,
                                              const FolderOptions& options);

}  // namespace scimix

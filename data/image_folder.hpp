// A folder of images as a data set.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "data/dataset.hpp"
#include "data/folder_listing.hpp"

namespace scimix {

// Reads a folder of images in one of these layouts.
//
//   dir/train/<class>/*, dir/test/<class>/*         training and test images; without test/, a
//                                                   share of each class is held out
//   dir/<class>/*                                   a share of each class is held out for testing
//   dir/labeled/<class>/* or dir/train/<class>/*,   the images of unlabeled/, at any depth, are
//   dir/unlabeled/**                                training images without a class. The test
//                                                   images are those of dir/test/<class>/*, or else
//                                                   a share of each class is held out
//   dir/** and options.labels_file                  images at any depth; the file says which of
//                                                   them have which class (apply_labels_file). The
//                                                   test images as above
//
// The share is `test_fraction` of each class (rounded, at least one image), chosen by `seed` and
// the file names' order. The notes of the data set say how many images are held out, and warn where
// 5% of those or more have a near twin among the training images (count_near_twins). With
// `no_test`, no image is tested on and none is held out. The training images are those with a class
// in the order of their classes, then those without one.
//
// Classes are the folders' names (utf8_name) in byte order and are the same in train and test.
// Images are PNG or JPEG of any size (extensions .png, .jpg, .jpeg in either case); resize_and_crop
// brings them to size x size. Hidden files and folders (a leading dot) are passed over. With
// skip_unreadable, the result is that of a folder without the bad files.
// Errors (user): a missing or empty folder, any other file (a typo must not shrink a data set
// silently), in `dir` a picture or a folder besides those of its layout, a class folder in `dir`
// that is called almost like one of those folders ("Test", "unlabelled"), test/ without a folder
// for each class, images that cannot be read (all of them in one message), fewer than two classes,
// a class of test/ that the training images do not have, a class with one image where a share is to
// be held out, test/ without train/ (unless test_only), unlabeled/ without labelled images, both
// labeled/ and train/; those of apply_labels_file.
[[nodiscard]] Dataset load_image_folder(const std::filesystem::path& dir,
                                        const FolderOptions& options);

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

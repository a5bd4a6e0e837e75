// Labelled images in host memory, and the one function that finds a data set by its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/image_files.hpp"
#include "data/pixel_storage.hpp"

namespace scimix {

// `count` images of one size and their classes.
struct ImageSet {
  std::int64_t count = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 3;  // always RGB
  PixelVector pixels;         // [N,H,W,C], in memory or on disk
  // [N], each in 0 .. classes-1; kUnknownLabel for an unlabelled training image.
  std::vector<std::int32_t> labels;

  [[nodiscard]] std::int64_t image_bytes() const { return height * width * channels; }
  [[nodiscard]] std::span<const std::uint8_t> image(std::int64_t index) const;  // [H,W,C]
};

struct Dataset {
  std::string name;  // one of dataset_names
  ImageSet train;    // some images may be unlabelled
  ImageSet test;     // all labelled; may have no images, but has the size of those of `train`
  std::vector<std::string> class_names;  // their number is the number of classes
  ImageFiles train_files = {};           // folder: the files of the training images, in their order
  bool flip_allowed = true;              // false where a mirror image is another thing: digits
  // What a user should know about the images, one line each: how many were held out, left out,
  // turned upright, are damaged, or have a near twin on the other side.
  std::vector<std::string> notes;
  // How many of the notes, the first ones, are about files. Those behind them say how test images
  // were held out.
  std::size_t file_notes = 0;

  [[nodiscard]] std::int64_t classes() const {
    return static_cast<std::int64_t>(class_names.size());
  }
};

// Is told how many of the images have been read. Any thread may call it, one at a time.
using ReadingProgress = std::function<void(std::int64_t done, std::int64_t images)>;

struct DatasetOptions {
  // Side of the square images, to which resize_and_crop brings all of them. 0: as the data set has
  // them. Where its images are of any size, that is 32 for a folder and 64 for birds (CUB-200).
  std::int64_t size = 0;
  double test_fraction = 0.2;  // folder without a test set: share of each class that is held out
  // No test images are read or held out: all labelled images are training images.
  bool no_test = false;
  // folder: a CSV file that gives some of the images their classes (load_image_folder).
  std::filesystem::path labels_file = {};
  std::int64_t digits_train = 20000;
  std::int64_t digits_test = 4000;
  // digits: which are drawn; folder: which images are held out. Apart from a run's own seed, so
  // that runs with different seeds are compared on the same data.
  std::uint64_t data_seed = 1;
  // folder: leave out files that cannot be read, and count them in Dataset::notes. Otherwise they
  // are an error that lists them.
  bool skip_unreadable = false;
  // cub-200-2011: cut each bird out by its bounding box before its image is resized.
  bool bounding_box = false;
  // folder: all images are to be tested on. A folder without train/ and test/ gives all its images
  // as test images; of the others, test/ alone is read. There are no training images then.
  bool test_only = false;
  // folder: where the decoded images of a large folder are kept for the next time; empty: nowhere.
  std::filesystem::path image_cache = {};
  StorageChoice storage = {};     // folder: where the images are while they are used
  ReadingProgress progress = {};  // folder: called while images are decoded
};

// The names that load_dataset knows.
[[nodiscard]] std::span<const std::string> dataset_names();

// Reads a data set from `dir` (not used by "digits"). Errors (user): an unknown name, with the
// nearest right one; no `dir`; a size that is neither 0 nor 1 to 4096; too little memory; whatever
// the reader finds wrong.
[[nodiscard]] Dataset load_dataset(const std::string& name, const std::filesystem::path& dir,
                                   const DatasetOptions& options = {});

// 16 hex digits over sizes, pixels and labels; the same on every machine. It tells data sets apart,
// it does not guard against an attacker.
[[nodiscard]] std::string content_hash(const ImageSet& images);

// Every image set passes here after reading. Errors (user), each starting with `where`: no images,
// a label outside 0 .. classes-1, unless it is kUnknownLabel and `unlabeled_too` is set. A buffer
// whose size does not fit the shape is a bug.
void check_images(const ImageSet& images, std::int64_t classes, std::string_view where,
                  bool unlabeled_too = false);

// Calls check_images for the training images and the test images.
void check_all_images(const Dataset& dataset, std::string_view where);

// Gives `images` room for the pixels and labels of its `count` images, the pixels where `storage`
// wants them. Errors (user): more bytes than this machine has memory; the message starts with
// `where` and says how many bytes are missing; those of PixelFiles.
void allocate_images(ImageSet& images, const std::string& where, const StorageChoice& storage = {});
// Gives `images` such room where the pixels of `other` are.
void allocate_images_beside(const ImageSet& other, ImageSet& images, const std::string& where);

// How many labelled images there are, and how many each class has.
[[nodiscard]] std::int64_t labeled_count(const ImageSet& images);
[[nodiscard]] std::vector<std::int64_t> class_counts(const ImageSet& images, std::int64_t classes);

}  // namespace scimix

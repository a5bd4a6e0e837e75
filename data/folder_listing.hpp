// Finds the files of a folder of images, and which of them are labelled.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "data/image_files.hpp"
#include "data/image_reader.hpp"

namespace scimix {

struct FolderOptions {
  std::int64_t size = 32;        // side of the square images that are wanted, 1 to 4096
  double test_fraction = 0.2;    // share of each class held out, where there is no test set
  std::uint64_t seed = 1;        // which images are held out
  bool skip_unreadable = false;  // as in DatasetOptions
  bool test_only = false;        // as in DatasetOptions
  bool no_test = false;          // as in DatasetOptions
  std::filesystem::path labels_file = {};
  std::filesystem::path image_cache = {};
  StorageChoice storage = {};
  ReadingProgress progress = {};
};

struct FolderListing {
  std::vector<std::string> class_names;
  // For each class, where its images come from, for messages: "birds/auk" or "labels.csv, class
  // auk".
  std::vector<std::string> wheres;
  // Labelled training images in the order of their classes, unlabelled ones, test images.
  ImageFiles files;
  std::int64_t unlabeled = 0;  // number of unlabelled images
  // Position of the first test image; nothing where a share is still to be held out.
  std::optional<std::size_t> first_test;
  std::string no_test_set;  // why a share is held out: "there are no folders train/ and test/"
  BadFiles bad;
};

// Lists the folder `dir`, whose layouts load_image_folder describes. Errors (user): those of
// load_image_folder that can be found without reading images.
void list_image_folder(const std::filesystem::path& dir, const FolderOptions& options,
                       FolderListing& listing);

// Returns true for a folder that holds a test set, with a folder for each class.
[[nodiscard]] bool is_test_set(const std::filesystem::path& folder);

// Returns true for a folder with unlabelled images, or with labelled ones in labeled/.
[[nodiscard]] bool has_unlabeled_layout(const std::filesystem::path& dir);

// Errors (user): always. A class with `images` images, from `where`, cannot be split.
[[noreturn]] void too_few_to_hold_out(const std::string& where, std::size_t images);

}  // namespace scimix

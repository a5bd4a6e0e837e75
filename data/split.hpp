// Which training images have a label: the few-label settings of semi-supervised learning.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.hpp"

namespace scimix {

struct Split {
  std::string dataset;     // its name
  std::string train_hash;  // content_hash of the training images
  std::uint64_t seed = 0;
  std::vector<std::int32_t> labeled;  // indices of training images, ascending
  std::string test_hash = {};         // content_hash of the test images; empty in older files
};

// "all" or a whole number above 0; nothing stands for "all". Errors (user): anything else.
[[nodiscard]] std::optional<std::int64_t> parse_label_count(const std::string& word);

// Returns a split with `labels` labelled images, equally many of each class, or with all labelled
// images if there is no value. For one seed, a larger split contains every smaller one.
// Errors (user): not divisible by the number of classes, a class with too few images.
[[nodiscard]] Split make_split(const Dataset& dataset, std::optional<std::int64_t> labels,
                               std::uint64_t seed);

// Returns the indices of the images that are used without their labels, in ascending order: all
// training images, as is usual (FixMatch and its successors), or without `include_labeled` those
// outside the split.
[[nodiscard]] std::vector<std::int32_t> unlabeled_indices(const Split& split,
                                                          const Dataset& dataset,
                                                          bool include_labeled = true);

// A JSON file: {"format": "scimix-split-1", "dataset", "train_hash", "test_hash", "seed",
// "labeled": [...]}. Written atomically.
void save_split(const std::filesystem::path& path, const Split& split);

// Errors (user): not such a file, made for other training images (names both hashes), an index that
// is out of range or not in ascending order, or that of an unlabelled image.
[[nodiscard]] Split load_split(const std::filesystem::path& path, const Dataset& dataset);
// Errors (user): the split, read from `path`, was made beside other test images.
void check_same_test_images(const std::filesystem::path& path, const Split& split,
                            const Dataset& dataset);

}  // namespace scimix

// What scimix_train auto finds out about a data set before it plans.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "settings/settings.hpp"
#include "trainers/run_inputs.hpp"

namespace scimix {

// The shorter sides, in pixels, of the pictures that were looked at.
struct PictureSides {
  std::int64_t smallest = 0;
  std::int64_t median = 0;
  std::int64_t largest = 0;
  std::int64_t pictures = 0;  // number of pictures that were looked at
};

struct ClassSize {
  std::string name;
  std::int64_t images = 0;
};

struct AutoData {
  std::string title;           // "the folder birds"
  std::int64_t labeled = 0;    // training images whose label is used
  std::int64_t unlabeled = 0;  // the other training images
  std::int64_t test = 0;
  std::int64_t classes = 0;
  ClassSize smallest;  // the classes with the fewest and with the most labelled training images
  ClassSize largest;
  PictureSides sides;
  std::vector<std::string> notes;  // as Dataset::notes
};

// Returns the facts about the data set from which `inputs` were read. If the data set is a folder
// of pictures, decodes 60 of them to find the sizes of the originals, because the images in
// `inputs` are scaled already.
[[nodiscard]] AutoData look_at_data(const DataSettings& settings, const RunInputs& inputs);

// Returns a few lines for a person.
[[nodiscard]] std::vector<std::string> describe(const AutoData& data);

// Checks that the runs in the folder `job` were made from the pictures that are there now: finished
// runs are not started again, and would not notice. The run after a weak guide may have another
// image size, and is not compared. Errors (user): pictures were added, removed or changed since.
void check_same_pictures(const std::filesystem::path& job, const Dataset& dataset);

}  // namespace scimix

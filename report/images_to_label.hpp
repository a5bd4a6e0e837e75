// The part of a report that says which unlabelled images a person should label next, and how many
// of the confident predictions to check.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/prediction.hpp"

namespace scimix {

struct ImagesToLabel {
  std::int64_t unlabeled = 0;  // number of unlabelled training images
  std::int64_t looked_at = 0;  // of these, drawn at random if it is not all of them
  // How the probabilities were calibrated; nothing: there are no test images to do so.
  struct Calibrated {
    std::int64_t images = 0;
    double temperature = 1;
    std::int64_t test_images = 0;  // of the data set, where `images` are only some of them
  };
  std::optional<Calibrated> calibrated = {};
  struct Image {
    Prediction prediction;
    std::vector<std::uint8_t> png;  // a small picture of it
  };
  std::vector<Image> images = {};  // the least certain ones, in the order of their margins
  std::vector<CheckingEffort> efforts = {};  // for several error rates, of the images looked at
  std::vector<std::string> class_names = {};
};

// Returns the part as HTML. Without calibration, probabilities say too little about errors: the
// efforts are then left out.
[[nodiscard]] std::string images_to_label_html(const ImagesToLabel& found);

}  // namespace scimix

// Hybrids of a user's images.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/image_source.hpp"
#include "models/autoencoder.hpp"
#include "trainers/transfer.hpp"

namespace scimix {

struct MixedImages {
  std::int64_t side = 0;
  std::vector<std::uint8_t> pixels;     // [N,side,side,3]
  std::vector<std::int32_t> labels;     // [N] class of the content image, or kUnknownLabel
  std::vector<std::int32_t> predicted;  // [N] argmax C(E_c(x_h)); kUnknownLabel where it is NaN
  Pairs parents;                        // [N] positions in the two sources
  std::int64_t mixed = 0;               // how many there were before the filter

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(labels.size()); }
};

// The labels of `source` in the generator's numbering: classes are the same when their names are.
// Errors (user): a class that the generator does not know.
[[nodiscard]] std::vector<std::int32_t> labels_for(const ImageSource& source,
                                                   const std::vector<std::string>& class_names);

struct MixOptions {
  // Keep hybrids in which C sees the class of the content image: its label, or where that is
  // unknown what C sees in the content image (the filter of Sun et al. 2022, section III).
  bool keep_agreeing = false;
  std::int64_t batch = 250;
};

// Mixes content[pairs.content[i]] with scene[pairs.scene[i]]. `labels` are those of the content
// images.
[[nodiscard]] MixedImages mix_images(const Autoencoder& networks, const ImageSet& content,
                                     const std::vector<std::int32_t>& labels, const ImageSet& scene,
                                     const Pairs& pairs, const MixOptions& options, Device device);

}  // namespace scimix

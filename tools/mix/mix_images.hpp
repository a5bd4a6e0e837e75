// Makes hybrids of a user's images.
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
  std::vector<std::int32_t> predicted;  // [N] argmax C(E_c(x_h)); kUnknownLabel for NaN logits
  Pairs parents;                        // [N] indices in the two sources
  std::int64_t mixed = 0;               // number of hybrids before the filter

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(labels.size()); }
};

// Returns the labels of `source` as indices in `class_names`, the classes of the generator. Classes
// are identified by their names. Errors (user): a class that the generator does not know.
[[nodiscard]] std::vector<std::int32_t> labels_for(const ImageSource& source,
                                                   const std::vector<std::string>& class_names);

struct MixOptions {
  // Keep only hybrids to which C assigns the class of the content image: its label, or the class
  // that C predicts for it if the label is unknown (the filter of Sun et al. 2022, section III).
  bool keep_agreeing = false;
  std::int64_t batch = 250;  // as of evaluation_batch
};

// Returns the hybrids of content[pairs.content[i]] and scene[pairs.scene[i]] that pass the filter.
// `labels` are the labels of `content`.
[[nodiscard]] MixedImages mix_images(const Autoencoder& networks, const ImageSet& content,
                                     const std::vector<std::int32_t>& labels, const ImageSet& scene,
                                     const Pairs& pairs, const MixOptions& options, Device device);

}  // namespace scimix

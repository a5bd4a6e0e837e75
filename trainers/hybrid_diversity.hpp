// Measures how much hybrids differ from each other. A generator that ignores details of one code
// makes nearly the same hybrid for different images. s_c and s_r do not show this.
#pragma once

#include <cstdint>
#include <vector>

#include "trainers/transfer.hpp"

namespace scimix {

// Mean distances between images. The distance of two images is the root mean square of their
// difference, over pixels in [-1,1]. Compare each distance between hybrids with the distance
// between the real parents that were varied to make them.
struct Diversity {
  double hybrids_over_scenes = 0.0;    // hybrids of one semantic parent with different scenes
  double real_scenes = 0.0;            // the scene parents of these hybrids
  double hybrids_over_contents = 0.0;  // hybrids of one scene with different parents of one class
  double real_contents = 0.0;          // the semantic parents of these hybrids
};

// Measures the diversity on `anchors` images, each mixed with up to `partners` other images.
// `labels` are the labels of all images. Semantic parents are varied only in classes that have at
// least two images. Errors (user): fewer than two images.
[[nodiscard]] Diversity measure_diversity(const Mixer& mixer, const ResidentSet& images,
                                          const std::vector<std::int32_t>& labels,
                                          std::uint64_t seed, std::int64_t anchors = 100,
                                          std::int64_t partners = 8);

}  // namespace scimix

// Measures how much hybrids differ. A generator that ignores details of one code makes nearly the
// same hybrid for different images, which s_c and s_r do not show.
#pragma once

#include <cstdint>
#include <vector>

#include "trainers/transfer.hpp"

namespace scimix {

// Root mean square distances between two images, over pixels in [-1,1], as means over pairs of
// images. Each distance between hybrids has a distance between real images to compare with:
// those that vary from one hybrid to the next.
struct Diversity {
  double hybrids_over_scenes = 0.0;    // one content, different scenes
  double real_scenes = 0.0;            // those scenes themselves
  double hybrids_over_contents = 0.0;  // one scene, different contents of one class
  double real_contents = 0.0;          // those contents themselves
};

// Measures the diversity on `anchors` images, each mixed with up to `partners` other images.
// `labels` are the labels of all images. Classes with fewer than two images are not used for
// varying contents. Errors (user): fewer than two images.
[[nodiscard]] Diversity measure_diversity(const Mixer& mixer, const ResidentSet& images,
                                          const std::vector<std::int32_t>& labels,
                                          std::uint64_t seed, std::int64_t anchors = 100,
                                          std::int64_t partners = 8);

}  // namespace scimix

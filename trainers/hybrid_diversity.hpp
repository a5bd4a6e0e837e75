// How much hybrids differ: a generator that ignores one of its two codes makes the same hybrid
// again and again, which s_c and s_r alone do not show.
#pragma once

#include <cstdint>
#include <vector>

#include "trainers/transfer.hpp"

namespace scimix {

// Mean root mean square distances between two images, over pixels in [-1,1]. Each distance of
// hybrids stands beside that of the real images which gave what differs.
struct Diversity {
  double hybrids_over_scenes = 0.0;    // one content, different scenes
  double real_scenes = 0.0;            // those scenes themselves
  double hybrids_over_contents = 0.0;  // one scene, different contents of one class
  double real_contents = 0.0;          // those contents themselves
};

// Measures on `anchors` images, each mixed with `partners` others. `labels`: of the images, on the
// host. Classes with fewer than two images give no contents. Errors (user): fewer than two images.
[[nodiscard]] Diversity measure_diversity(const Mixer& mixer, const ResidentSet& images,
                                          const std::vector<std::int32_t>& labels,
                                          std::uint64_t seed, std::int64_t anchors = 100,
                                          std::int64_t partners = 8);

}  // namespace scimix

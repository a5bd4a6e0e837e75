// Measures how well hybrids show the class of one parent and the scene of the other: s_c and s_r
// (Sun et al. 2022, section IV).
#pragma once

#include <functional>

#include "models/wide_resnet.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {

// Indices of the images to be mixed: semantic parent content[i] with scene parent scene[i].
struct Pairs {
  std::vector<std::int32_t> content;
  std::vector<std::int32_t> scene;
};

// Draws `count` pairs of different images from a set of `images` images. All images are semantic
// parents equally often, up to a difference of one. Errors (user): fewer than two images.
[[nodiscard]] Pairs make_pairs(std::int64_t count, std::int64_t images, std::uint64_t seed);

// Makes hybrids [N,H,W,3] in [-1,1] of x_c and x_r [N,H,W,3]. `first` is the number of the first
// pair in the evaluation. It addresses random numbers, which then do not depend on the batch size.
using Mixer = std::function<Tensor(const Tensor& x_c, const Tensor& x_r, std::int64_t first)>;

struct Transfer {
  std::int64_t pairs = 0;
  std::int64_t class_kept = 0;  // pairs in which the oracle assigns the label of x_c to the hybrid
  std::int64_t scene_kept = 0;  // pairs with ||x_h - x_c|| > ||x_h - x_r|| in pixels

  // Return the fractions class_kept / pairs and scene_kept / pairs; 0 without pairs.
  [[nodiscard]] double s_c() const;
  [[nodiscard]] double s_r() const;
};

// Mixes all pairs, `batch` at a time, and counts the hybrids with the right class and scene.
[[nodiscard]] Transfer measure_transfer(const Mixer& mixer, const WideResNet& oracle,
                                        const ResidentSet& images, const Pairs& pairs,
                                        std::int64_t batch, DType dtype = DType::f32);

}  // namespace scimix

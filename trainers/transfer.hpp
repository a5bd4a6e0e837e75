// How well hybrids carry the class of one parent and the scene of the other (Sun et al. 2022,
// section IV: s_c and s_r).
#pragma once

#include <functional>

#include "models/wide_resnet.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {

// Which images are mixed: content i with scene i.
struct Pairs {
  std::vector<std::int32_t> content;
  std::vector<std::int32_t> scene;
};

// `count` pairs of different images of a set of `images`, drawn by `seed`; every image is a content
// as often as any other, up to one. Errors (user): fewer than two images.
[[nodiscard]] Pairs make_pairs(std::int64_t count, std::int64_t images, std::uint64_t seed);

// x_c, x_r [N,H,W,3] -> hybrids [N,H,W,3] in [-1,1]. `first`: number of the first pair, so that
// random numbers of a mixer don't depend on the size of a batch.
using Mixer = std::function<Tensor(const Tensor& x_c, const Tensor& x_r, std::int64_t first)>;

struct Transfer {
  std::int64_t pairs = 0;
  std::int64_t class_kept = 0;  // the oracle sees the label of x_c in the hybrid
  std::int64_t scene_kept = 0;  // ||x_h - x_c|| > ||x_h - x_r|| in pixels

  [[nodiscard]] double s_c() const;
  [[nodiscard]] double s_r() const;
};

[[nodiscard]] Transfer measure_transfer(const Mixer& mixer, const WideResNet& oracle,
                                        const ResidentSet& images, const Pairs& pairs,
                                        std::int64_t batch, DType dtype = DType::f32);

}  // namespace scimix

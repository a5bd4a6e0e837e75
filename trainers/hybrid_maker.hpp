// Makes hybrids of the images of a training step, with SciMix's generator or with one of the mixers
// that it is compared with (Sun et al. 2022, Table II and Fig. 3b).
#pragma once

#include <span>
#include <vector>

#include "autograd/variable.hpp"
#include "core/comm.hpp"
#include "models/autoencoder.hpp"
#include "settings/classifier_config.hpp"

namespace scimix {

// The images to be mixed.
struct HybridParents {
  Tensor images;       // [N,H,W,3] in [-1,1]; the first B of them are labelled
  Tensor labels;       // i32 [B]
  Tensor predictions;  // [N,classes]: probabilities predicted by the classifier or its teacher
};

// K hybrids. Hybrid i has the content of image i and the scene of another image. K is B if only
// hybrids with a labelled semantic parent are made (HybridUse::labeled), otherwise N.
struct Hybrids {
  Variable images;  // [K,H,W,3]
  Tensor scenes;    // i32 [K]: rows of the scene parents in the images gathered from all ranks
  // i32 [K]: labels of the semantic parents. An unlabelled image has the class that is predicted
  // for it, with mixer scimix by the generator's C, otherwise by p_c.
  Tensor labels;
  Tensor p_c;    // [K,classes]: probabilities predicted for the semantic parents
  Tensor p_r;    // [K,classes]: probabilities predicted for the scene parents
  Tensor share;  // f32 [K]: weight of p_c in the target
  Tensor kept;   // f32 [K]: 1 for hybrids that pass the filter, otherwise 0; undefined: all pass
};

// The random values for the pairs of one step, a function of seed, step and sizes.
struct PairDraws {
  std::vector<std::int32_t> scenes;   // [K]: see Hybrids::scenes
  std::vector<float> shares;          // [K]: weights of x_c; empty if the mixer draws none
  std::vector<std::int32_t> corners;  // [K,4]: boxes y0, x0, y1, x1; empty except for cutmix
};
// PairDraws on the device.
struct DrawnPairs {
  Tensor scenes;
  Tensor shares;
  Tensor corners;
};

// The number of images that each rank mixes in a step, and their size in pixels. Labelled images
// come first.
struct HybridRows {
  std::int64_t labeled = 0;
  std::int64_t all = 0;
  std::int64_t height = 0, width = 0;
};

class HybridMaker {
 public:
  // `generator` makes the hybrids of mixer scimix and must outlive this object. It may be null for
  // other mixers.
  HybridMaker(const ClassifierConfig& config, const Autoencoder* generator);

  // Draws the pairs of a step. Semantic parents are this rank's images, scene parents can be images
  // of any rank.
  [[nodiscard]] PairDraws draw(const HybridRows& rows, std::int64_t step, const Comm& ranks) const;
  // Returns the number K of hybrids that each rank makes.
  [[nodiscard]] std::int64_t count(const HybridRows& rows) const;
  // Return whether the mixer draws mixing weights and boxes for each pair.
  [[nodiscard]] bool draws_shares() const;
  [[nodiscard]] bool draws_corners() const;

  // Makes the hybrids of `pairs`. Records nothing on the tape.
  [[nodiscard]] Hybrids make(const HybridParents& parents, const DrawnPairs& pairs,
                             Comm& ranks = local_comm()) const;
  // Makes the hybrids of the pairs that draw() returns for `step`. Copies the pairs from the host.
  [[nodiscard]] Hybrids make(const HybridParents& parents, std::int64_t step,
                             Comm& ranks = local_comm()) const;

 private:
  // The semantic parents of one step.
  struct Contents {
    Tensor images;  // [K,H,W,3]
    Tensor labels;  // i32 [B], of the first B images
  };
  struct Mixed {
    Tensor images = {};
    Tensor share = {};
    Tensor labels = {};  // i32 [K], see Hybrids; undefined unless mixer scimix
    Tensor kept = {};
  };
  [[nodiscard]] Mixed by_generator(const Contents& contents, const Tensor& x_r) const;
  [[nodiscard]] Mixed by_pixels(const Contents& contents, const Tensor& x_r,
                                const DrawnPairs& pairs) const;
  void draw_shares(std::span<const std::int64_t> numbers, std::int64_t step,
                   PairDraws& draws) const;
  void draw_boxes(std::span<const std::int64_t> numbers, const HybridRows& rows, std::int64_t step,
                  PairDraws& draws) const;

  HybridSettings settings_;
  bool labeled_only_;
  double alpha_;
  std::uint64_t seed_;
  const Autoencoder* generator_;
};

}  // namespace scimix

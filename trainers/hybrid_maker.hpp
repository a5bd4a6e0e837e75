// Hybrids of the images of a training step: by SciMix's generator, or by a way of mixing that it is
// compared with (Sun et al. 2022, Table II and Fig. 3b).
#pragma once

#include <vector>

#include "autograd/variable.hpp"
#include "core/comm.hpp"
#include "models/autoencoder.hpp"
#include "trainers/classifier_config.hpp"

namespace scimix {

// Images that are mixed: [N,H,W,3] in [-1,1], the first of them with labels i32 [B], and what the
// classifier or its teacher predicts for each, probabilities [N,classes].
struct HybridParents {
  Tensor images;
  Tensor labels;
  Tensor predictions;
};

// Hybrid i has the content of image i and the scene of another. K is N, or B where only hybrids
// with labelled content are of use.
struct Hybrids {
  Variable images;  // [K,H,W,3]
  Tensor scenes;    // i32 [K]: which image gave the scene, of those of all ranks below each other
  Tensor labels;    // i32 [K]: of the content; where it has none, C's guess or the prediction's
  Tensor p_c;       // [K,classes], predicted for the contents
  Tensor p_r;       // [K,classes], predicted for the scenes
  Tensor share;     // f32 [K]: of p_c in the target
  Tensor kept;      // f32 [K]: 1, or 0 where the filter drops a hybrid; undefined: all are kept
};

class HybridMaker {
 public:
  // `generator` makes the hybrids of mixer scimix (null for others) and must outlive the maker.
  HybridMaker(const ClassifierConfig& config, const Autoencoder* generator);

  // Pairs and shares follow from (seed, step). Nothing is recorded on the tape. Ranks mix across
  // each other: contents are the images here, scenes those of any rank.
  [[nodiscard]] Hybrids make(const HybridParents& parents, std::int64_t step,
                             Comm& ranks = local_comm()) const;

 private:
  class PairDraws;
  class GlobalBatch;
  // Of one step: images that are mixed, and where their random numbers are.
  struct Contents {
    Tensor images;                           // [K,H,W,3]
    Tensor labels;                           // i32, of the first of them
    std::vector<std::int64_t> numbers = {};  // place of each in the batch of all ranks
  };
  struct Mixed {
    Tensor images = {};
    Tensor share = {};
    Tensor labels = {};  // i32 [K] of the contents where the generator's C names them
    Tensor kept = {};
  };
  [[nodiscard]] Mixed by_generator(const Contents& contents, const Tensor& x_r) const;
  [[nodiscard]] static Mixed cut(const Contents& contents, const Tensor& x_r,
                                 const PairDraws& draws);
  [[nodiscard]] Mixed by_pixels(const Contents& contents, const Tensor& x_r,
                                std::int64_t step) const;

  HybridSettings settings_;
  bool labeled_only_;
  double alpha_;
  std::uint64_t seed_;
  const Autoencoder* generator_;
};

}  // namespace scimix

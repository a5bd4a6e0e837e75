// Hybrids of the images of a training step: by SciMix's generator, or by a way of mixing that it is
// compared with (Sun et al. 2022, Table II and Fig. 3b).
#pragma once

#include <span>
#include <vector>

#include "autograd/variable.hpp"
#include "core/comm.hpp"
#include "models/autoencoder.hpp"
#include "settings/classifier_config.hpp"

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

// What is drawn for the pairs of one step: it follows from (seed, step) and the sizes.
struct PairDraws {
  std::vector<std::int32_t> scenes;   // [K]: as Hybrids::scenes
  std::vector<float> shares;          // [K]: of x_c; empty where the mixer draws none
  std::vector<std::int32_t> corners;  // [K,4] of cutmix's boxes: y0, x0, y1, x1; empty likewise
};
// The same on the device.
struct DrawnPairs {
  Tensor scenes;
  Tensor shares;
  Tensor corners;
};

// What is mixed in a step, on each rank: the labelled images come first.
struct HybridRows {
  std::int64_t labeled = 0;
  std::int64_t all = 0;
  std::int64_t height = 0, width = 0;
};

class HybridMaker {
 public:
  // `generator` makes the hybrids of mixer scimix (null for others) and must outlive the maker.
  HybridMaker(const ClassifierConfig& config, const Autoencoder* generator);

  // Ranks mix across each other: contents are the images here, scenes those of any rank.
  [[nodiscard]] PairDraws draw(const HybridRows& rows, std::int64_t step, const Comm& ranks) const;
  // How many hybrids those are, K.
  [[nodiscard]] std::int64_t count(const HybridRows& rows) const;
  [[nodiscard]] bool draws_shares() const;
  [[nodiscard]] bool draws_corners() const;

  // Nothing is recorded on the tape.
  [[nodiscard]] Hybrids make(const HybridParents& parents, const DrawnPairs& pairs,
                             Comm& ranks = local_comm()) const;
  // With what is drawn for `step`, copied from the host.
  [[nodiscard]] Hybrids make(const HybridParents& parents, std::int64_t step,
                             Comm& ranks = local_comm()) const;

 private:
  // Of one step: images that are mixed.
  struct Contents {
    Tensor images;  // [K,H,W,3]
    Tensor labels;  // i32, of the first of them
  };
  struct Mixed {
    Tensor images = {};
    Tensor share = {};
    Tensor labels = {};  // i32 [K] of the contents where the generator's C names them
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

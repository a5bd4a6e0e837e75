// The outputs of a classifier for a set of images.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/dtype.hpp"
#include "models/wide_resnet.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {

// In the order of the images.
struct Logits {
  std::int64_t classes = 0;
  std::vector<float> logits;  // [N, classes], before the softmax
  std::vector<std::int32_t> labels;
  std::vector<std::int32_t> predicted;  // the largest logit; -1 where one is NaN
};

// Computes the outputs for the first `count` images, `batch` at a time.
[[nodiscard]] Logits compute_logits(const WideResNet& network, const ResidentSet& images,
                                    std::int64_t count, std::int64_t batch, DType dtype);
// Returns of how many images the outputs should be held at a time: a caller that needs only the
// best classes of each image so keeps to 16 MiB, however many images and classes there are.
[[nodiscard]] std::int64_t images_at_once(std::int64_t classes);
// Computes them for the images at `indices`.
[[nodiscard]] Logits compute_logits(const WideResNet& network, const ResidentSet& images,
                                    std::span<const std::int32_t> indices, std::int64_t batch,
                                    DType dtype);

}  // namespace scimix

// The outputs of a classifier for a set of images.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/dtype.hpp"
#include "models/wide_resnet.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {

// The outputs for N images, in the order of the images.
struct Logits {
  std::int64_t classes = 0;
  std::vector<float> logits;         // [N, classes], before the softmax
  std::vector<std::int32_t> labels;  // [N]
  // [N]: the class of the largest logit, or `classes` if one of the logits is NaN.
  std::vector<std::int32_t> predicted;
};

// Computes the outputs for the first `count` images, `batch` at a time.
[[nodiscard]] Logits compute_logits(const WideResNet& network, const ResidentSet& images,
                                    std::int64_t count, std::int64_t batch, DType dtype);
// Computes the outputs for the images at `indices`.
[[nodiscard]] Logits compute_logits(const WideResNet& network, const ResidentSet& images,
                                    std::span<const std::int32_t> indices, std::int64_t batch,
                                    DType dtype);

// Returns a number of images whose logits need at most 16 MiB; it is at least 1 and at most 2048. A
// caller that keeps only the best classes of each image processes so many images at a time.
[[nodiscard]] std::int64_t images_at_once(std::int64_t classes);

}  // namespace scimix

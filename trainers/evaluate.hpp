// Accuracy of a classifier on a labelled set.
#pragma once

#include "core/comm.hpp"
#include "models/wide_resnet.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {

struct Evaluation {
  double accuracy = 0.0;  // top-1, in 0..1
  double loss = 0.0;      // mean cross-entropy
  std::int64_t images = 0;
};

// With running statistics, without augmentation, every image once. The last batch may be smaller.
// Ranks share the images; the result is that of all.
[[nodiscard]] Evaluation evaluate(const WideResNet& model, const ResidentSet& set,
                                  std::int64_t batch, DType dtype, Comm& ranks = local_comm());

}  // namespace scimix

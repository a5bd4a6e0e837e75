// Counts which class a classifier takes for which, on a labelled set.
#pragma once

#include "models/wide_resnet.hpp"
#include "report/confusion.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {

// Classifies every image once, `batch` at a time, with running statistics and without augmentation.
[[nodiscard]] Confusion confusion_of(const WideResNet& model, const ResidentSet& set,
                                     std::int64_t batch, DType dtype);

}  // namespace scimix

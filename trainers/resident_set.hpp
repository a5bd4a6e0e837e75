// A data set on the device, as u8, and the batches cut from it.
#pragma once

#include <span>

#include "autograd/variable.hpp"
#include "data/dataset.hpp"
#include "kernels/augment.hpp"
#include "kernels/strong_augment.hpp"

namespace scimix {

struct Batch {
  Variable images;  // [N,H,W,3] in [-1,1]
  Tensor labels;    // i32 [N]
};

class ResidentSet {
 public:
  ResidentSet(const ImageSet& images, Device device);

  [[nodiscard]] std::int64_t count() const { return images_.dim(0); }
  [[nodiscard]] std::int64_t width() const { return images_.dim(2); }
  [[nodiscard]] Device device() const { return images_.device(); }

  // The images at `index` (i32 [N]), weakly augmented with the random numbers of `step` (i32 [1]).
  [[nodiscard]] Batch augmented(const Tensor& index, const Tensor& step, const WeakAugment& options,
                                DType dtype) const;
  // The same, then strongly augmented.
  [[nodiscard]] Batch strongly_augmented(const Tensor& index, const Tensor& step,
                                         const WeakAugment& weak, const StrongAugment& strong,
                                         DType dtype) const;
  // As they are.
  [[nodiscard]] Batch plain(std::span<const std::int32_t> indices, DType dtype) const;

 private:
  [[nodiscard]] Batch gather(const Tensor& index, const Tensor& images) const;

  Tensor images_;  // u8 [M,H,W,3]
  Tensor labels_;  // i32 [M]
};

}  // namespace scimix

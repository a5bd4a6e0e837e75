// A data set in device memory, as u8, and the batches that are made from it.
#pragma once

#include <span>

#include "autograd/variable.hpp"
#include "data/dataset.hpp"
#include "kernels/image/augment.hpp"
#include "kernels/image/noise.hpp"
#include "kernels/image/strong_augment.hpp"

namespace scimix {

struct Batch {
  Variable images;  // [N,H,W,3] in [-1,1]
  Tensor labels;    // i32 [N]
};

class ResidentSet {
 public:
  // Copies the images to the device. Images on disk (data/pixel_storage.hpp) are not copied on a
  // CPU: the set reads them where they are. Nobody may change them as long as the set exists.
  ResidentSet(const ImageSet& images, Device device);

  [[nodiscard]] std::int64_t count() const { return images_.dim(0); }
  [[nodiscard]] std::int64_t height() const { return images_.dim(1); }
  [[nodiscard]] std::int64_t width() const { return images_.dim(2); }
  [[nodiscard]] Device device() const { return images_.device(); }

  // Allocates a tensor [count,H,W,channels], channels >= 3, for augment and augment_strongly to
  // write to. They set the channels after the third to zero. Several views of a batch can be slices
  // of one such tensor.
  [[nodiscard]] Tensor room_for(std::int64_t count, DType dtype, std::int64_t channels = 3) const;
  // Allocates such a tensor with as many channels as a convolution on this device can read without
  // a padded copy. Use it for the input of a network.
  [[nodiscard]] Tensor network_room_for(std::int64_t count, DType dtype) const;
  // Adds normal noise to the image channels of `images`, in place. `address` selects the random
  // numbers.
  void add_noise(const Tensor& step, NoiseAddress address, double deviation,
                 const Output& images) const;
  // Writes the images at `index` (i32 [N]), weakly augmented with the random numbers of `step`
  // (i32 [1]), to `room`.
  void augment(const Tensor& index, const Tensor& step, const WeakAugment& options,
               const Output& room) const;
  // Writes the images at `index` to `room`, weakly and then strongly augmented.
  void augment_strongly(const Tensor& index, const Tensor& step, const WeakAugment& weak,
                        const StrongAugment& strong, const Output& room) const;
  // Returns the labels of all images, i32 [M], or of those at `index`, i32 [N].
  [[nodiscard]] const Tensor& labels() const { return labels_; }
  [[nodiscard]] Tensor labels_at(const Tensor& index) const;

  // Returns the images at `indices` without augmentation. Copies the indices from the host.
  [[nodiscard]] Batch plain(std::span<const std::int32_t> indices, DType dtype) const;

 private:
  Tensor images_;  // u8 [M,H,W,3]
  Tensor labels_;  // i32 [M]
};

}  // namespace scimix

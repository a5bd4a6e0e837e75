// A data set on the device, as u8, and the batches cut from it.
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
  ResidentSet(const ImageSet& images, Device device);

  [[nodiscard]] std::int64_t count() const { return images_.dim(0); }
  [[nodiscard]] std::int64_t height() const { return images_.dim(1); }
  [[nodiscard]] std::int64_t width() const { return images_.dim(2); }
  [[nodiscard]] Device device() const { return images_.device(); }

  // For `count` images of `channels` >= 3 channels, of which those after the third become zeros:
  // what augment and augment_strongly write into. Several views of a batch can share one tensor.
  [[nodiscard]] Tensor room_for(std::int64_t count, DType dtype, std::int64_t channels = 3) const;
  // The same for images that go straight into a network's first convolution: they get as many
  // channels as it reads without a copy on this device.
  [[nodiscard]] Tensor network_room_for(std::int64_t count, DType dtype) const;
  // Adds normal noise to the image channels of `images`, in place. `address` says which numbers.
  void add_noise(const Tensor& step, NoiseAddress address, double deviation,
                 const Output& images) const;
  // The images at `index` (i32 [N]), weakly augmented with the random numbers of `step` (i32 [1]).
  void augment(const Tensor& index, const Tensor& step, const WeakAugment& options,
               const Output& room) const;
  // The same, then strongly augmented.
  void augment_strongly(const Tensor& index, const Tensor& step, const WeakAugment& weak,
                        const StrongAugment& strong, const Output& room) const;
  [[nodiscard]] Tensor labels_at(const Tensor& index) const;

  // As they are, chosen by the host.
  [[nodiscard]] Batch plain(std::span<const std::int32_t> indices, DType dtype) const;

 private:
  Tensor images_;  // u8 [M,H,W,3]
  Tensor labels_;  // i32 [M]
};

}  // namespace scimix

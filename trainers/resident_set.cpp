#include "trainers/resident_set.hpp"

namespace scimix {

ResidentSet::ResidentSet(const ImageSet& images, Device device) {
  const MemoryLabel label("data set");
  images_ = Tensor::from_host(std::span<const std::uint8_t>(images.pixels),
                              {images.count, images.height, images.width, images.channels}, device);
  labels_ = Tensor::from_host(std::span<const std::int32_t>(images.labels), {images.count}, device);
}

Batch ResidentSet::gather(const Tensor& index, const Tensor& images) const {
  Batch batch{Variable(images), Tensor::empty(index.shape(), DType::i32, device())};
  gather_labels(labels_, index, batch.labels);
  return batch;
}

Batch ResidentSet::augmented(const Tensor& index, const Tensor& step, const WeakAugment& options,
                             DType dtype) const {
  const Tensor out = Tensor::empty(images_.shape().with(0, index.dim(0)), dtype, device());
  augment_weak(images_, index, step, options, out);
  return gather(index, out);
}

Batch ResidentSet::strongly_augmented(const Tensor& index, const Tensor& step,
                                      const WeakAugment& weak, const StrongAugment& strong,
                                      DType dtype) const {
  const Tensor out = Tensor::empty(images_.shape().with(0, index.dim(0)), dtype, device());
  augment_strong(images_, index, step, weak, strong, out);
  return gather(index, out);
}

Batch ResidentSet::plain(std::span<const std::int32_t> indices, DType dtype) const {
  const Tensor index = Tensor::from_host(indices, {std::ssize(indices)}, device());
  const Tensor out = Tensor::empty(images_.shape().with(0, std::ssize(indices)), dtype, device());
  normalize_images(images_, index, out);
  return gather(index, out);
}

}  // namespace scimix

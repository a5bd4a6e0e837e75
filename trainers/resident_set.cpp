#include "trainers/resident_set.hpp"

#include "kernels/conv/conv.hpp"

namespace scimix {

namespace {

Tensor pixels_on(const ImageSet& images, Device device) {
  const Shape shape{images.count, images.height, images.width, images.channels};
  if (device.is_cpu()) {
    Memory on_disk = shared_pixels(images.pixels);
    if (on_disk) return Tensor::of_memory(std::move(on_disk), shape, DType::u8);
  }
  return Tensor::from_host(std::span<const std::uint8_t>(images.pixels), shape, device);
}

}  // namespace

ResidentSet::ResidentSet(const ImageSet& images, Device device) {
  const MemoryLabel label("data set");
  images_ = pixels_on(images, device);
  labels_ = Tensor::from_host(std::span<const std::int32_t>(images.labels), {images.count}, device);
}

Tensor ResidentSet::room_for(std::int64_t count, DType dtype, std::int64_t channels) const {
  return Tensor::empty(images_.shape().with(0, count).with(3, channels), dtype, device());
}

Tensor ResidentSet::network_room_for(std::int64_t count, DType dtype) const {
  return room_for(count, dtype, whole_channels(images_.dim(3), dtype, device()));
}

void ResidentSet::add_noise(const Tensor& step, NoiseAddress address, double deviation,
                            const Output& images) const {
  address.channels = images_.dim(3);
  add_normal_noise(step, address, static_cast<float>(deviation), images);
}

void ResidentSet::augment(const Tensor& index, const Tensor& step, const WeakAugment& options,
                          const Output& room) const {
  augment_weak(images_, index, step, options, room);
}

void ResidentSet::augment_strongly(const Tensor& index, const Tensor& step, const WeakAugment& weak,
                                   const StrongAugment& strong, const Output& room) const {
  augment_strong(images_, index, step, weak, strong, room);
}

Tensor ResidentSet::labels_at(const Tensor& index) const {
  Tensor labels = Tensor::empty(index.shape(), DType::i32, device());
  gather_labels(labels_, index, labels);
  return labels;
}

Batch ResidentSet::plain(std::span<const std::int32_t> indices, DType dtype) const {
  const Tensor index = Tensor::from_host(indices, {std::ssize(indices)}, device());
  Tensor room = room_for(std::ssize(indices), dtype);
  normalize_images(images_, index, room);
  return {Variable(room), labels_at(index)};
}

}  // namespace scimix

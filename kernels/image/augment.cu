#include "kernels/image/augment.hpp"
#include "kernels/image/image_workspace.hpp"
#include "kernels/image/weak_augment.hpp"
#include "kernels/launch/launch.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

template <class T>
void run_weak(const Tensor& images, const Tensor& index, const Tensor& step,
              const WeakAugment& options, const Output& out) {
  const InputRows<T> rows(images, index, out);
  const std::int32_t* now = step.data<std::int32_t>();
  const WeakAugment o = options;
  for_each_block(index.dim(0), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t row = block.index();
    const WeakDraw draw = draw_weak(o, static_cast<std::uint32_t>(now[0]), row);
    const ImageSize size = rows.size;
    const PixelLayout layout = rows.layout;
    const std::uint8_t* image = rows.image(row);
    T* result = rows.input(row);
    const auto source_of = [=](std::int64_t y, std::int64_t x) {
      return image + (weak_row(draw, size, y) * size.width + weak_column(draw, size, x)) * 3;
    };
    if (layout.padded()) {
      each_cell(block, size.height, size.width, [=](std::int64_t y, std::int64_t x) {
        const std::uint8_t* from = source_of(y, x);
        layout.store_padded(result + (y * size.width + x) * layout.channels, normalized(from[0]),
                            normalized(from[1]), normalized(from[2]));
      });
    } else {
      each_cell(block, size.height, size.width, [=](std::int64_t y, std::int64_t x) {
        const std::uint8_t* from = source_of(y, x);
        T* to = result + (y * size.width + x) * 3;
        for (int c = 0; c < 3; ++c) to[c] = static_cast<T>(normalized(from[c]));
      });
    }
  });
}

template <class T>
void run_normalize(const Tensor& images, const Tensor& index, const Output& out) {
  const InputRows<T> rows(images, index, out);
  for_each_block(index.dim(0), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t row = block.index();
    const std::int64_t pixels = rows.size.height * rows.size.width;
    const PixelLayout layout = rows.layout;
    const std::uint8_t* image = rows.image(row);
    T* result = rows.input(row);
    if (layout.padded()) {
      block.each(pixels, [=](std::int64_t p) {
        const std::uint8_t* from = image + p * 3;
        layout.store_padded(result + p * layout.channels, normalized(from[0]), normalized(from[1]),
                            normalized(from[2]));
      });
    } else {
      block.each(pixels * 3,
                 [=](std::int64_t i) { result[i] = static_cast<T>(normalized(image[i])); });
    }
  });
}

}  // namespace

void augment_weak(const Tensor& images, const Tensor& index, const Tensor& step,
                  const WeakAugment& options, const Output& out) {
  check_input("augment_weak", images, index, out);
  check_weak("augment_weak", options, images);
  dispatch_floating(out.dtype(),
                    [&]<class T>(TypeTag<T>) { run_weak<T>(images, index, step, options, out); });
}

void normalize_images(const Tensor& images, const Tensor& index, const Output& out) {
  check_input("normalize_images", images, index, out);
  dispatch_floating(out.dtype(),
                    [&]<class T>(TypeTag<T>) { run_normalize<T>(images, index, out); });
}

void gather_labels(const Tensor& labels, const Tensor& index, const Output& out) {
  const std::int32_t* source = labels.data<std::int32_t>();
  const std::int32_t* rows = index.data<std::int32_t>();
  std::int32_t* target = out.data<std::int32_t>();
  for_each(index.numel(), [=] SCIMIX_KERNEL_FN(std::int64_t i) { target[i] = source[rows[i]]; });
}

}  // namespace scimix::SCIMIX_BACKEND

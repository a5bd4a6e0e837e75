#include "kernels/image/image_operations.hpp"
#include "kernels/image/strong_augment.hpp"
#include "kernels/image/strong_policy.hpp"
#include "kernels/image/weak_augment.hpp"
#include "kernels/launch/launch.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// Copies the source, flipped and cropped, to work.image.
template <class B>
SCIMIX_HD void load_weak(B& block, const ImageWorkspace& work, const std::uint8_t* source,
                         const WeakDraw& draw) {
  std::uint8_t* image = work.image;
  const ImageSize size = work.size;
  each_cell(block, size.height, size.width, [=](std::int64_t y, std::int64_t x) {
    const std::uint8_t* from =
        source + (weak_row(draw, size, y) * size.width + weak_column(draw, size, x)) * 3;
    std::uint8_t* to = image + (y * size.width + x) * 3;
    for (int c = 0; c < 3; ++c) to[c] = from[c];
  });
}

// Writes x/127.5 - 1 of work.image to target, and 0 inside the box and in channels after the third.
template <class T, class B>
SCIMIX_HD void store_input(B& block, const ImageWorkspace& work, const ImageBox& box,
                           const PixelLayout& layout, T* target) {
  const std::uint8_t* image = work.image;
  if (layout.padded()) {
    const std::int64_t width = work.size.width;
    each_cell(block, work.size.height, width, [=](std::int64_t y, std::int64_t x) {
      const bool cut = box.top <= y && y < box.bottom && box.left <= x && x < box.right;
      const std::int64_t pixel = y * width + x;
      const auto value = [&](int c) { return cut ? 0.0F : normalized(image[pixel * 3 + c]); };
      layout.store_padded(target + pixel * layout.channels, value(0), value(1), value(2));
    });
    return;
  }
  const std::int64_t line = work.size.width * 3;
  block.each(work.values(),
             [=](std::int64_t i) { target[i] = static_cast<T>(normalized(image[i])); });
  each_cell(block, box.bottom - box.top, (box.right - box.left) * 3,
            [=](std::int64_t y, std::int64_t i) {
              target[(box.top + y) * line + box.left * 3 + i] = static_cast<T>(0.0F);
            });
}

template <class T>
void run_strong(const Tensor& images, const Tensor& index, const Tensor& step,
                const WeakAugment& weak_options, const StrongAugment& strong_options,
                const Output& out) {
  const InputRows<T> rows(images, index, out);
  const std::int32_t* now = step.data<std::int32_t>();
  const WeakAugment weak = weak_options;
  const StrongAugment strong = strong_options;
  const auto scratch = workspace_bytes("augment_strong", rows.size);
  for_each_block(index.dim(0), scratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const ImageSize size = rows.size;
    const std::int64_t row = block.index();
    ImageWorkspace work(block, size);
    const auto step_now = static_cast<std::uint32_t>(now[0]);
    load_weak(block, work, rows.image(row), draw_weak(weak, step_now, row));
    Random random(weak.seed, Purpose::strong_augment, step_now,
                  weak.first + static_cast<std::uint32_t>(row));
    for (int i = 0; i < strong.operations; ++i) {
      const DrawnOperation drawn = draw_operation(random, strong.probability);
      if (!drawn.applied) continue;
      operate(block, work, drawn.operation,
              operation_argument(strong.table, drawn.operation, drawn.strength, size), strong.fill);
    }
    const ImageBox box = draw_cutout(random, strong.cutout, size);
    store_input(block, work, box, rows.layout, rows.input(row));
  });
}

}  // namespace

void augment_strong(const Tensor& images, const Tensor& index, const Tensor& step,
                    const WeakAugment& weak, const StrongAugment& strong, const Output& out) {
  check_input("augment_strong", images, index, out);
  check_weak("augment_strong", weak, images);
  SCIMIX_CHECK(strong.operations >= 0 && strong.probability >= 0 && strong.probability <= 1 &&
                   strong.cutout >= 0,
               "augment_strong: ", strong.operations, " operations with probability ",
               strong.probability, ", cutout ", strong.cutout);
  dispatch_floating(out.dtype(), [&]<class T>(TypeTag<T>) {
    run_strong<T>(images, index, step, weak, strong, out);
  });
}

void apply_image_operation(const Tensor& images, ImageOperation operation, float argument,
                           std::uint8_t fill, const Output& out) {
  SCIMIX_CHECK(images.rank() == 4 && images.dim(3) == 3 && out.shape() == images.shape(),
               "apply_image_operation: images ", images.shape(), ", out ", out.shape());
  const std::uint8_t* source = images.data<std::uint8_t>();
  std::uint8_t* target = out.data<std::uint8_t>();
  const ImageSize size{images.dim(1), images.dim(2)};
  for_each_block(images.dim(0), workspace_bytes("apply_image_operation", size),
                 [=] SCIMIX_KERNEL_FN(Block & block) {
                   ImageWorkspace work(block, size);
                   const std::uint8_t* from = source + block.index() * work.values();
                   std::uint8_t* to = target + block.index() * work.values();
                   block.each(work.values(), [=](std::int64_t i) { work.image[i] = from[i]; });
                   operate(block, work, operation, argument, fill);
                   block.each(work.values(), [=](std::int64_t i) { to[i] = work.image[i]; });
                 });
}

}  // namespace scimix::SCIMIX_BACKEND

#include "core/random.hpp"
#include "kernels/augment.hpp"
#include "kernels/launch.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

struct ImageSize {
  std::int64_t height, width;
};

// Network inputs lie in [-1, 1]. Divided rather than multiplied by a rounded reciprocal, so that
// 255 becomes exactly 1.
SCIMIX_HD inline float normalized(std::uint8_t value) {
  return static_cast<float>(value) / 127.5F - 1.0F;
}

// Mirror at the border, which is not repeated.
SCIMIX_HD inline std::int64_t reflect(std::int64_t i, std::int64_t n) {
  if (i < 0) i = -i;
  return i < n ? i : 2 * (n - 1) - i;
}

// Where the crop window starts, and whether it is mirrored.
struct WeakDraw {
  bool flip;
  std::int64_t dy, dx;
};

SCIMIX_HD inline WeakDraw draw_weak(const WeakAugment& o, std::uint32_t step, std::int64_t row) {
  Random random(o.seed, Purpose::augment, step, o.first + static_cast<std::uint32_t>(row));
  const auto offsets = static_cast<std::uint32_t>(2 * o.pad + 1);
  WeakDraw draw{};
  // Always three draws: switching the flip off does not change the crops.
  draw.flip = random.below(2) == 1 && o.flip;
  draw.dy = static_cast<std::int64_t>(random.below(offsets)) - o.pad;
  draw.dx = static_cast<std::int64_t>(random.below(offsets)) - o.pad;
  return draw;
}

void check(const char* op, const Tensor& images, const Tensor& index, const Tensor& out) {
  SCIMIX_CHECK(images.rank() == 4 && images.dim(3) == 3 && index.rank() == 1 &&
                   out.shape() == images.shape().with(0, index.dim(0)),
               op, ": images ", images.shape(), ", index ", index.shape(), ", out ", out.shape());
}

template <class T>
void run_weak(const Tensor& images, const Tensor& index, const Tensor& step,
              const WeakAugment& options, const Tensor& out) {
  const std::uint8_t* source = images.data<std::uint8_t>();
  const std::int32_t* rows = index.data<std::int32_t>();
  const std::int32_t* now = step.data<std::int32_t>();
  T* target = out.data<T>();
  const ImageSize size{images.dim(1), images.dim(2)};
  const WeakAugment o = options;
  for_each_block(index.dim(0), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t row = block.index();
    const WeakDraw draw = draw_weak(o, static_cast<std::uint32_t>(now[0]), row);
    const std::int64_t pixels = size.height * size.width;
    const std::uint8_t* image = source + static_cast<std::int64_t>(rows[row]) * pixels * 3;
    T* result = target + row * pixels * 3;
    block.each(pixels, [=](std::int64_t p) {
      const std::int64_t y = reflect(p / size.width + draw.dy, size.height);
      const std::int64_t column = p % size.width;
      const std::int64_t x =
          reflect((draw.flip ? size.width - 1 - column : column) + draw.dx, size.width);
      const std::uint8_t* from = image + (y * size.width + x) * 3;
      for (int c = 0; c < 3; ++c) result[p * 3 + c] = static_cast<T>(normalized(from[c]));
    });
  });
}

template <class T>
void run_normalize(const Tensor& images, const Tensor& index, const Tensor& out) {
  const std::uint8_t* source = images.data<std::uint8_t>();
  const std::int32_t* rows = index.data<std::int32_t>();
  T* target = out.data<T>();
  const std::int64_t values = images.dim(1) * images.dim(2) * 3;
  for_each_block(index.dim(0), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t row = block.index();
    const std::uint8_t* image = source + static_cast<std::int64_t>(rows[row]) * values;
    T* result = target + row * values;
    block.each(values, [=](std::int64_t i) { result[i] = static_cast<T>(normalized(image[i])); });
  });
}

}  // namespace

void augment_weak(const Tensor& images, const Tensor& index, const Tensor& step,
                  const WeakAugment& options, const Tensor& out) {
  check("augment_weak", images, index, out);
  SCIMIX_CHECK(options.pad >= 0 && options.pad < images.dim(1) && options.pad < images.dim(2),
               "augment_weak: pad ", options.pad, " for images ", images.shape());
  dispatch_floating(out.dtype(), [&](auto tag) {
    run_weak<typename decltype(tag)::type>(images, index, step, options, out);
  });
}

void normalize_images(const Tensor& images, const Tensor& index, const Tensor& out) {
  check("normalize_images", images, index, out);
  dispatch_floating(out.dtype(), [&](auto tag) {
    run_normalize<typename decltype(tag)::type>(images, index, out);
  });
}

void gather_labels(const Tensor& labels, const Tensor& index, const Tensor& out) {
  const std::int32_t* source = labels.data<std::int32_t>();
  const std::int32_t* rows = index.data<std::int32_t>();
  std::int32_t* target = out.data<std::int32_t>();
  for_each(index.numel(), [=] SCIMIX_KERNEL_FN(std::int64_t i) { target[i] = source[rows[i]]; });
}

}  // namespace scimix::SCIMIX_BACKEND

// Weak and strong augmentation of one batch, which scimix_bench times.

#include <numeric>

#include "bench/step.hpp"
#include "data/digits.hpp"
#include "kernels/image/strong_augment.hpp"
#include "kernels/optim/schedule.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kBatch = 448;  // FixMatch's unlabelled images of a step, 7 x 64

// A resident data set and the batch made from it. Every call is the next step, with draws of its
// own.
struct Augmented {
  Tensor images, index, step, out;

  Augmented(Device device, DType dtype) {
    const ImageSet set = draw_digits(kBatch, 0, DigitSet::train);
    images = Tensor::from_host(std::span<const std::uint8_t>(set.pixels),
                               {kBatch, set.height, set.width, 3})
                 .to(device);
    std::vector<std::int32_t> rows(kBatch);
    std::iota(rows.begin(), rows.end(), 0);
    index = Tensor::from_host(std::span<const std::int32_t>(rows), {kBatch}).to(device);
    step = Tensor::zeros({1}, DType::i32, device);
    out = Tensor::empty(images.shape(), dtype, device);
  }
};

BenchStep weak(Suite suite) {
  BenchStep step{.name = "augment weak", .label = "batch 448, 32 px", .images = kBatch};
  step.suite = suite;
  step.prepare = [](Device device, DType dtype) {
    return one_by_one([a = Augmented(device, dtype)]() mutable {
      augment_weak(a.images, a.index, a.step, {}, a.out);
      advance_step(a.step);
    });
  };
  return step;
}

BenchStep strong(Suite suite) {
  BenchStep step{.name = "augment strong", .label = "batch 448, 32 px", .images = kBatch};
  step.suite = suite;
  step.prepare = [](Device device, DType dtype) {
    return one_by_one([a = Augmented(device, dtype)]() mutable {
      augment_strong(a.images, a.index, a.step, {}, {}, a.out);
      advance_step(a.step);
    });
  };
  return step;
}

const BenchSteps registered{[] {
  return std::vector{weak(Suite::standard), strong(Suite::standard), weak(Suite::gpu),
                     strong(Suite::gpu)};
}};

}  // namespace

}  // namespace scimix

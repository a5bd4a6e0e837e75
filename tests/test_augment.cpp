// Weak augmentation and normalisation against pixel-by-pixel definitions, and the running metrics.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>

#include "core/random.hpp"
#include "kernels/augment.hpp"
#include "kernels/metrics.hpp"

using namespace scimix;

namespace {

constexpr std::int64_t kHeight = 6;
constexpr std::int64_t kWidth = 7;  // narrow ones look the same mirrored

// Every pixel of two images has a value of its own.
Tensor images() {
  std::vector<std::uint8_t> values;
  for (int i = 0; i < 2 * kHeight * kWidth * 3; ++i) values.push_back(static_cast<std::uint8_t>(i));
  return Tensor::from_host(std::span<const std::uint8_t>(values), {2, kHeight, kWidth, 3});
}

Tensor i32(const std::vector<std::int32_t>& values) {
  return Tensor::from_host(std::span<const std::int32_t>(values), {std::ssize(values)});
}

// The pixel of a reflect-padded image, by walking back and forth along the axis.
std::int64_t bounce(std::int64_t i, std::int64_t n) {
  const std::int64_t period = 2 * (n - 1);
  const std::int64_t phase = ((i % period) + period) % period;
  return phase < n ? phase : period - phase;
}

// Which (flip, dy, dx) explains the augmented image; none if no combination does.
struct Found {
  int count = 0;
  bool flip = false;
  std::int64_t dy = 0, dx = 0;
};
Found explain(const std::vector<float>& out, std::size_t first, const std::vector<std::uint8_t>& in,
              std::size_t source, int pad) {
  Found found;
  for (const bool flip : {false, true}) {
    for (std::int64_t dy = -pad; dy <= pad; ++dy) {
      for (std::int64_t dx = -pad; dx <= pad; ++dx) {
        bool same = true;
        for (std::int64_t y = 0; y < kHeight && same; ++y) {
          for (std::int64_t x = 0; x < kWidth && same; ++x) {
            const std::int64_t sx = bounce((flip ? kWidth - 1 - x : x) + dx, kWidth);
            const std::int64_t sy = bounce(y + dy, kHeight);
            for (std::int64_t c = 0; c < 3; ++c) {
              const auto from = static_cast<std::size_t>((sy * kWidth + sx) * 3 + c);
              const auto to = static_cast<std::size_t>((y * kWidth + x) * 3 + c);
              same =
                  same && out[first + to] == static_cast<float>(in[source + from]) / 127.5F - 1.0F;
            }
          }
        }
        if (same) found = {found.count + 1, flip, dy, dx};
      }
    }
  }
  return found;
}

}  // namespace

TEST_CASE("normalisation maps 0, 255 to -1, 1 exactly and gathers by index") {
  const Tensor out = Tensor::empty({3, kHeight, kWidth, 3}, DType::f32);
  normalize_images(images(), i32({1, 0, 1}), out);
  const auto values = out.to_host<float>();
  CHECK(values[static_cast<std::size_t>(kHeight * kWidth * 3)] == -1.0F);  // value 0
  CHECK(values[0] == 126.0F / 127.5F - 1.0F);
  const std::vector<std::uint8_t> white(3, 255);
  const Tensor one = Tensor::empty({1, 1, 1, 3}, DType::f32);
  normalize_images(Tensor::from_host(std::span<const std::uint8_t>(white), {1, 1, 1, 3}), i32({0}),
                   one);
  CHECK(one.to_host<float>() == std::vector<float>{1.0F, 1.0F, 1.0F});
}

TEST_CASE("every weakly augmented image is one flip and crop of its source, uniformly drawn") {
  constexpr int kPad = 2;
  constexpr int kRows = 2000;
  std::vector<std::int32_t> index;
  for (int i = 0; i < kRows; ++i) index.push_back(i % 2);
  const Tensor source = images();
  const auto pixels = source.to_host<std::uint8_t>();
  const Tensor out = Tensor::empty({kRows, kHeight, kWidth, 3}, DType::f32);
  augment_weak(source, i32(index), i32({7}), {.flip = true, .pad = kPad, .seed = 3}, out);
  const auto values = out.to_host<float>();
  const auto size = static_cast<std::size_t>(kHeight * kWidth * 3);
  int flips = 0;
  std::map<std::pair<std::int64_t, std::int64_t>, int> offsets;
  for (std::size_t i = 0; i < kRows; ++i) {
    const Found found =
        explain(values, i * size, pixels, static_cast<std::size_t>(index[i]) * size, kPad);
    REQUIRE(found.count == 1);
    flips += found.flip ? 1 : 0;
    ++offsets[{found.dy, found.dx}];
  }
  // Binomial(2000, 1/2): five standard deviations are 112. 25 offsets, 80 each, five are 44.
  CHECK(std::abs(flips - kRows / 2) < 112);
  CHECK(offsets.size() == 25);
  for (const auto& [offset, count] : offsets) CHECK(std::abs(count - kRows / 25) < 44);
}

TEST_CASE("augmentation depends on seed, step and global position, not on the batch") {
  const auto run = [](std::uint64_t seed, int step, std::uint32_t first, int rows, bool flip) {
    const Tensor out = Tensor::empty({rows, kHeight, kWidth, 3}, DType::f32);
    augment_weak(images(), i32(std::vector<std::int32_t>(static_cast<std::size_t>(rows), 0)),
                 i32({step}), {.flip = flip, .pad = 2, .seed = seed, .first = first}, out);
    return out;
  };
  const Tensor whole = run(1, 5, 0, 8, true);
  const Tensor second_half = run(1, 5, 4, 4, true);
  CHECK(whole.rows(4, 8).clone().to_doubles() == second_half.to_doubles());
  CHECK(run(1, 5, 0, 8, true).to_doubles() == whole.to_doubles());
  CHECK(run(2, 5, 0, 8, true).to_doubles() != whole.to_doubles());
  CHECK(run(1, 6, 0, 8, true).to_doubles() != whole.to_doubles());
}

TEST_CASE("running metrics add up loss and top-1 hits, and NaN stays visible") {
  const Tensor sums = Tensor::zeros({3}, DType::f32);
  const Tensor logits = Tensor::from(std::vector<double>{1, 2, 0, 3, 1, 3}, {2, 3}, DType::f32);
  const Tensor loss = Tensor::from(std::vector<double>{0.5, 0.25}, {2}, DType::f32);
  add_metrics(loss, logits, i32({1, 2}), sums);  // the second row ties: the first of equals counts
  CHECK(sums.to_doubles() == std::vector<double>{0.75, 1.0, 2.0});
  add_metrics(loss, logits, i32({1, 0}), sums);
  CHECK(sums.to_doubles() == std::vector<double>{1.5, 3.0, 4.0});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  add_metrics(Tensor::from(std::vector<double>{nan}, {1}, DType::f32),
              Tensor::from(std::vector<double>{nan, nan}, {1, 2}, DType::f32), i32({0}), sums);
  CHECK(std::isnan(sums.to_doubles()[0]));
  CHECK(sums.to_doubles()[1] == 3.0);
}

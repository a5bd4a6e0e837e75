// Weak augmentation and normalisation against pixel-by-pixel definitions, and the running metrics.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>

#include "autograd/ops.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "kernels/image/augment.hpp"
#include "kernels/image/noise.hpp"
#include "kernels/metrics/metrics.hpp"
#include "tests/skip.hpp"
#include "trainers/resident_set.hpp"

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
  Tensor out = Tensor::empty({3, kHeight, kWidth, 3}, DType::f32);
  normalize_images(images(), i32({1, 0, 1}), out);
  const auto values = out.to_host<float>();
  CHECK(values[static_cast<std::size_t>(kHeight * kWidth * 3)] == -1.0F);  // value 0
  CHECK(values[0] == 126.0F / 127.5F - 1.0F);
  const std::vector<std::uint8_t> white(3, 255);
  Tensor one = Tensor::empty({1, 1, 1, 3}, DType::f32);
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
  Tensor out = Tensor::empty({kRows, kHeight, kWidth, 3}, DType::f32);
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
    Tensor out = Tensor::empty({rows, kHeight, kWidth, 3}, DType::f32);
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

namespace {

// What `make` writes into an image of `channels` channels, if all behind the third are zero.
template <class Make>
std::vector<double> colours(std::int64_t rows, std::int64_t channels, DType dtype, Make make) {
  Tensor out = Tensor::empty({rows, kHeight, kWidth, channels}, dtype);
  make(out);
  std::vector<double> found;
  const std::vector<double> values = out.to_doubles();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (static_cast<std::int64_t>(i) % channels < 3) {
      found.push_back(values[i]);
    } else {
      CHECK(values[i] == 0.0);
    }
  }
  return found;
}

// The same colours, bit for bit, whatever the padding.
template <class Make>
void check_padding(Make make) {
  constexpr std::int64_t kRows = 9;
  for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
    const std::vector<double> bare = colours(kRows, 3, dtype, make);
    for (const std::int64_t channels : {4, 5, 8, 12}) {
      CAPTURE(channels);
      CHECK(colours(kRows, channels, dtype, make) == bare);
      // From row 1 of a larger tensor on: off the packs where channels are odd.
      const auto further_on = [&](const Output& out) {
        Tensor all = Tensor::empty(out.shape().with(0, kRows + 1), dtype);
        make(all.rows(1, kRows + 1));
        out.copy_(all.rows(1, kRows + 1));
      };
      CHECK(colours(kRows, channels, dtype, further_on) == bare);
    }
  }
}

const std::vector<std::int32_t>& nine() {
  static const std::vector<std::int32_t> index{0, 1, 1, 0, 1, 0, 0, 1, 0};
  return index;
}

}  // namespace

TEST_CASE("channels behind the third are zeros, and the colours do not depend on them") {
  const Tensor source = images();
  const Tensor index = i32(nine());
  const WeakAugment weak{.pad = 2, .seed = 6, .first = 3};
  check_padding([&](const Output& out) { normalize_images(source, index, out); });
  check_padding([&](const Output& out) { augment_weak(source, index, i32({4}), weak, out); });
  check_padding([&](const Output& out) {
    augment_strong(source, index, i32({4}), weak, {.operations = 3, .probability = 1, .cutout = 4},
                   out);
  });
  check_padding([&](const Output& out) {
    augment_weak(source, index, i32({4}), weak, out);
    add_normal_noise(i32({4}), {.seed = 8, .first_row = 3, .channels = 3}, 0.2F, out);
  });
  CHECK_THROWS_WITH_AS(
      normalize_images(source, index, Tensor::empty({9, kHeight, kWidth, 2}, DType::f32)),
      doctest::Contains("normalize_images"), Error);
}

TEST_CASE("weak augmentation: the GPU writes the CPU's images, with and without further channels") {
  if (cuda_device_count() == 0) return skip_gpu_check("weak augmentation on the GPU");
  const Device gpu{Device::Kind::cuda, 0};
  for (const std::int64_t channels : {3, 8}) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      CAPTURE(channels);
      CAPTURE(name_of(dtype));
      const auto both = [&](Device device) {
        const Tensor source = images().to(device);
        const Tensor index = i32({1, 0, 1}).to(device);
        Tensor plain = Tensor::empty({3, kHeight, kWidth, channels}, dtype, device);
        Tensor weak = Tensor::empty(plain.shape(), dtype, device);
        normalize_images(source, index, plain);
        augment_weak(source, index, i32({7}).to(device), {.pad = 2, .seed = 3}, weak);
        return std::pair(plain.to_doubles(), weak.to_doubles());
      };
      CHECK(both(gpu) == both(kCpu));
    }
  }
}

TEST_CASE("a resident set writes padded images, also into rows of one tensor") {
  const auto pixels = images().to_host<std::uint8_t>();
  const ImageSet set{.count = 2,
                     .height = kHeight,
                     .width = kWidth,
                     .pixels = {pixels.begin(), pixels.end()},
                     .labels = {4, 7}};
  const ResidentSet resident(set, kCpu);
  const Tensor step = i32({4});
  const WeakAugment weak{.pad = 2, .seed = 6};
  const Tensor index = i32(nine());
  CHECK(resident.room_for(9, DType::bf16, 8).shape() == Shape{9, kHeight, kWidth, 8});
  const auto alone = [&](const auto& write) {
    Tensor room = resident.room_for(9, DType::f32, 4);
    write(room);
    return room.to_doubles();
  };
  const auto weakly = [&](const Output& room) { resident.augment(index, step, weak, room); };
  const auto strongly = [&](const Output& room) {
    resident.augment_strongly(index, step, weak, {}, room);
  };
  Tensor room = resident.room_for(18, DType::f32, 4);
  weakly(room.rows(0, 9));
  strongly(room.rows(9, 18));
  CHECK(room.rows(0, 9).to_doubles() == alone(weakly));
  CHECK(room.rows(9, 18).to_doubles() == alone(strongly));
  CHECK(resident.labels_at(index).to_host<std::int32_t>()[1] == 7);
  const std::vector<Variable> parts{Variable(room.rows(0, 9)), Variable(room.rows(9, 18))};
  CHECK(concat_rows(parts).value().raw() == room.raw());
}

TEST_CASE("running metrics add up loss and top-1 hits, and NaN stays visible") {
  Tensor sums = Tensor::zeros({3}, DType::f32);
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

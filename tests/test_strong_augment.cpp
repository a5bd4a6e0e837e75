// The strong augmentation as a whole: weak augmentation, the operations that its own draws name,
// Cutout. The operations themselves are tested in test_image_operations.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/random.hpp"
#include "kernels/image/strong_augment.hpp"
#include "kernels/image/strong_policy.hpp"
#include "kernels/launch/phase_order.hpp"
#include "settings/settings.hpp"
#include "tests/skip.hpp"
#include "tests/test_data_support.hpp"

using namespace scimix;

namespace {

constexpr std::int64_t kSources = 3;

// Smooth colours with noise.
Tensor images(std::int64_t height, std::int64_t width) {
  Random random(11, Purpose::test, 0, 0);
  std::vector<std::uint8_t> values;
  for (std::int64_t n = 0; n < kSources; ++n) {
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        const std::array<std::int64_t, 3> base{3 * y + n, 2 * x + 40, 200 - y - x};
        for (const std::int64_t b : base) {
          const std::int64_t value = b + random.below(50);
          values.push_back(static_cast<std::uint8_t>(std::clamp<std::int64_t>(value, 0, 255)));
        }
      }
    }
  }
  return Tensor::from_host(std::span<const std::uint8_t>(values), {kSources, height, width, 3});
}

Tensor i32(const std::vector<std::int32_t>& values) {
  return Tensor::from_host(std::span<const std::int32_t>(values), {std::ssize(values)});
}

Tensor rows_in_turn(std::int64_t rows) {
  std::vector<std::int32_t> index;
  for (std::int64_t i = 0; i < rows; ++i) index.push_back(static_cast<std::int32_t>(i % kSources));
  return i32(index);
}

Tensor strong(const Tensor& source, std::int64_t rows, int step, const WeakAugment& weak,
              const StrongAugment& options, DType dtype = DType::f32, Device device = kCpu) {
  Tensor out = Tensor::empty(source.shape().with(0, rows), dtype, device);
  augment_strong(source.to(device), rows_in_turn(rows).to(device), i32({step}).to(device), weak,
                 options, out);
  return out.to(kCpu);
}

Tensor weak_only(const Tensor& source, std::int64_t rows, int step, const WeakAugment& weak,
                 DType dtype = DType::f32) {
  Tensor out = Tensor::empty(source.shape().with(0, rows), dtype);
  augment_weak(source, rows_in_turn(rows), i32({step}), weak, out);
  return out;
}

// ---- an independent definition: the table of docs/method.md, section 2.2, and the order of draws

// `level` and `sign` (1 or -1), or `u` in [0, 1), make an operation's argument.
double definition(StrongTable table, const std::string& name, int level, int sign, double u,
                  double height, double width) {
  const bool fixmatch = table == StrongTable::fixmatch;
  const bool torchssl = table == StrongTable::torchssl;
  if (name == "Brightness" || name == "Color" || name == "Contrast" || name == "Sharpness") {
    if (torchssl) return 0.05 + 0.9 * u;
    return fixmatch ? 0.1 + 0.18 * level : 0.05 + 0.09 * level;
  }
  if (name == "Rotate") return torchssl ? -30 + 60 * u : sign * 3.0 * level;
  if (name == "ShearX" || name == "ShearY") return torchssl ? -0.3 + 0.6 * u : sign * 0.03 * level;
  if (name == "TranslateX" || name == "TranslateY") {
    const double side = name == "TranslateX" ? width : height;
    if (torchssl) return (-0.3 + 0.6 * u) * side;
    // The small number: 0.03 * 100 may lie below 3.
    return sign * (fixmatch ? level : std::floor(0.03 * level * side + 1e-9));
  }
  if (name == "Posterize") {
    if (torchssl) return std::floor(4 + 4 * u);
    return fixmatch ? 4 - std::floor(0.4 * level) : 4 + std::floor(0.4 * level);
  }
  if (name == "Solarize") return torchssl ? 256 * u : 256 - std::floor(25.6 * level);
  return 0;
}

constexpr std::array<const char*, 14> kOperations{
    "AutoContrast", "Brightness", "Color",  "Contrast", "Equalize", "Identity",   "Posterize",
    "Rotate",       "Sharpness",  "ShearX", "ShearY",   "Solarize", "TranslateX", "TranslateY"};

// The bits of a row, four to a Philox block.
class Bits {
 public:
  Bits(std::uint64_t seed, std::uint32_t step, std::uint32_t row) : seed_(seed) {
    counter_ = {{0, row, step, 8}};
  }
  std::uint64_t next() {
    const auto block = philox(
        counter_, {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
    const std::uint32_t bits = block.word[used_];
    used_ = (used_ + 1) % 4;
    if (used_ == 0) ++counter_.word[0];
    return bits;
  }
  int below(std::uint64_t n) { return static_cast<int>((next() * n) >> 32); }

 private:
  std::uint64_t seed_;
  PhiloxCounter counter_;
  int used_ = 0;
};

// Of weakly augmented pixels [H,W,3] in network units: the operations of the row's draws, then the
// box. Writes the result over them.
void strengthen(std::span<float> pixels, std::int64_t height, std::int64_t width, Bits bits,
                const StrongAugment& options) {
  std::vector<std::uint8_t> levels;
  for (const float v : pixels)
    levels.push_back(static_cast<std::uint8_t>(std::lround((v + 1) * 127.5F)));
  Tensor image = Tensor::from_host(std::span<const std::uint8_t>(levels), {1, height, width, 3});
  for (int i = 0; i < options.operations; ++i) {
    const int operation = bits.below(14);
    const bool applied = static_cast<double>(bits.next() >> 8) < options.probability * 0x1p24;
    const std::uint64_t strength = bits.next();
    const int level = 1 + static_cast<int>((strength * 9) >> 32);
    const int sign = bits.below(2) == 1 ? -1 : 1;
    const double u = static_cast<double>(strength >> 8) * 0x1p-24;
    if (!applied) continue;
    const double argument =
        definition(options.table, kOperations.at(static_cast<std::size_t>(operation)), level, sign,
                   u, static_cast<double>(height), static_cast<double>(width));
    Tensor next = Tensor::empty(image.shape(), DType::u8);
    apply_image_operation(image, static_cast<ImageOperation>(operation),
                          static_cast<float>(argument), options.fill, next);
    image = next;
  }
  const auto after = image.to_host<std::uint8_t>();
  const std::int64_t top = bits.below(static_cast<std::uint64_t>(height)) - options.cutout / 2;
  const std::int64_t left = bits.below(static_cast<std::uint64_t>(width)) - options.cutout / 2;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto y = static_cast<std::int64_t>(i) / 3 / width;
    const auto x = static_cast<std::int64_t>(i) / 3 % width;
    const bool cut = y >= top && y < top + options.cutout && x >= left && x < left + options.cutout;
    pixels[i] = cut ? 0.0F : static_cast<float>(after[i]) / 127.5F - 1.0F;
  }
}

std::vector<float> expected(const Tensor& source, std::int64_t rows, int step,
                            const WeakAugment& weak, const StrongAugment& options) {
  auto values = weak_only(source, rows, step, weak).to_host<float>();
  const auto size = static_cast<std::size_t>(source.dim(1) * source.dim(2) * 3);
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    strengthen(std::span(values).subspan(row * size, size), source.dim(1), source.dim(2),
               Bits(weak.seed, static_cast<std::uint32_t>(step),
                    weak.first + static_cast<std::uint32_t>(row)),
               options);
  }
  return values;
}

void check_whole(const Tensor& source, std::int64_t rows, const WeakAugment& weak,
                 const StrongAugment& options) {
  const auto values = expected(source, rows, 9, weak, options);
  CHECK(strong(source, rows, 9, weak, options).to_host<float>() == values);
  if (cuda_device_count() > 0) {
    const Device gpu{Device::Kind::cuda, 0};
    CHECK(strong(source, rows, 9, weak, options, DType::f32, gpu).to_host<float>() == values);
  }
}

// The result has to lie within five standard deviations of Binomial(n, p).
void check_count(std::int64_t count, std::int64_t n, double p) {
  const double mean = static_cast<double>(n) * p;
  CHECK(std::abs(static_cast<double>(count) - mean) < 5 * std::sqrt(mean * (1 - p)));
}

}  // namespace

TEST_SUITE_BEGIN("strong augmentation");

TEST_CASE("strong augmentation: weak, the operations of its draws, Cutout, normalisation") {
  const Tensor square = images(32, 32);
  const WeakAugment weak{.seed = 77, .first = 5};
  // 448 rows of 2 operations: each of the 14 is applied some 30 times.
  check_whole(square, 448, weak, {});
  check_whole(square, 200, weak, {.table = StrongTable::fixmatch, .operations = 3, .fill = 0});
  check_whole(square, 200, {.flip = false, .pad = 0, .seed = 1ULL << 40},
              {.table = StrongTable::torchssl, .operations = 3, .probability = 1, .cutout = 9});
  if (cuda_device_count() == 0) skip_gpu_check("strong augmentation on the GPU");
}

TEST_CASE("strong augmentation: 96 pixels, odd sizes") {
  for (const StrongTable table :
       {StrongTable::fixmatch, StrongTable::kekmodel, StrongTable::torchssl}) {
    check_whole(images(96, 96), 24, {.pad = 12, .seed = 2}, {.table = table, .probability = 1});
    check_whole(images(33, 17), 60, {.pad = 2, .seed = 3}, {.table = table, .cutout = 40});
    check_whole(images(1, 5), 60, {.pad = 0, .seed = 4}, {.table = table, .probability = 1});
  }
}

TEST_CASE("strong augmentation: without operations and box it is the weak one, bit for bit") {
  const Tensor source = images(32, 32);
  const WeakAugment weak{.seed = 4};
  for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
    const auto plain = weak_only(source, 64, 3, weak, dtype).to_doubles();
    const StrongAugment never{.probability = 0, .cutout = 0};
    CHECK(strong(source, 64, 3, weak, never, dtype).to_doubles() == plain);
    const StrongAugment none{.operations = 0, .probability = 1, .cutout = 0};
    CHECK(strong(source, 64, 3, weak, none, dtype).to_doubles() == plain);
    CHECK(strong(source, 64, 3, weak, {}, dtype).to_doubles() != plain);
  }
}

TEST_CASE("strong augmentation: bf16 is f32 rounded") {
  const Tensor source = images(32, 32);
  const auto wide = strong(source, 32, 1, {}, {}).to_host<float>();
  const auto narrow = strong(source, 32, 1, {}, {}, DType::bf16).to_host<bf16>();
  REQUIRE(wide.size() == narrow.size());
  bool same = true;
  for (std::size_t i = 0; i < wide.size(); ++i) same = same && bf16(wide[i]).bits == narrow[i].bits;
  CHECK(same);
}

TEST_CASE("strong augmentation: a row depends on seed, step and position alone") {
  const Tensor source = images(16, 16);
  const auto run = [&](std::uint64_t seed, int step, std::uint32_t first, std::int64_t rows) {
    return strong(source, rows, step, {.seed = seed, .first = first}, {.probability = 1});
  };
  const Tensor whole = run(1, 5, 0, 12);
  CHECK(whole.rows(6, 12).clone().to_doubles() == run(1, 5, 6, 6).to_doubles());
  CHECK(whole.to_doubles() == run(1, 5, 0, 12).to_doubles());
  CHECK(whole.to_doubles() != run(2, 5, 0, 12).to_doubles());
  CHECK(whole.to_doubles() != run(1, 6, 0, 12).to_doubles());
  const ShufflePhases shuffle;
  CHECK(whole.to_doubles() == run(1, 5, 0, 12).to_doubles());
}

TEST_CASE("strong augmentation: what is drawn is as likely as it should be") {
  constexpr std::int64_t kRows = 20'000;
  std::array<std::int64_t, kImageOperations> operations{};
  std::array<std::int64_t, 9> levels{};
  std::array<std::int64_t, 10> tenths{};
  std::int64_t applied = 0;
  std::int64_t negative = 0;
  for (std::uint32_t row = 0; row < kRows / 2; ++row) {
    Random random(5, Purpose::strong_augment, 2, row);
    for (int i = 0; i < 2; ++i) {
      const DrawnOperation drawn = draw_operation(random, 0.3);
      ++operations.at(static_cast<std::size_t>(drawn.operation));
      ++levels.at(static_cast<std::size_t>(drawn.strength.level - 1));
      ++tenths.at(static_cast<std::size_t>(drawn.strength.fraction * 10));
      applied += drawn.applied ? 1 : 0;
      negative += drawn.strength.negative ? 1 : 0;
    }
  }
  for (const std::int64_t count : operations) check_count(count, kRows, 1.0 / kImageOperations);
  for (const std::int64_t count : levels) check_count(count, kRows, 1.0 / 9);
  for (const std::int64_t count : tenths) check_count(count, kRows, 0.1);
  check_count(applied, kRows, 0.3);
  check_count(negative, kRows, 0.5);
}

TEST_CASE("strong augmentation: every pixel is as likely the centre of the box") {
  constexpr std::int64_t kRows = 6400;
  const Tensor white =
      Tensor::from(std::vector<double>(kSources * 64 * 3, 255), {kSources, 8, 8, 3}, DType::u8);
  const auto values =
      strong(white, kRows, 0, {.pad = 0}, {.operations = 0, .cutout = 1}).to_host<float>();
  std::array<std::int64_t, 64> hits{};
  bool clean = true;
  for (std::size_t p = 0; p < values.size() / 3; ++p) {
    const bool zero = values[3 * p] == 0.0F;
    for (std::size_t c = 0; c < 3; ++c) clean = clean && values[3 * p + c] == (zero ? 0.0F : 1.0F);
    hits.at(p % 64) += zero ? 1 : 0;
  }
  CHECK(clean);
  for (const std::int64_t count : hits) check_count(count, kRows, 1.0 / 64);
}

TEST_CASE("strong augmentation: the magnitudes of the tables") {
  for (const StrongTable table :
       {StrongTable::fixmatch, StrongTable::kekmodel, StrongTable::torchssl}) {
    for (int i = 0; i < kImageOperations; ++i) {
      const std::string name = kOperations.at(static_cast<std::size_t>(i));
      const auto operation = static_cast<ImageOperation>(i);
      CHECK(name_of(operation) == name);
      for (int level = 1; level <= 9; ++level) {
        for (const bool negative : {false, true}) {
          const float u = static_cast<float>(level - 1) / 8.1F;
          const double argument =
              definition(table, name, level, negative ? -1 : 1, double{u}, 96, 100);
          CAPTURE(name);
          CAPTURE(level);
          CHECK(operation_argument(table, operation, {level, u, negative}, {96, 100}) ==
                static_cast<float>(argument));
        }
      }
    }
  }
}

TEST_CASE("strong augmentation: the policy as a log prints it") {
  const auto lines = describe_policy({}, 32, 32);
  REQUIRE(std::ssize(lines) == 1 + kImageOperations + 2);
  CHECK(lines[0] ==
        "RandAugment: 2 of 14 operations, drawn with replacement, each applied with probability "
        "0.5; table kekmodel, levels 1 to 9");
  CHECK(lines[1] == "  AutoContrast");
  CHECK(lines[2] == "  Brightness 0.14 to 0.86");
  CHECK(lines[7] == "  Posterize 4 to 7 bits kept");
  CHECK(lines[8] == "  Rotate +-3 to +-27 degrees");
  CHECK(lines[10] == "  ShearX +-0.03 to +-0.27 pixels per line");
  CHECK(lines[12] == "  Solarize 231 to 26");
  CHECK(lines[13] == "  TranslateX +-0 to +-8 pixels");
  CHECK(lines[15] == "  outside the image: 127");
  CHECK(lines[16] ==
        "Cutout: 16x16 pixels around a uniform pixel, clipped, 0 in the network's input");
  const auto other =
      describe_policy({.table = StrongTable::torchssl, .operations = 3, .cutout = 0}, 32, 64);
  CHECK(test::contains(other[0], "3 of 14 operations"));
  CHECK(test::contains(other[0], "table torchssl, uniform in each range"));
  CHECK(other[2] == "  Brightness 0.05 to 0.95");
  CHECK(other[7] == "  Posterize 4 to 7 bits kept");
  CHECK(other[8] == "  Rotate -30 to 30 degrees");
  CHECK(other[12] == "  Solarize 0 to 256");
  CHECK(other[13] == "  TranslateX -19.2 to 19.2 pixels");
  CHECK(other[16] == "Cutout: none");
}

TEST_CASE("strong augmentation: the box is half as wide as the image, unless a side is set") {
  FixMatchSettings settings;
  CHECK(strong_augment(settings, 32).cutout == 16);
  CHECK(strong_augment(settings, 16).cutout == 8);
  CHECK(strong_augment(settings, 96).cutout == 48);
  settings.cutout = 0;
  CHECK(strong_augment(settings, 32).cutout == 0);
  settings.cutout = 5;
  CHECK(strong_augment(settings, 32).cutout == 5);
}

TEST_CASE("strong augmentation: names of the tables") {
  CHECK(choice_of<StrongTable>("fixmatch") == StrongTable::fixmatch);
  CHECK(choice_of<StrongTable>("kekmodel") == StrongTable::kekmodel);
  CHECK(choice_of<StrongTable>("torchssl") == StrongTable::torchssl);
  CHECK(test::user_error_of([] { (void)choice_of<StrongTable>("torch-ssl"); }) ==
        "torch-ssl: expected fixmatch, kekmodel, torchssl; did you mean torchssl?");
}

TEST_CASE("strong augmentation: too large images are the user's mistake") {
  const std::string message = test::user_error_of([] { strong(images(128, 96), 1, 0, {}, {}); });
  CHECK(message == "augment_strong: images of 128x96 pixels, expected at most 10000 pixels");
}

TEST_SUITE_END();

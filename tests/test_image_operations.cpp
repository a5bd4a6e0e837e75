// RandAugment's operations against Pillow: against golden results always, on real images where
// Pillow and CIFAR-10 are at hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <iomanip>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "data/cifar10.hpp"
#include "data/image_io.hpp"
#include "kernels/image/strong_augment.hpp"
#include "kernels/launch/phase_order.hpp"
#include "tests/paths.hpp"
#include "tests/skip.hpp"
#include "tests/test_data_support.hpp"

using namespace scimix;

namespace {

const std::string kGolden = source_dir().string() + "/tests/golden/";

struct Case {
  ImageOperation operation;
  double argument;
};

ImageOperation parse_operation(const std::string& name) {
  for (int i = 0; i < kImageOperations; ++i) {
    const auto operation = static_cast<ImageOperation>(i);
    if (name_of(operation) == name) return operation;
  }
  FAIL("no operation ", name);
  return ImageOperation::identity;
}

std::vector<Case> read_cases(const std::string& path) {
  std::ifstream file(path);
  REQUIRE(file.good());
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string name;
    double argument = 0;
    if (words >> name >> argument) cases.push_back({parse_operation(name), argument});
  }
  return cases;
}

void write_cases(const std::filesystem::path& path, const std::vector<Case>& cases) {
  std::ostringstream lines;
  lines << std::setprecision(17);
  for (const Case& c : cases) lines << name_of(c.operation) << ' ' << c.argument << '\n';
  test::write_text(path, lines.str());
}

// Images of one size, [N,H,W,3].
struct Batch {
  std::int64_t count, height, width;
  std::vector<std::uint8_t> pixels;
};

// From a picture with `columns` images side by side in each row; those of row `row`.
Batch row_of(const Image& picture, std::int64_t row, std::int64_t height, std::int64_t width) {
  Batch batch{picture.width / width, height, width, {}};
  for (std::int64_t n = 0; n < batch.count; ++n) {
    for (std::int64_t y = 0; y < height; ++y) {
      const std::int64_t first = ((row * height + y) * picture.width + n * width) * 3;
      const auto begin = picture.pixels.begin() + first;
      batch.pixels.insert(batch.pixels.end(), begin, begin + width * 3);
    }
  }
  return batch;
}

Image strip_of(const Batch& batch) {
  return make_grid(batch.pixels, batch.height, batch.width, batch.count, 1, 0);
}

std::vector<std::uint8_t> apply(const Batch& batch, const Case& c, Device device) {
  const Shape shape{batch.count, batch.height, batch.width, 3};
  const Tensor images =
      Tensor::from_host(std::span<const std::uint8_t>(batch.pixels), shape).to(device);
  Tensor out = Tensor::empty(shape, DType::u8, device);
  apply_image_operation(images, c.operation, static_cast<float>(c.argument), 127, out);
  return out.to_host<std::uint8_t>();
}

std::vector<Device> devices() {
  std::vector<Device> all{kCpu};
  if (cuda_device_count() > 0) all.push_back({Device::Kind::cuda, 0});
  return all;
}

struct Difference {
  std::int64_t values = 0;  // that differ at all
  int largest = 0;          // in levels
};

// Of our results to those in a picture that pillow_operations.py wrote.
std::vector<Difference> compare(const Batch& batch, const std::vector<Case>& cases,
                                const Image& results, Device device) {
  REQUIRE(results.width == batch.count * batch.width);
  REQUIRE(results.height == std::ssize(cases) * batch.height);
  std::vector<Difference> differences;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto ours = apply(batch, cases[i], device);
    const auto theirs =
        row_of(results, static_cast<std::int64_t>(i), batch.height, batch.width).pixels;
    Difference d;
    for (std::size_t p = 0; p < ours.size(); ++p) {
      const int off = std::abs(int{ours[p]} - int{theirs[p]});
      d.values += off > 0 ? 1 : 0;
      d.largest = std::max(d.largest, off);
    }
    differences.push_back(d);
  }
  return differences;
}

bool is_blend(ImageOperation operation) {
  return operation == ImageOperation::brightness || operation == ImageOperation::color ||
         operation == ImageOperation::contrast || operation == ImageOperation::sharpness;
}

// Every operation with every argument of the published tables (docs/method.md, section 2.2); of
// torchssl's ranges, some that lie between.
std::vector<Case> all_cases(std::int64_t width) {
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, double argument) {
    cases.push_back({parse_operation(name), argument});
  };
  for (const char* name : {"AutoContrast", "Equalize", "Identity"}) add(name, 0);
  for (int bits = 1; bits <= 8; ++bits) add("Posterize", bits);
  add("Solarize", 0);
  add("Solarize", 77.3);
  for (int level = 1; level <= 9; ++level) {
    for (const char* name : {"Brightness", "Color", "Contrast", "Sharpness"}) {
      for (const double factor : {0.1 + 0.18 * level, 0.05 + 0.09 * level, 0.0917 * level}) {
        add(name, factor);
      }
    }
    add("Solarize", 256 - static_cast<int>(25.6 * level));
    for (const int sign : {-1, 1}) {
      for (const double degrees : {3.0 * level, 3.1414 * level}) add("Rotate", sign * degrees);
      const double distance = static_cast<double>(3 * level * width / 100);
      for (const char* axis : {"X", "Y"}) {
        for (const double slope : {0.03, 0.0317}) {
          add(std::string("Shear") + axis, sign * slope * level);
        }
        for (const double pixels : {1.0 * level, distance, 1.037 * level}) {
          add(std::string("Translate") + axis, sign * pixels);
        }
      }
    }
  }
  return cases;
}

// A Python that has Pillow.
std::optional<std::string> python_with_pillow() {
  for (const std::string python : {"python3", "/usr/bin/python3"}) {
    if (std::system((python + " -c 'import PIL' >/dev/null 2>&1").c_str()) == 0) return python;
  }
  return std::nullopt;
}

// What Pillow makes of the images.
Image ask_pillow(const std::string& python, const Batch& batch, const std::vector<Case>& cases) {
  const test::TempFolder folder;
  write_png(folder / "images.png", strip_of(batch));
  write_cases(folder / "cases.txt", cases);
  const auto quoted = [&](const char* name) { return " '" + (folder / name).string() + "'"; };
  const std::string command = python + " '" + kGolden + "pillow_operations.py' " +
                              std::to_string(batch.width) + quoted("images.png") +
                              quoted("cases.txt") + quoted("results.png");
  REQUIRE(std::system(command.c_str()) == 0);
  return read_image(folder / "results.png");
}

// `count` images of `height` x `width`, cut from real ones laid side by side in rows of three.
Batch real_images(const ImageSet& set, std::int64_t count, std::int64_t height,
                  std::int64_t width) {
  Batch batch{count, height, width, {}};
  for (std::int64_t n = 0; n < count; ++n) {
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        const std::int64_t tile = y / 32 * 3 + x / 32;
        const auto image = set.image((n * 9 + tile) % set.count);
        const auto from = image.begin() + (y % 32 * 32 + x % 32) * 3;
        batch.pixels.insert(batch.pixels.end(), from, from + 3);
      }
    }
  }
  return batch;
}

// Pixels of Pillow's integer operations are ours; so are its blends here, but they are f32, of
// which another processor's Pillow may fuse products and sums: one level.
void check_real(const std::string& python, const Batch& batch) {
  const auto cases = all_cases(batch.width);
  const Image results = ask_pillow(python, batch, cases);
  for (const Device device : devices()) {
    const auto differences = compare(batch, cases, results, device);
    std::int64_t blended = 0;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      CAPTURE(name_of(cases[i].operation));
      CAPTURE(cases[i].argument);
      CAPTURE(differences[i].values);
      const bool blend = is_blend(cases[i].operation);
      CHECK(differences[i].largest <= (blend ? 1 : 0));
      if (blend) blended += differences[i].values;
    }
    if (blended > 0) MESSAGE(blended << " values of blends are one level off Pillow's");
  }
}

}  // namespace

TEST_SUITE_BEGIN("image operations");

TEST_CASE("image operations: golden results of Pillow, to the last bit") {
  const Batch batch = row_of(read_image(kGolden + "pillow_images.png"), 0, 24, 28);
  const auto cases = read_cases(kGolden + "pillow_cases.txt");
  const Image results = read_image(kGolden + "pillow_results.png");
  REQUIRE(batch.count == 2);
  std::map<ImageOperation, int> seen;
  for (const Case& c : cases) ++seen[c.operation];
  CHECK(std::ssize(seen) == kImageOperations);
  for (const Device device : devices()) {
    const auto differences = compare(batch, cases, results, device);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      CAPTURE(name_of(cases[i].operation));
      CAPTURE(cases[i].argument);
      CHECK(differences[i].values == 0);
    }
  }
  if (cuda_device_count() == 0) skip_gpu_check("image operations on the GPU against Pillow");
}

TEST_CASE("image operations: no item reads what another writes in a phase") {
  const Batch batch = row_of(read_image(kGolden + "pillow_images.png"), 0, 24, 28);
  for (const Case& c : read_cases(kGolden + "pillow_cases.txt")) {
    CAPTURE(name_of(c.operation));
    const auto expected = apply(batch, c, kCpu);
    const ShufflePhases shuffle;
    CHECK(apply(batch, c, kCpu) == expected);
  }
}

TEST_CASE("image operations: one colour, and images too small to have an inside") {
  for (const auto& [height, width] : {std::pair{1, 1}, {2, 5}, {3, 3}}) {
    const Batch plain{1, height, width,
                      std::vector<std::uint8_t>(static_cast<std::size_t>(height * width * 3), 90)};
    for (const char* name : {"AutoContrast", "Color", "Contrast", "Equalize", "Sharpness"}) {
      CAPTURE(name);
      CHECK(apply(plain, {parse_operation(name), 0.5}, kCpu) == plain.pixels);
    }
    const Case rotate{ImageOperation::rotate, 0};
    CHECK(apply(plain, rotate, kCpu) == plain.pixels);
    const Case away{ImageOperation::translate_y, 4};
    CHECK(apply(plain, away, kCpu) == std::vector<std::uint8_t>(plain.pixels.size(), 127));
  }
}

// Pixel (y, x) of a picture sheared by 100 shows the point x + 100 (y + 1/2), which is outside of
// this picture in every row. In the 65536ths in which Pillow counts, it exceeds 32 bits from row
// 327 on.
TEST_CASE("image operations: a shear that leaves the picture by far shows the fill") {
  const std::int64_t height = 656;
  const std::int64_t width = 15;
  Batch batch{1, height, width, {}};
  for (std::int64_t i = 0; i < height * width * 3; ++i) batch.pixels.push_back(i % 100);
  const std::vector<std::uint8_t> fill(batch.pixels.size(), 127);
  for (const Device device : devices()) {
    CHECK(apply(batch, {ImageOperation::shear_x, 100}, device) == fill);
    CHECK(apply(batch, {ImageOperation::translate_x, 32767}, device) == fill);
  }
}

TEST_CASE("image operations: too large an image is the user's mistake") {
  Tensor large = Tensor::zeros({1, 101, 100, 3}, DType::u8);
  CHECK(test::user_error_of([&] {
          apply_image_operation(large, ImageOperation::identity, 0, 0, large);
        }) == "apply_image_operation: images of 101x100 pixels, expected at most 10000 pixels");
  Tensor largest = Tensor::zeros({1, 100, 100, 3}, DType::u8);
  apply_image_operation(largest, ImageOperation::equalize, 0, 0, largest);
}

TEST_CASE("image operations: Pillow on real images, every operation at every level" *
          doctest::test_suite("data")) {
  const auto folder = test::real_data("cifar-10-batches-bin");
  if (!folder) return;
  const auto python = python_with_pillow();
  if (!python) return skip_check("no python3 with Pillow");
  const ImageSet set = read_cifar10_batch(*folder / "data_batch_1.bin");
  check_real(*python, real_images(set, 40, 32, 32));
  check_real(*python, real_images(set, 10, 17, 29));
  check_real(*python, real_images(set, 2, 96, 96));
}

TEST_SUITE_END();

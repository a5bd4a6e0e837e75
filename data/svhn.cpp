#include "data/svhn.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/mat_file.hpp"
#include "data/parallel.hpp"

namespace scimix {
namespace {

constexpr std::int64_t kSide = 32;
constexpr std::int64_t kPlane = kSide * kSide;
constexpr std::int64_t kImage = 3 * kPlane;
constexpr int kClasses = 10;
constexpr std::int64_t kImagesAtOnce = 1024;
constexpr std::uint64_t kUsualBytes = std::uint64_t{16} << 20;

// Returns how many images a file of this size can hold at most.
std::uint64_t most_images(const MatFile& file) {
  return file.most_bytes() / kImage + 1;
}

// Checks the shape, 32x32x3xN, and returns N.
std::int64_t check_images_variable(const MatFile& file, const MatVariable& x) {
  if (x.dims.size() != 4) {
    user_error(file.path(), ": X has ", x.dims.size(), " dimensions, expected 32x32x3xN");
  }
  if (x.dims[0] != kSide || x.dims[1] != kSide || x.dims[2] != 3 || x.dims[3] == 0) {
    user_error(file.path(), ": X is ", x.shape(), ", expected 32x32x3xN");
  }
  if (x.class_code != MatVariable::kUint8 || x.is_complex) {
    user_error(file.path(), ": X is not of type uint8");
  }
  if (x.dims[3] > most_images(file)) {
    user_error(file.path(), ": X is ", x.shape(), ", more than a file of ", file.size(),
               " bytes can hold");
  }
  return static_cast<std::int64_t>(x.dims[3]);
}

// [row + 32 col + 1024 channel] to [H,W,C], for each of `count` images.
void to_rows(const std::uint8_t* from, std::int64_t count, std::uint8_t* to) {
  parallel_for_images(count, [&](std::int64_t n) {
    const std::uint8_t* source = from + n * kImage;
    std::uint8_t* target = to + n * kImage;
    for (std::int64_t row = 0; row < kSide; ++row) {
      for (std::int64_t col = 0; col < kSide; ++col) {
        for (std::int64_t c = 0; c < 3; ++c) *target++ = source[row + kSide * col + kPlane * c];
      }
    }
  });
}

// Reads the images piece by piece. Memory grows with what was read, not with what the file claims,
// except for a claim that is usual for a file of this size.
void read_pixels(MatFile& file, ImageSet& images) {
  const auto all = static_cast<std::uint64_t>(images.count * kImage);
  const std::uint64_t usual = std::max(kUsualBytes, 8 * file.size());
  images.pixels.reserve(static_cast<std::size_t>(std::min(all, usual)));
  std::vector<std::uint8_t> planes;
  for (std::int64_t first = 0; first < images.count; first += kImagesAtOnce) {
    const std::int64_t count = std::min(kImagesAtOnce, images.count - first);
    planes.resize(static_cast<std::size_t>(count * kImage));
    file.read(std::span(planes));
    images.pixels.resize(static_cast<std::size_t>((first + count) * kImage));
    to_rows(planes.data(), count, images.pixels.data() + first * kImage);
  }
}

// Reads y as far as it can be: its shape is compared once the number of images is known.
std::vector<std::int32_t> read_labels(MatFile& file, const MatVariable& y) {
  std::vector<std::int32_t> labels;
  const bool is_column = y.dims.size() == 2 && y.dims[1] == 1 && y.dims[0] <= most_images(file);
  if (!is_column) return labels;
  if (!y.is_real_number()) user_error(file.path(), ": y is not a real number type");
  std::array<double, 1024> block{};
  for (std::uint64_t first = 0; first < y.dims[0]; first += block.size()) {
    const auto count = std::min<std::uint64_t>(block.size(), y.dims[0] - first);
    const auto read = std::span(block).first(static_cast<std::size_t>(count));
    file.read(read);
    for (const double label : read) {
      if (!(label >= 1 && label <= kClasses) || label != std::floor(label)) {
        user_error(file.path(), ": y(", labels.size() + 1, ") is ", label, ", expected 1 to 10");
      }
      labels.push_back(static_cast<std::int32_t>(label) % kClasses);
    }
  }
  return labels;
}

std::filesystem::path find_folder(const std::filesystem::path& dir) {
  for (const auto& folder : {dir, dir / "svhn"}) {
    if (is_file(folder / "train_32x32.mat")) return folder;
  }
  (void)path_kind(dir);  // says why, where the folder cannot be looked at
  user_error(shown(dir), ": no train_32x32.mat there or in svhn/, expected SVHN format 2");
}

}  // namespace

ImageSet read_svhn_file(const std::filesystem::path& path) {
  MatFile file(path);
  ImageSet images;
  images.height = kSide;
  images.width = kSide;
  std::optional<MatVariable> y;
  while (const std::optional<MatVariable> variable = file.next()) {
    if (variable->name == "X" && images.count == 0) {
      images.count = check_images_variable(file, *variable);
      read_pixels(file, images);
    } else if (variable->name == "y" && !y) {
      y = *variable;
      images.labels = read_labels(file, *variable);
    }
  }
  if (images.count == 0) user_error(file.path(), ": has no variable X, expected X and y");
  if (!y) user_error(file.path(), ": has no variable y, expected X and y");
  if (std::ssize(images.labels) != images.count) {
    user_error(file.path(), ": y is ", y->shape(), ", expected ", images.count, "x1 as X has ",
               images.count, " images");
  }
  return images;
}

namespace {

void check_classes(const std::filesystem::path& file, const ImageSet& images) {
  for (std::int32_t digit = 0; digit < kClasses; ++digit) {
    if (std::ranges::find(images.labels, digit) != images.labels.end()) continue;
    user_error(shown(file), ": no images of the digit ", digit, ", expected all ten");
  }
}

}  // namespace

Dataset load_svhn(const std::filesystem::path& dir) {
  const std::filesystem::path folder = find_folder(dir);
  Dataset dataset;
  dataset.name = "svhn";
  dataset.train = read_svhn_file(folder / "train_32x32.mat");
  check_classes(folder / "train_32x32.mat", dataset.train);
  dataset.test = read_svhn_file(folder / "test_32x32.mat");
  for (int digit = 0; digit < kClasses; ++digit) {
    dataset.class_names.push_back(std::to_string(digit));
  }
  dataset.flip_allowed = false;  // a mirrored 2 is no digit
  check_all_images(dataset, shown(folder));
  return dataset;
}

}  // namespace scimix

#include "data/cifar10.hpp"

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/file.hpp"

namespace scimix {
namespace {

constexpr std::int64_t kSide = 32;
constexpr std::int64_t kPlane = kSide * kSide;
constexpr std::int64_t kRecord = 1 + 3 * kPlane;
constexpr std::int64_t kClasses = 10;

std::filesystem::path find_folder(const std::filesystem::path& dir) {
  const std::filesystem::path inner = dir / "cifar-10-batches-bin";
  for (const auto& folder : {dir, inner}) {
    if (is_file(folder / "data_batch_1.bin")) return folder;
  }
  (void)path_kind(dir);  // says why, where the folder cannot be looked at
  user_error(shown(dir), ": no data_batch_1.bin there or in cifar-10-batches-bin/, expected the ",
             "binary version of CIFAR-10");
}

std::vector<std::string> read_class_names(const std::filesystem::path& file) {
  const std::vector<std::uint8_t> bytes = read_file(file);
  std::vector<std::string> names;
  std::string content(text_in(bytes));
  std::ranges::replace(content, '\r', '\n');
  std::istringstream lines(content);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string::npos) continue;
    std::string name = line.substr(first, line.find_last_not_of(" \t") - first + 1);
    if (std::ranges::find(names, name) != names.end()) {
      user_error(shown(file), ": has the class name ", shown(name),
                 " twice, expected different names");
    }
    names.push_back(std::move(name));
  }
  if (names.size() != kClasses) {
    user_error(shown(file), ": ", names.size(), " class names, expected ", kClasses);
  }
  return names;
}

void append(ImageSet& to, const ImageSet& from) {
  to.count += from.count;
  to.height = from.height;
  to.width = from.width;
  to.pixels.insert(to.pixels.end(), from.pixels.begin(), from.pixels.end());
  to.labels.insert(to.labels.end(), from.labels.begin(), from.labels.end());
}

}  // namespace

ImageSet read_cifar10_batch(const std::filesystem::path& file, std::int64_t records) {
  const std::vector<std::uint8_t> bytes = read_file(file);
  if (bytes.size() != static_cast<std::size_t>(records * kRecord)) {
    user_error(shown(file), ": ", bytes.size(), " bytes, expected ", records * kRecord, " (",
               records, " records of ", kRecord, ")");
  }
  ImageSet images{.count = records, .height = kSide, .width = kSide, .pixels = {}, .labels = {}};
  images.pixels.resize(static_cast<std::size_t>(records * 3 * kPlane));
  images.labels.resize(static_cast<std::size_t>(records));
  for (std::int64_t n = 0; n < records; ++n) {
    const std::uint8_t* record = bytes.data() + n * kRecord;
    if (record[0] >= kClasses) {
      user_error(shown(file), ": record ", n, " has label ", static_cast<int>(record[0]),
                 ", expected 0 to ", kClasses - 1);
    }
    images.labels[static_cast<std::size_t>(n)] = record[0];
    std::uint8_t* image = images.pixels.data() + n * 3 * kPlane;
    for (std::int64_t p = 0; p < kPlane; ++p) {
      for (std::int64_t c = 0; c < 3; ++c) image[p * 3 + c] = record[1 + c * kPlane + p];
    }
  }
  return images;
}

Dataset load_cifar10(const std::filesystem::path& dir) {
  const std::filesystem::path folder = find_folder(dir);
  Dataset dataset;
  dataset.name = "cifar10";
  dataset.class_names = read_class_names(folder / "batches.meta.txt");
  for (int batch = 1; batch <= 5; ++batch) {
    append(dataset.train, read_cifar10_batch(folder / text("data_batch_", batch, ".bin")));
  }
  dataset.test = read_cifar10_batch(folder / "test_batch.bin");
  check_all_images(dataset, shown(folder));
  return dataset;
}

}  // namespace scimix

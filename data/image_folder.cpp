#include "data/image_folder.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/random.hpp"
#include "data/image_files.hpp"
#include "data/image_io.hpp"
#include "data/parallel.hpp"
#include "data/random_order.hpp"
#include "data/resize.hpp"

namespace scimix {
namespace {

namespace fs = std::filesystem;

struct File {
  fs::path path;
  std::int32_t label = 0;
};

std::vector<std::string> class_folders(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::path& entry : list_folder(folder)) {
    if (!fs::is_directory(entry)) {
      user_error(entry.string(), ": expected only folders here, one for each class");
    }
    names.push_back(entry.filename().string());
  }
  return names;
}

std::vector<File> class_files(const fs::path& folder, std::int32_t label) {
  std::vector<File> files;
  for (const fs::path& file : list_images(folder)) files.push_back({file, label});
  return files;
}

ImageSet read_files(const std::vector<File>& files, std::int64_t size) {
  ImageSet images;
  images.count = static_cast<std::int64_t>(files.size());
  images.height = size;
  images.width = size;
  images.pixels.resize(static_cast<std::size_t>(images.count * images.image_bytes()));
  images.labels.resize(files.size());
  parallel_for_images(images.count, [&](std::int64_t i) {
    const File& file = files[static_cast<std::size_t>(i)];
    const Image image = resize_and_crop(read_image(file.path), size);
    std::copy(image.pixels.begin(), image.pixels.end(),
              images.pixels.begin() + i * images.image_bytes());
    images.labels[static_cast<std::size_t>(i)] = file.label;
  });
  return images;
}

// Moves a share of `files`, all of one class, to `test`, and the rest to `train`. Both keep the
// files' order.
void hold_out(const fs::path& folder, std::vector<File> files, double share, Random random,
              std::vector<File>& train, std::vector<File>& test) {
  if (files.size() < 2) {
    user_error(folder.string(), ": holds 1 image, expected at least 2: one to train, one to test");
  }
  const auto wanted = std::llround(share * static_cast<double>(files.size()));
  auto left = std::clamp<std::size_t>(static_cast<std::size_t>(wanted), 1, files.size() - 1);
  // Selection sampling: each of the remaining files is as likely as any other.
  for (std::size_t i = 0; i < files.size(); ++i) {
    const bool held = random.below(static_cast<std::uint32_t>(files.size() - i)) < left;
    if (held) --left;
    (held ? test : train).push_back(std::move(files[i]));
  }
}

void list_two_folders(const fs::path& dir, std::vector<std::string>& names,
                      std::vector<File>& train, std::vector<File>& test) {
  names = class_folders(dir / "train");
  for (std::size_t c = 0; c < names.size(); ++c) {
    const auto files = class_files(dir / "train" / names[c], static_cast<std::int32_t>(c));
    train.insert(train.end(), files.begin(), files.end());
  }
  if (!fs::is_directory(dir / "test")) user_error((dir / "test").string(), ": no such folder");
  for (const std::string& name : class_folders(dir / "test")) {
    const auto found = std::lower_bound(names.begin(), names.end(), name);
    if (found == names.end() || *found != name) {
      user_error((dir / "test" / name).string(), ": there is no such class in ",
                 (dir / "train").string());
    }
    const auto files =
        class_files(dir / "test" / name, static_cast<std::int32_t>(found - names.begin()));
    test.insert(test.end(), files.begin(), files.end());
  }
}

void list_one_folder(const fs::path& dir, double test_fraction, std::uint64_t seed,
                     std::vector<std::string>& names, std::vector<File>& train,
                     std::vector<File>& test) {
  names = class_folders(dir);
  for (std::size_t c = 0; c < names.size(); ++c) {
    const fs::path folder = dir / names[c];
    const Random random(seed, Purpose::split, kHoldOutStream, static_cast<std::uint32_t>(c));
    hold_out(folder, class_files(folder, static_cast<std::int32_t>(c)), test_fraction, random,
             train, test);
  }
}

}  // namespace

Dataset load_image_folder(const fs::path& dir, std::int64_t size, double test_fraction,
                          std::uint64_t seed) {
  if (size < 1 || size > 4096) user_error("image size ", size, ", expected 1 to 4096");
  if (!(test_fraction > 0 && test_fraction < 1)) {
    user_error("test fraction ", test_fraction, ", expected above 0 and below 1");
  }
  if (!fs::is_directory(dir)) user_error(dir.string(), ": no such folder");
  Dataset dataset;
  dataset.name = "folder";
  std::vector<File> train;
  std::vector<File> test;
  if (fs::is_directory(dir / "train")) {
    list_two_folders(dir, dataset.class_names, train, test);
  } else {
    list_one_folder(dir, test_fraction, seed, dataset.class_names, train, test);
  }
  if (dataset.classes() < 2) {
    user_error(dir.string(), ": ", dataset.classes(), " class folders, expected at least 2");
  }
  dataset.train = read_files(train, size);
  dataset.test = read_files(test, size);
  check_images(dataset.train, dataset.classes(), dir.string());
  check_images(dataset.test, dataset.classes(), dir.string());
  return dataset;
}

}  // namespace scimix

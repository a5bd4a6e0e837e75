#include "data/dataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>

#include "core/error.hpp"
#include "core/names.hpp"
#include "core/paths.hpp"
#include "data/cifar10.hpp"
#include "data/content_hash.hpp"
#include "data/cub200.hpp"
#include "data/digits.hpp"
#include "data/image_folder.hpp"
#include "data/image_io.hpp"
#include "data/parallel.hpp"
#include "data/resize.hpp"
#include "data/svhn.hpp"

namespace scimix {
namespace {

constexpr std::int64_t kFolderSize = 32;
constexpr std::int64_t kCubSize = 64;
constexpr std::int64_t kLargestSize = 4096;

// Names the option that every program calls the folder by.
void require_dir(const std::string& name, const std::filesystem::path& dir) {
  if (dir.empty()) user_error("data set ", name, ": --data-dir is missing, expected its folder");
}

Dataset load_native(const std::string& name, const std::filesystem::path& dir,
                    const DatasetOptions& options) {
  if (name == "digits") {
    return load_digits(options.digits_train, options.digits_test, options.data_seed);
  }
  const auto known = dataset_names();
  const bool is_known = std::find(known.begin(), known.end(), name) != known.end();
  if (is_known) require_dir(name, dir);
  if (options.bounding_box && is_known && !name.starts_with("cub-200-")) {
    user_error("--bounding-box true: ", name, " has no boxes, expected the data set cub-200-2011");
  }
  if (name == "cifar10") return load_cifar10(dir);
  if (name == "svhn") return load_svhn(dir);
  if (name == "folder") {
    return load_image_folder(dir, {.size = options.size == 0 ? kFolderSize : options.size,
                                   .test_fraction = options.test_fraction,
                                   .seed = options.data_seed,
                                   .skip_unreadable = options.skip_unreadable,
                                   .test_only = options.test_only,
                                   .no_test = options.no_test,
                                   .labels_file = options.labels_file,
                                   .image_cache = options.image_cache,
                                   .storage = options.storage,
                                   .progress = options.progress});
  }
  if (name == "cub-200-2010" || name == "cub-200-2011") {
    const CubOptions cub{.size = options.size == 0 ? kCubSize : options.size,
                         .bounding_box = options.bounding_box,
                         .skip_unreadable = options.skip_unreadable};
    return name == "cub-200-2010" ? load_cub_2010(dir, cub) : load_cub_2011(dir, cub);
  }
  std::string names;
  for (const std::string& one : known) names += (names.empty() ? "" : ", ") + one;
  user_error("unknown data set '", name, "', expected one of ", names, " (did you mean ",
             nearest_name(name, dataset_names()), "?)");
}

ImageSet resized(const ImageSet& images, std::int64_t size) {
  ImageSet result;
  result.count = images.count;
  result.height = size;
  result.width = size;
  allocate_images(result, text(images.count, " images"));
  result.labels = images.labels;
  parallel_for_images(images.count, [&](std::int64_t i) {
    const auto source = images.image(i);
    const Image image =
        resize_and_crop({images.height, images.width, {source.begin(), source.end()}}, size);
    std::copy(image.pixels.begin(), image.pixels.end(),
              result.pixels.begin() + i * result.image_bytes());
  });
  return result;
}

void remove_images(ImageSet& images) {
  images.count = 0;
  images.pixels = {};
  images.labels = {};
}

}  // namespace

std::span<const std::uint8_t> ImageSet::image(std::int64_t index) const {
  SCIMIX_CHECK(index >= 0 && index < count, "image ", index, " of ", count);
  const auto bytes = static_cast<std::size_t>(image_bytes());
  return std::span(pixels).subspan(static_cast<std::size_t>(index) * bytes, bytes);
}

std::span<const std::string> dataset_names() {
  static const std::array<std::string, 6> names = {"cifar10",      "svhn",   "cub-200-2010",
                                                   "cub-200-2011", "folder", "digits"};
  return names;
}

Dataset load_dataset(const std::string& name, const std::filesystem::path& dir,
                     const DatasetOptions& options) {
  if (options.size != 0 && (options.size < 1 || options.size > kLargestSize)) {
    user_error("image size ", options.size, ", expected 1 to ", kLargestSize,
               ", or 0 for the data set's own");
  }
  if (!options.labels_file.empty() && name != "folder") {
    user_error("--labels-file ", shown(options.labels_file), ": expected only with the data set ",
               "folder, not with ", name);
  }
  Dataset dataset = load_native(name, dir, options);
  if (options.no_test) remove_images(dataset.test);
  for (ImageSet* images : {&dataset.train, &dataset.test}) {
    const bool right = images->height == options.size && images->width == options.size;
    if (options.size != 0 && !right) *images = resized(*images, options.size);
  }
  return dataset;
}

std::string content_hash(const ImageSet& images) {
  ContentHash hash;
  for (const std::int64_t size : {images.count, images.height, images.width, images.channels}) {
    hash.add(static_cast<std::uint64_t>(size));
  }
  hash.add(images.pixels);
  for (const std::int32_t label : images.labels) hash.add(static_cast<std::uint32_t>(label));
  return fmt::format("{:016x}", hash.value());
}

void allocate_images(ImageSet& images, const std::string& where, const StorageChoice& storage) {
  SCIMIX_CHECK(images.count >= 0 && images.height >= 0 && images.width >= 0, images.count, " of ",
               images.height, "x", images.width);
  const std::uint64_t memory = usable_memory();
  std::uint64_t bytes = 0;
  const std::uint64_t label = sizeof(std::int32_t);
  const bool countable =
      !__builtin_mul_overflow(static_cast<std::uint64_t>(images.count),
                              static_cast<std::uint64_t>(images.image_bytes()) + label, &bytes);
  const bool on_disk = countable && belongs_on_disk(bytes, storage, memory);
  if (on_disk) {
    images.pixels = PixelVector(PixelAllocator(std::make_shared<PixelFiles>(storage.folder)));
  }
  if (on_disk || (countable && bytes <= memory)) {
    try {
      images.pixels.resize(static_cast<std::size_t>(images.count * images.image_bytes()));
      images.labels.resize(static_cast<std::size_t>(images.count));
      return;
    } catch (const std::bad_alloc&) {  // a limit of the process: reported below
    }
  }
  user_error(where, ": ", images.count, " images of ", images.width, "x", images.height,
             " pixels need ",
             countable ? fmt::format("{:.1f}", static_cast<double>(bytes) / 1e9)
                       : std::string("more than 18 billion"),
             " GB of memory, expected less than there is (",
             fmt::format("{:.1f}", static_cast<double>(memory) / 1e9),
             " GB): take fewer or smaller images");
}

void allocate_images_beside(const ImageSet& other, ImageSet& images, const std::string& where) {
  images.pixels = PixelVector(other.pixels.get_allocator());
  if (images.pixels.get_allocator().files() == nullptr) return allocate_images(images, where);
  images.pixels.resize(static_cast<std::size_t>(images.count * images.image_bytes()));
  images.labels.resize(static_cast<std::size_t>(images.count));
}

void check_images(const ImageSet& images, std::int64_t classes, std::string_view where,
                  bool unlabeled_too) {
  const auto count = static_cast<std::size_t>(images.count);
  SCIMIX_CHECK(images.channels == 3, where, ": ", images.channels, " channels");
  SCIMIX_CHECK(images.labels.size() == count, where, ": ", images.labels.size(), " labels for ",
               count, " images");
  SCIMIX_CHECK(images.pixels.size() == count * static_cast<std::size_t>(images.image_bytes()),
               where, ": ", images.pixels.size(), " bytes for ", count, " images");
  if (count == 0) user_error(where, ": holds no images");
  for (std::size_t i = 0; i < count; ++i) {
    if (unlabeled_too && images.labels[i] == kUnknownLabel) continue;
    if (images.labels[i] < 0 || images.labels[i] >= classes) {
      user_error(where, ": image ", i, " has label ", images.labels[i], ", expected 0 to ",
                 classes - 1);
    }
  }
}

void check_all_images(const Dataset& dataset, std::string_view where) {
  check_images(dataset.train, dataset.classes(), where);
  check_images(dataset.test, dataset.classes(), where);
}

std::int64_t labeled_count(const ImageSet& images) {
  return std::ranges::count_if(images.labels,
                               [](std::int32_t label) { return label != kUnknownLabel; });
}

std::vector<std::int64_t> class_counts(const ImageSet& images, std::int64_t classes) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(classes));
  for (const std::int32_t label : images.labels) {
    if (label != kUnknownLabel) ++counts.at(static_cast<std::size_t>(label));
  }
  return counts;
}

}  // namespace scimix

#include "data/image_folder.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "core/random.hpp"
#include "data/folder_listing.hpp"
#include "data/image_cache.hpp"
#include "data/image_reader.hpp"
#include "data/near_twins.hpp"
#include "data/random_order.hpp"

namespace scimix {
namespace {

namespace fs = std::filesystem;

// Decides for each of the `labels`, which are in ascending order with the unlabelled ones at the
// end, whether its image is held out. `wheres` says of each class where its images come from.
std::vector<bool> choose_held_out(std::span<const std::string> wheres,
                                  std::span<const std::int32_t> labels,
                                  const FolderOptions& options) {
  const std::span known = labels.first(
      static_cast<std::size_t>(std::ranges::find(labels, kUnknownLabel) - labels.begin()));
  std::vector<bool> held_out;
  for (std::size_t c = 0; c < wheres.size(); ++c) {
    const auto [first, last] = std::equal_range(known.begin(), known.end(), static_cast<int>(c));
    const auto count = static_cast<std::size_t>(last - first);
    if (count < 2) too_few_to_hold_out(wheres[c], count);
    Random random(options.seed, Purpose::split, kHoldOutStream, static_cast<std::uint32_t>(c));
    const auto wanted = std::llround(options.test_fraction * static_cast<double>(count));
    auto left = std::clamp<std::size_t>(static_cast<std::size_t>(wanted), 1, count - 1);
    // Selection sampling: each of the remaining images is as likely as any other.
    for (std::size_t i = 0; i < count; ++i) {
      const bool held = random.below(static_cast<std::uint32_t>(count - i)) < left;
      if (held) --left;
      held_out.push_back(held);
    }
  }
  held_out.resize(labels.size(), false);
  return held_out;
}

// Moves the images that are held out from `train`, which keeps the others, to `test`. Both keep the
// order. No second copy of the training images is made.
void move_held_out(const std::vector<bool>& held_out, ImageSet& train, ImageSet& test) {
  const std::int64_t bytes = train.image_bytes();
  test.count = std::count(held_out.begin(), held_out.end(), true);
  test.height = train.height;
  test.width = train.width;
  if (test.count == train.count) {
    std::swap(train.pixels, test.pixels);
    std::swap(train.labels, test.labels);
    train.count = 0;
    return;
  }
  allocate_images_beside(train, test, "images held out");
  std::int64_t kept = 0;
  std::int64_t moved = 0;
  for (std::int64_t i = 0; i < train.count; ++i) {
    const bool held = held_out[static_cast<std::size_t>(i)];
    ImageSet& to = held ? test : train;
    const std::int64_t at = held ? moved++ : kept++;
    to.labels[static_cast<std::size_t>(at)] = train.labels[static_cast<std::size_t>(i)];
    if (!held && at == i) continue;
    std::copy_n(train.pixels.begin() + i * bytes, bytes, to.pixels.begin() + at * bytes);
  }
  train.count = kept;
  train.pixels.resize(static_cast<std::size_t>(kept * bytes));
  train.labels.resize(static_cast<std::size_t>(kept));
}

// Returns the files of the training images. `kept` are the positions in `all` of the images that
// were read.
ImageFiles train_files(ImageFiles all, std::span<const std::size_t> kept,
                       const std::vector<bool>& held_out) {
  ImageFiles train{.folders = std::move(all.folders), .files = {}};
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!held_out[i]) train.files.push_back(std::move(all.files[kept[i]]));
  }
  return train;
}

// Adds a note if many test images hardly differ from training images. `advice` ends it.
void note_near_twins(const std::string& advice, Dataset& dataset) {
  const std::int64_t test = dataset.test.count;
  const std::int64_t twins = count_near_twins(dataset.train, dataset.test);
  if (twins == 0 || 20 * twins < test) return;
  dataset.notes.push_back(text("at least ", twins, " of ", test, " test images hardly differ from ",
                               "a training image, so the accuracy will flatter; ", advice));
}

// `all`: the number of labelled images, before some were held out.
void note_held_out(const FolderListing& listing, const FolderOptions& options, std::int64_t all,
                   Dataset& dataset) {
  const std::int64_t test = dataset.test.count;
  dataset.notes.push_back(text(test, " of ", all, listing.unlabeled > 0 ? " labelled" : "",
                               " images are held out as test images (", 100 * options.test_fraction,
                               "% of each class, as ", listing.no_test_set,
                               "; --test none trains on all of them)"));
  note_near_twins(
      "where images come in series, sort them into train/ and test/ so that each series is on one "
      "side",
      dataset);
}

// With skip_unreadable, a class may lose all its images.
void require_every_class(const fs::path& dir, const Dataset& dataset) {
  const auto counts = class_counts(dataset.train, dataset.classes());
  const auto none = std::find(counts.begin(), counts.end(), 0);
  if (none == counts.end()) return;
  user_error(shown(dir), ": class ",
             dataset.class_names[static_cast<std::size_t>(none - counts.begin())],
             " has no images that can be used");
}

// A small folder is read so fast that a file beside the run would be of no use.
fs::path cache_file(const fs::path& dir, const FolderListing& listing,
                    const FolderOptions& options) {
  constexpr std::size_t kLeastImages = 1000;
  if (options.image_cache.empty() || listing.files.files.size() < kLeastImages) return {};
  return options.image_cache / ImageCache::file_name(dir, options.size);
}

}  // namespace

std::optional<HeldOut> hold_out(const ImageSet& all, std::int64_t classes,
                                const FolderOptions& options) {
  const std::vector<std::int64_t> counts = class_counts(all, classes);
  if (std::any_of(counts.begin(), counts.end(), [](std::int64_t n) { return n < 2; })) {
    return std::nullopt;
  }
  HeldOut parts{all, {}};
  const std::vector<std::string> wheres(static_cast<std::size_t>(classes));
  move_held_out(choose_held_out(wheres, all.labels, options), parts.train, parts.test);
  return parts;
}

Dataset load_image_folder(const fs::path& dir, const FolderOptions& options) {
  if (options.size < 1 || options.size > 4096) {
    user_error("image size ", options.size, ", expected 1 to 4096");
  }
  if (!(options.test_fraction > 0 && options.test_fraction < 1)) {
    user_error("test fraction ", options.test_fraction, ", expected above 0 and below 1");
  }
  require_folder(dir);
  Dataset dataset;
  dataset.name = "folder";
  FolderListing listing;
  list_image_folder(dir, options, listing);
  dataset.class_names = listing.class_names;
  ReadImages read = read_images(shown(dir), listing.files, listing.bad,
                                {.size = options.size,
                                 .resize = true,
                                 .skip_unreadable = options.skip_unreadable,
                                 .cache_file = cache_file(dir, listing, options),
                                 .storage = options.storage,
                                 .progress = options.progress});
  dataset.train = std::move(read.images);
  dataset.notes = std::move(read.notes);
  dataset.file_notes = dataset.notes.size();
  if (const auto first = listing.first_test) {
    std::vector<bool> held_out;
    for (const std::size_t position : read.kept) held_out.push_back(position >= *first);
    move_held_out(held_out, dataset.train, dataset.test);
    dataset.train_files = train_files(std::move(listing.files), read.kept, held_out);
    if (!options.test_only && dataset.test.count > 0) {
      note_near_twins(
          "put the images of one series into test/ or into the other folders, not into both",
          dataset);
    }
  } else {
    const std::int64_t labeled = labeled_count(dataset.train);
    const std::vector<bool> held_out =
        choose_held_out(listing.wheres, dataset.train.labels, options);
    move_held_out(held_out, dataset.train, dataset.test);
    dataset.train_files = train_files(std::move(listing.files), read.kept, held_out);
    note_held_out(listing, options, labeled, dataset);
  }
  if (!options.no_test) check_images(dataset.test, dataset.classes(), shown(dir));
  if (!options.test_only) {
    require_every_class(dir, dataset);
    check_images(dataset.train, dataset.classes(), shown(dir), /*unlabeled_too=*/true);
  }
  return dataset;
}

}  // namespace scimix

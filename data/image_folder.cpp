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
#include "core/random.hpp"
#include "data/image_files.hpp"
#include "data/image_reader.hpp"
#include "data/near_twins.hpp"
#include "data/random_order.hpp"

namespace scimix {
namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;

Names class_folders(const fs::path& folder) {
  Names names;
  for (FolderEntry& entry : list_folder(folder)) {
    const fs::path path = folder / entry.name;
    if (entry.kind == PathKind::missing) (void)path_kind(path);  // says why
    if (entry.kind != PathKind::folder) {
      user_error(shown(path), ": expected only folders here, one for each class");
    }
    names.push_back(std::move(entry.name));
  }
  return names;
}

// The names of classes as text. `names` are those of folders in byte order.
Names as_text(const fs::path& dir, const Names& names) {
  Names result;
  for (const std::string& name : names) result.push_back(utf8_name(name));
  Names sorted = result;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    user_error(shown(dir), ": two folders are both written ", *twice, ", expected different names");
  }
  return result;
}

// What the reader finds in a folder.
struct Listing {
  Names classes;     // names of folders
  ImageFiles files;  // training images, then test images
  // Position of the first test image; nothing where a share is still to be held out.
  std::optional<std::size_t> first_test;
  BadFiles bad;

  void add_classes(const fs::path& dir) {
    for (std::size_t c = 0; c < classes.size(); ++c) {
      files.add_folder(dir / classes[c], static_cast<std::int32_t>(c), bad);
    }
  }
};

// The folders of test/ are some of the classes.
void list_test(const fs::path& dir, Listing& listing) {
  const Names& names = listing.classes;
  require_folder(dir / "test");
  listing.first_test = listing.files.files.size();
  for (const std::string& name : class_folders(dir / "test")) {
    const auto found = std::lower_bound(names.begin(), names.end(), name);
    if (found == names.end() || *found != name) {
      user_error(shown(dir / "test" / name), ": there is no such class in ", shown(dir / "train"));
    }
    const auto label = static_cast<std::int32_t>(found - names.begin());
    listing.files.add_folder(dir / "test" / name, label, listing.bad);
  }
  if (listing.files.files.size() == *listing.first_test && listing.bad.count() == 0) {
    user_error(shown(dir / "test"), ": holds no images");
  }
}

[[noreturn]] void too_few(const fs::path& folder, std::size_t images) {
  user_error(shown(folder), ": holds ", images, images == 1 ? " image" : " images",
             ", expected at least 2: one to train, one to test");
}

// Found before the images are read. Where files are bad, it may be by their fault: the user hears
// of those first.
void require_two_each(const Listing& listing) {
  if (listing.bad.count() > 0) return;
  std::vector<std::size_t> counts(listing.files.folders.size());
  for (const ImageFiles::File& file : listing.files.files) ++counts[file.folder];
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] < 2) too_few(listing.files.folders[c], counts[c]);
  }
}

void list_all(const fs::path& dir, bool test_only, Listing& listing) {
  if (is_folder(dir / "train")) {
    listing.classes = class_folders(dir / "train");
    if (!test_only) listing.add_classes(dir / "train");
    list_test(dir, listing);
  } else if (is_test_set(dir / "test")) {
    if (!test_only) {
      user_error(shown(dir),
                 ": has test/, but no train/: expected both, or a folder for each class");
    }
    listing.first_test = 0;
    listing.classes = class_folders(dir / "test");
    listing.add_classes(dir / "test");
  } else {
    if (test_only) listing.first_test = 0;
    listing.classes = class_folders(dir);
    listing.add_classes(dir);
    if (!test_only) require_two_each(listing);
  }
}

// Decides for each of the `labels`, which are in ascending order, whether its image is held out.
std::vector<bool> choose_held_out(const fs::path& dir, const Names& folders,
                                  std::span<const std::int32_t> labels,
                                  const FolderOptions& options) {
  std::vector<bool> held_out;
  for (std::size_t c = 0; c < folders.size(); ++c) {
    const auto [first, last] = std::equal_range(labels.begin(), labels.end(), static_cast<int>(c));
    const auto count = static_cast<std::size_t>(last - first);
    if (count < 2) too_few(dir / folders[c], count);
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
  allocate_images(test, "images held out");
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

void note_held_out(const FolderOptions& options, Dataset& dataset) {
  const std::int64_t test = dataset.test.count;
  dataset.notes.push_back(text(test, " of ", test + dataset.train.count,
                               " images are held out as test images (", 100 * options.test_fraction,
                               "% of each class, as there are no folders train/ and test/)"));
  const std::int64_t twins = count_near_twins(dataset.train, dataset.test);
  if (20 * twins >= test) {
    dataset.notes.push_back(text(
        "warning: at least ", twins, " of ", test, " test images hardly differ from a training ",
        "image, so the accuracy will flatter; where images come in series, sort them into train/ ",
        "and test/ so that each series is on one side"));
  }
}

// With skip_unreadable, a class may lose all its images.
void require_every_class(const fs::path& dir, const ImageSet& images, const Names& folders) {
  const auto counts = class_counts(images, static_cast<std::int64_t>(folders.size()));
  const auto none = std::find(counts.begin(), counts.end(), 0);
  if (none == counts.end()) return;
  user_error(shown(dir), ": class ",
             shown(folders[static_cast<std::size_t>(none - counts.begin())]),
             " has no images that can be used");
}

}  // namespace

bool is_test_set(const fs::path& folder) {
  if (!is_folder(folder)) return false;
  const std::vector<FolderEntry> entries = list_folder(folder);
  return std::any_of(entries.begin(), entries.end(),
                     [](const FolderEntry& entry) { return entry.kind == PathKind::folder; });
}

std::optional<HeldOut> hold_out(const ImageSet& all, std::int64_t classes,
                                const FolderOptions& options) {
  const std::vector<std::int64_t> counts = class_counts(all, classes);
  if (std::any_of(counts.begin(), counts.end(), [](std::int64_t n) { return n < 2; })) {
    return std::nullopt;
  }
  HeldOut parts{all, {}};
  const Names folders(static_cast<std::size_t>(classes));
  move_held_out(choose_held_out({}, folders, all.labels, options), parts.train, parts.test);
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
  Listing listing;
  list_all(dir, options.test_only, listing);
  dataset.class_names = as_text(dir, listing.classes);
  if (dataset.classes() < 2) {
    user_error(shown(dir), ": ", dataset.classes(), " class folders, expected at least 2");
  }
  ReadImages read = read_images(
      shown(dir), listing.files, listing.bad,
      {.size = options.size, .resize = true, .skip_unreadable = options.skip_unreadable});
  dataset.train = std::move(read.images);
  dataset.notes = std::move(read.notes);
  dataset.file_notes = dataset.notes.size();
  if (const auto first = listing.first_test) {
    std::vector<bool> held_out;
    for (const std::size_t position : read.kept) held_out.push_back(position >= *first);
    move_held_out(held_out, dataset.train, dataset.test);
  } else {
    move_held_out(choose_held_out(dir, listing.classes, dataset.train.labels, options),
                  dataset.train, dataset.test);
    note_held_out(options, dataset);
  }
  check_images(dataset.test, dataset.classes(), shown(dir));
  if (!options.test_only) {
    require_every_class(dir, dataset.train, listing.classes);
    check_images(dataset.train, dataset.classes(), shown(dir));
  }
  return dataset;
}

}  // namespace scimix

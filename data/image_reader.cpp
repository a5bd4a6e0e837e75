#include "data/image_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "core/error.hpp"
#include "data/image_cache.hpp"
#include "data/image_io.hpp"
#include "data/parallel.hpp"
#include "data/resize.hpp"

namespace scimix {
namespace {

// Counts of images that the user is told about: images turned upright, and damaged files.
struct Remarks {
  std::atomic<std::int64_t> turned{0};
  BadFiles damaged;
};

Image cut_out(const std::filesystem::path& path, const Image& image, const PixelBox& box) {
  const auto within = [](double place, std::int64_t length) {
    return static_cast<std::int64_t>(std::clamp(place, 0.0, static_cast<double>(length)));
  };
  const std::int64_t left = within(std::floor(box.left), image.width);
  const std::int64_t top = within(std::floor(box.top), image.height);
  const std::int64_t right = within(std::ceil(box.left + box.width), image.width);
  const std::int64_t bottom = within(std::ceil(box.top + box.height), image.height);
  if (left >= right || top >= bottom) {
    user_error(shown(path), ": its box of ", box.width, "x", box.height, " pixels at ", box.left,
               ",", box.top, " lies outside the image of ", image.width, "x", image.height);
  }
  Image cut{bottom - top, right - left, {}};
  for (std::int64_t y = top; y < bottom; ++y) {
    const auto from = image.pixels.begin() + (y * image.width + left) * 3;
    cut.pixels.insert(cut.pixels.end(), from, from + cut.width * 3);
  }
  return cut;
}

Image read_one(const std::filesystem::path& path, std::size_t position, const ReadOptions& options,
               ImageNotes& notes) {
  Image image = read_image(path, &notes);
  if (!options.boxes.empty()) image = cut_out(path, image, options.boxes[position]);
  return options.resize ? resize_and_crop(image, options.size) : image;
}

// Returns nothing for a file that cannot be read, which joins `bad`.
std::optional<Image> try_to_read(const std::filesystem::path& path, std::size_t position,
                                 const ReadOptions& options, ImageNotes& notes, BadFiles& bad) {
  try {
    return read_one(path, position, options, notes);
  } catch (const std::bad_alloc&) {
    user_error(shown(path), ": there is not enough memory to read this image; fewer threads ",
               "(OMP_NUM_THREADS) read fewer images at a time");
  } catch (const Error& error) {
    if (error.fault() != Fault::user) throw;
    bad.add(error.what());
    return std::nullopt;
  }
}

// The decoded images of the last time, where ReadOptions::cache_file says to keep them.
class CachedImages {
 public:
  CachedImages(const ReadOptions& options, std::size_t files)
      : is_used_(!options.cache_file.empty() && options.resize && options.boxes.empty()),
        cache_(is_used_ ? options.cache_file : std::filesystem::path(), options.size),
        keys_(is_used_ ? files : 0),
        turned_(keys_.size(), 0) {}

  // Copies the image at this position of the list to `pixels`; returns false if it is to be
  // decoded.
  bool take(std::size_t at, const std::filesystem::path& path, std::span<std::uint8_t> pixels,
            ImageNotes& notes) {
    if (!is_used_) return false;
    keys_[at] = cache_.key_of(path);
    const std::optional<bool> turned = cache_.find(keys_[at], pixels);
    if (!turned) return false;
    notes.turned = *turned;
    turned_[at] = *turned ? 1 : 0;
    return true;
  }

  // Notes what was seen while an image was decoded.
  void note(std::size_t at, const ImageNotes& notes) {
    if (!is_used_) return;
    turned_[at] = notes.turned ? 1 : 0;
    if (!notes.damage.empty()) keys_[at] = {};  // the damage is to be told the next time, too
  }

  // Keeps the images, which were at the positions `kept`, for the next time. Returns the reason if
  // that is not possible.
  [[nodiscard]] std::string save(std::span<const std::size_t> kept, const ImageSet& images) {
    if (!is_used_) return {};
    for (std::size_t to = 0; to < kept.size(); ++to) {
      keys_[to] = keys_[kept[to]];
      turned_[to] = turned_[kept[to]];
    }
    keys_.resize(kept.size());
    turned_.resize(kept.size());
    return cache_.save(keys_, images, turned_);
  }

 private:
  bool is_used_;
  ImageCache cache_;
  std::vector<ImageCache::Key> keys_;
  std::vector<std::uint8_t> turned_;
};

// Tells how many images have been read, from whichever thread comes by.
class Teller {
 public:
  Teller(const ReadingProgress& progress, std::int64_t images)
      : progress_(progress), images_(images) {}

  void tell() const {
    const std::int64_t now = ++done_;
    if (!progress_) return;
    if (const std::unique_lock lock(mutex_, std::try_to_lock); lock) progress_(now, images_);
  }

 private:
  const ReadingProgress& progress_;
  std::int64_t images_;
  mutable std::atomic<std::int64_t> done_{0};
  mutable std::mutex mutex_;
};

void check_side(const std::filesystem::path& path, const Image& image, std::int64_t side) {
  if (image.height == side && image.width == side) return;
  user_error(shown(path), ": ", image.width, "x", image.height, " pixels, expected ", side, "x",
             side, " (--resize brings images to size)");
}

std::string counted(std::int64_t count, std::int64_t of, std::string_view what) {
  return text(count, " of ", of, of == 1 ? " image " : " images ", what);
}

// Closes the gaps that images which could not be read have left.
void remove_missing(ImageSet& images, const std::vector<std::uint8_t>& readable) {
  const auto bytes = images.image_bytes();
  std::int64_t to = 0;
  for (std::int64_t from = 0; from < images.count; ++from) {
    if (readable[static_cast<std::size_t>(from)] == 0) continue;
    if (to != from) {
      std::copy_n(images.pixels.begin() + from * bytes, bytes, images.pixels.begin() + to * bytes);
      images.labels[static_cast<std::size_t>(to)] = images.labels[static_cast<std::size_t>(from)];
    }
    ++to;
  }
  images.count = to;
  images.pixels.resize(static_cast<std::size_t>(to * bytes));
  images.labels.resize(static_cast<std::size_t>(to));
}

std::vector<std::string> notes_of(const Remarks& remarks, const BadFiles& bad, std::int64_t files,
                                  std::int64_t images) {
  std::vector<std::string> notes;
  if (bad.count() > 0) {
    notes.push_back(text(bad.count(), " of ", files,
                         " files cannot be used and are left out, first ", bad.first()));
  }
  if (remarks.damaged.count() > 0) {
    notes.push_back(counted(remarks.damaged.count(), images,
                            "have damage that costs some of the pixels, first ") +
                    remarks.damaged.first());
  }
  if (remarks.turned > 0) {
    notes.push_back(
        counted(remarks.turned.load(), images, "were turned upright by their EXIF orientation"));
  }
  return notes;
}

}  // namespace

ReadImages read_images(const std::string& where, const ImageFiles& list, BadFiles& bad,
                       const ReadOptions& options) {
  check_pixel_limit();
  const auto listed = static_cast<std::int64_t>(list.files.size());
  const std::int64_t files = listed + bad.count();
  ReadImages result;
  ImageSet& images = result.images;
  images.count = listed;
  images.height = options.size;
  images.width = options.size;
  allocate_images(images, where, options.storage);
  std::vector<std::uint8_t> readable(list.files.size(), 0);
  CachedImages cached(options, list.files.size());
  Remarks remarks;
  const Teller teller(options.progress, listed);
  parallel_for_images(listed, [&](std::int64_t i) {
    teller.tell();
    const auto at = static_cast<std::size_t>(i);
    const std::filesystem::path path = list.path(at);
    const auto bytes = static_cast<std::size_t>(images.image_bytes());
    const std::span pixels = std::span(images.pixels).subspan(at * bytes, bytes);
    ImageNotes notes;
    if (!cached.take(at, path, pixels, notes)) {
      const std::optional<Image> image = try_to_read(path, at, options, notes, bad);
      if (!image) return;
      check_side(path, *image, options.size);
      std::ranges::copy(image->pixels, pixels.begin());
      cached.note(at, notes);
    }
    readable[at] = 1;
    images.labels[at] = list.files[at].label;
    if (!notes.damage.empty()) remarks.damaged.add(text(shown(path), ": ", notes.damage));
    if (notes.turned) ++remarks.turned;
  });
  for (std::size_t i = 0; i < readable.size(); ++i) {
    if (readable[i] != 0) result.kept.push_back(i);
  }
  remove_missing(images, readable);
  // Bad files don't cost the user the reading of the good ones a second time.
  const std::string not_saved = cached.save(result.kept, images);
  if (!options.skip_unreadable) bad.report(where, files);
  result.notes = notes_of(remarks, bad, files, images.count);
  if (images.pixels.get_allocator().files()) {
    result.notes.push_back(fmt::format(
        "the decoded images, {:.3g} GB, are in a file in {} and not in memory (--image-storage)",
        static_cast<double>(images.pixels.size()) / 1e9, shown(options.storage.folder)));
  }
  if (!not_saved.empty()) {
    result.notes.push_back("the decoded images are not kept for the next time: " + not_saved);
  }
  return result;
}

}  // namespace scimix

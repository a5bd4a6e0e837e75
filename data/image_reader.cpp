#include "data/image_reader.hpp"

#include <algorithm>
#include <cmath>
#include <new>
#include <string_view>
#include <utility>

#include "core/error.hpp"
#include "data/image_io.hpp"
#include "data/parallel.hpp"
#include "data/resize.hpp"

namespace scimix {
namespace {

// Counts of images that the user is told about: images turned upright, and damaged files.
struct Remarks {
  std::int64_t turned = 0;
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
        counted(remarks.turned, images, "were turned upright by their EXIF orientation"));
  }
  return notes;
}

}  // namespace

void ImageFiles::add_folder(const std::filesystem::path& folder, std::int32_t label,
                            BadFiles& bad) {
  const auto number = static_cast<std::uint32_t>(folders.size());
  folders.push_back(folder);
  for (std::string& name : list_images(folder, bad)) {
    files.push_back({number, std::move(name), label});
  }
}

std::filesystem::path ImageFiles::path(std::size_t index) const {
  return folders[files[index].folder] / files[index].name;
}

ReadImages read_images(const std::string& where, const ImageFiles& list, BadFiles& bad,
                       const ReadOptions& options) {
  const auto listed = static_cast<std::int64_t>(list.files.size());
  const std::int64_t files = listed + bad.count();
  ReadImages result;
  ImageSet& images = result.images;
  images.count = listed;
  images.height = options.size;
  images.width = options.size;
  allocate_images(images, where);
  std::vector<std::uint8_t> readable(list.files.size(), 0);
  Remarks remarks;
  parallel_for_images(listed, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    const std::filesystem::path path = list.path(at);
    ImageNotes notes;
    Image image;
    try {
      image = read_one(path, at, options, notes);
    } catch (const std::bad_alloc&) {
      user_error(shown(path), ": there is not enough memory to read this image; fewer threads ",
                 "(OMP_NUM_THREADS) read fewer images at a time");
    } catch (const Error& error) {
      if (error.fault() != Fault::user) throw;
      bad.add(error.what());
      return;
    }
    check_side(path, image, options.size);
    readable[at] = 1;
    std::copy(image.pixels.begin(), image.pixels.end(),
              images.pixels.begin() + i * images.image_bytes());
    images.labels[at] = list.files[at].label;
    if (!notes.damage.empty()) remarks.damaged.add(text(shown(path), ": ", notes.damage));
    if (notes.turned) {
#pragma omp atomic
      ++remarks.turned;
    }
  });
  if (!options.skip_unreadable) bad.report(where, files);
  for (std::size_t i = 0; i < readable.size(); ++i) {
    if (readable[i] != 0) result.kept.push_back(i);
  }
  remove_missing(images, readable);
  result.notes = notes_of(remarks, bad, files, images.count);
  return result;
}

}  // namespace scimix

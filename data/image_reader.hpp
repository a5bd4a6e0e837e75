// Reads many image files, on all cores, into one set of images of equal size.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "data/image_files.hpp"

namespace scimix {

// A rectangle of an image, in pixels from its upper left corner.
struct PixelBox {
  double left = 0;
  double top = 0;
  double width = 0;
  double height = 0;
};

struct ReadOptions {
  std::int64_t size = 32;        // side of the images that are wanted
  bool resize = true;            // resize_and_crop; otherwise another size is an error
  bool skip_unreadable = false;  // leave bad files out, and count them in the notes
  // One for each file of the list, or none: what is cut out of the image before it is resized. A
  // box is widened to whole pixels, and what lies beyond the edge is left out.
  std::vector<PixelBox> boxes = {};
  std::filesystem::path cache_file = {};  // as of ImageCache; empty: every image is decoded
  StorageChoice storage = {};             // where the pixels are kept
  ReadingProgress progress = {};
};

struct ReadImages {
  ImageSet images;                 // in the order of the list
  std::vector<std::size_t> kept;   // [N]: position of each image in the list
  std::vector<std::string> notes;  // as Dataset::notes
};

// Reads the files of the list. Those that cannot be read join the ones already in `bad`; unless
// options.skip_unreadable says to go on without them, they are a user_error that lists them all
// (BadFiles::report, with `where`).
// Errors (user) besides: those of check_pixel_limit, before any file is read; an image of another
// size (see ReadOptions::resize), too little memory; as one of the bad files: a box that lies
// outside its image.
[[nodiscard]] ReadImages read_images(const std::string& where, const ImageFiles& list,
                                     BadFiles& bad, const ReadOptions& options);

}  // namespace scimix

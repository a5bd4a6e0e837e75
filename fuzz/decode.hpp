// What the targets of the image decoders share.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

#include "data/image_io.hpp"
#include "fuzz/fuzz.hpp"

namespace scimix::fuzz {

inline constexpr std::int64_t kMaxPixels = 262144;

// Makes the decoders refuse images with more than kMaxPixels pixels. Returns 0 if that succeeded.
inline int limit_pixels() {
  return ::setenv("SCIMIX_MAX_PIXELS", std::to_string(kMaxPixels).c_str(), 1);
}

// Decodes an image, which must have as many pixels as its size says.
inline void decode(Bytes input) {
  ImageNotes notes;
  const Image image = decode_image("input", input, &notes);
  require(image.height > 0 && image.width > 0 && image.height * image.width <= kMaxPixels &&
              image.pixels.size() == static_cast<std::size_t>(3 * image.height * image.width),
          "the image has another size than its pixels");
}

}  // namespace scimix::fuzz

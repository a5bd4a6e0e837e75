// Files of every kind against the pixels that Pillow reads from them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "core/safetensors.hpp"
#include "data/image_io.hpp"
#include "tests/paths.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

std::span<const std::uint8_t> bytes_of(const TensorEntry& entry) {
  return {reinterpret_cast<const std::uint8_t*>(entry.bytes.data()), entry.bytes.size()};
}

// PNG is exact. JPEG leaves the inverse cosine transform and the upsampling of colours to the
// library: libjpeg-turbo, which Pillow uses as well, gives the same values, and another libjpeg may
// differ by as much as this. With libjpeg-turbo 2.1.5 the largest difference is 0.
int tolerance(const std::string& name) {
  return name.ends_with(".png") ? 0 : 6;
}

}  // namespace

TEST_CASE("image files: every kind gives Pillow's pixels") {
  const SafetensorsFile golden(source_dir() / "tests/golden/image_files.safetensors");
  const std::string prefix = "file/";
  int files = 0;
  int largest_of_jpeg = 0;
  for (const TensorEntry& file : golden.entries()) {
    if (!file.name.starts_with(prefix)) continue;
    const std::string name = file.name.substr(prefix.size());
    CAPTURE(name);
    ++files;
    const TensorEntry& expected = golden.entry("pixels/" + name);
    const Image image = decode_image(name, bytes_of(file));
    REQUIRE(expected.shape == std::vector<std::int64_t>{image.height, image.width, 3});
    const auto pixels = bytes_of(expected);
    REQUIRE(pixels.size() == image.pixels.size());
    int largest = 0;
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      largest = std::max(largest, std::abs(pixels[i] - image.pixels[i]));
    }
    CHECK(largest <= tolerance(name));
    if (!name.ends_with(".png")) largest_of_jpeg = std::max(largest_of_jpeg, largest);
  }
  CHECK(files >= 90);
  MESSAGE(files << " files; the largest difference of a JPEG is " << largest_of_jpeg);
}

TEST_CASE("image files: what is turned is said, and nothing else") {
  const SafetensorsFile golden(source_dir() / "tests/golden/image_files.safetensors");
  const auto notes_of = [&](const std::string& name) {
    ImageNotes notes;
    (void)decode_image(name, bytes_of(golden.entry("file/" + name)), &notes);
    return notes;
  };
  for (int orientation = 0; orientation < 10; ++orientation) {
    CAPTURE(orientation);
    const ImageNotes notes = notes_of("orientation-" + std::to_string(orientation) + ".jpg");
    CHECK(notes.turned == (orientation >= 2 && orientation <= 8));
    CHECK(notes.damage.empty());
  }
  CHECK(notes_of("orientation-6-after.png").turned);
  CHECK_FALSE(notes_of("restart.jpg").turned);
  CHECK(notes_of("restart.jpg").damage.empty());
}

// Every byte of the metadata is changed, one after the other: no value may lead the reader of EXIF
// astray, and none is an error, since the pixels are whole.
TEST_CASE("image files: damaged EXIF data is passed over") {
  const SafetensorsFile golden(source_dir() / "tests/golden/image_files.safetensors");
  const auto file = bytes_of(golden.entry("file/orientation-6.jpg"));
  const std::string mark = "Exif";
  const auto at = std::search(file.begin(), file.end(), mark.begin(), mark.end()) - file.begin();
  REQUIRE(at + 50 < static_cast<std::ptrdiff_t>(file.size()));
  for (std::ptrdiff_t i = at; i < at + 44; ++i) {
    for (const std::uint8_t value : {0, 1, 127, 128, 255}) {
      CAPTURE(i);
      std::vector<std::uint8_t> changed(file.begin(), file.end());
      changed[static_cast<std::size_t>(i)] = value;
      const Image image = decode_image("a.jpg", changed);
      CHECK(image.pixels.size() == 19 * 10 * 3);
    }
  }
}

}  // namespace scimix

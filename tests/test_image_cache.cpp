// The file that keeps decoded images beside a run.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "core/safetensors.hpp"
#include "data/image_cache.hpp"
#include "data/image_reader.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using test::TempFolder;
using test::write_plain;

namespace fs = std::filesystem;

struct Place {
  Place() {
    for (int i = 0; i < 6; ++i) write_plain(image(i), 10 * i + 1, 12, 9);
  }
  [[nodiscard]] fs::path image(int i) const {
    return folder.path() / "images" / (std::to_string(i) + ".png");
  }
  [[nodiscard]] ReadImages read(bool skip = false) const {
    ImageFiles files;
    BadFiles bad;
    files.add_tree(folder.path() / "images", kUnknownLabel, bad);
    return read_images("images", files, bad,
                       {.size = 8, .skip_unreadable = skip, .cache_file = cache});
  }

  TempFolder folder;
  fs::path cache = folder.path() / "cache/images.safetensors";
};

// Replaces an image's pixels in the cache, so that a test sees where its pixels come from.
void change_in_cache(const fs::path& cache, std::size_t image, std::uint8_t value) {
  std::vector<std::uint8_t> bytes = test::bytes_of(cache);
  {
    const SafetensorsFile file(cache);
    const std::span<const std::byte> pixels = file.entry("pixels").bytes;
    const auto* const from = reinterpret_cast<const std::uint8_t*>(pixels.data());
    const auto place = std::search(bytes.begin(), bytes.end(), from, from + pixels.size());
    REQUIRE(place != bytes.end());
    constexpr std::ptrdiff_t kImage = 8 * 8 * 3;
    std::fill_n(place + kImage * static_cast<std::ptrdiff_t>(image), kImage, value);
  }
  test::write_bytes(cache, bytes);
}

int first_value(const ReadImages& read, std::int64_t i) {
  return read.images.image(i)[0];
}

}  // namespace

TEST_CASE("image cache: what a killed process has left of it goes when it is written") {
  const Place p;
  const fs::path left = p.cache.parent_path() / ".images.safetensors.999999999-0.tmp";
  fs::create_directories(left.parent_path());
  test::write_text(left, "half");
  static_cast<void>(p.read());
  CHECK(fs::exists(p.cache));
  CHECK_FALSE(fs::exists(left));
}

TEST_CASE("image cache: unchanged files are not decoded again, changed ones are") {
  const Place p;
  const ReadImages first = p.read();
  REQUIRE(fs::exists(p.cache));
  CHECK(first_value(first, 2) == 21);
  change_in_cache(p.cache, 2, 99);
  const auto written = fs::last_write_time(p.cache);
  CHECK(first_value(p.read(), 2) == 99);  // from the cache
  CHECK(fs::last_write_time(p.cache) == written);
  // With another time it is decoded, and the cache is replaced.
  fs::last_write_time(p.image(2), fs::last_write_time(p.image(2)) + std::chrono::seconds(1));
  CHECK(first_value(p.read(), 2) == 21);
  CHECK(first_value(p.read(), 3) == 31);
  // Files come and go.
  fs::remove(p.image(0));
  write_plain(p.image(7), 77, 12, 9);
  const ReadImages other = p.read();
  CHECK(other.images.count == 6);
  CHECK(first_value(other, 0) == 11);
  CHECK(first_value(other, 5) == 77);
  CHECK(content_hash(p.read().images) == content_hash(other.images));
}

TEST_CASE("image cache: files of equal size and time that change places are noticed") {
  const Place p;
  const auto time = fs::last_write_time(p.image(0));
  for (const int i : {1, 2}) {
    fs::resize_file(p.image(i), 4096);  // decoders ignore what follows the image
    fs::last_write_time(p.image(i), time);
  }
  const ReadImages before = p.read();
  CHECK(first_value(before, 1) == 11);
  const fs::path elsewhere = p.folder.path() / "elsewhere.png";
  fs::rename(p.image(1), elsewhere);
  fs::rename(p.image(2), p.image(1));
  fs::rename(elsewhere, p.image(2));
  REQUIRE(fs::last_write_time(p.image(1)) == fs::last_write_time(p.image(2)));
  const ReadImages after = p.read();
  CHECK(first_value(after, 1) == 21);
  CHECK(first_value(after, 2) == 11);
}

TEST_CASE("image cache: files that cannot be read leave no trace in it") {
  const Place p;
  test::write_text(p.image(1), "not an image");
  for (int i = 0; i < 2; ++i) {
    const ReadImages read = p.read(/*skip=*/true);
    CHECK(read.images.count == 5);
    CHECK(first_value(read, 1) == 21);
    REQUIRE(read.notes.size() == 1);
    CHECK(test::contains(read.notes[0], "1 of 6 files cannot be used"));
  }
  write_plain(p.image(1), 12, 12, 9);
  CHECK(first_value(p.read(), 1) == 12);
}

TEST_CASE("image cache: after an error, the files that could be read are not decoded again") {
  const Place p;
  test::write_text(p.image(1), "not an image");
  CHECK(test::contains(test::user_error_of([&] { (void)p.read(); }), "neither a PNG nor a JPEG"));
  write_plain(p.image(1), 12, 12, 9);
  REQUIRE(fs::exists(p.cache));
  change_in_cache(p.cache, 1, 99);  // the second of those that could be read
  const ReadImages read = p.read();
  CHECK(read.images.count == 6);
  CHECK(first_value(read, 1) == 12);
  CHECK(first_value(read, 2) == 99);  // from the cache
}

TEST_CASE("image cache: a damaged or foreign file counts as empty, and is replaced") {
  const Place p;
  const std::string expected = content_hash(p.read().images);
  const std::vector<std::uint8_t> good = test::bytes_of(p.cache);
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, good.size() - 1}) {
    test::write_bytes(p.cache, std::span(good).first(size));
    CHECK(content_hash(p.read().images) == expected);
    CHECK(test::bytes_of(p.cache) == good);
  }
  CHECK(ImageCache::file_name("a", 8) != ImageCache::file_name("a", 16));
  CHECK(ImageCache::file_name("a", 8) != ImageCache::file_name("b", 8));
  CHECK(ImageCache(p.cache, 16).find(ImageCache(p.cache, 16).key_of(p.image(0)), {}) ==
        std::nullopt);
}

}  // namespace scimix

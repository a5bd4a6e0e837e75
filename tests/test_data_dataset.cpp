#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "data/resize.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using test::contains;
using test::user_error_of;

ImageSet small_set() {
  ImageSet images;
  images.count = 3;
  images.height = 1;
  images.width = 3;
  images.labels = {0, 1, 2};
  for (int i = 0; i < 27; ++i) images.pixels.push_back(static_cast<std::uint8_t>(i * 9));
  return images;
}

}  // namespace

TEST_CASE("data set: any change to images, labels or shape changes the hash") {
  const ImageSet images = small_set();
  const std::string hash = content_hash(images);
  CHECK(hash.size() == 16);
  CHECK(hash.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(content_hash(small_set()) == hash);
  for (std::size_t i = 0; i < images.pixels.size(); ++i) {  // whole words and the rest of 3 bytes
    ImageSet changed = images;
    changed.pixels[i] ^= 0x80;
    CHECK(content_hash(changed) != hash);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    ImageSet changed = images;
    changed.labels[i] = 7;
    CHECK(content_hash(changed) != hash);
  }
  ImageSet turned = images;
  std::swap(turned.height, turned.width);
  CHECK(content_hash(turned) != hash);
  ImageSet swapped = images;
  std::swap(swapped.labels[0], swapped.labels[1]);
  CHECK(content_hash(swapped) != hash);
}

// Computed by hand from the description in dataset.cpp, in Python.
TEST_CASE("data set: the hash is the same everywhere") {
  CHECK(content_hash(small_set()) == "6b295b1de088dd94");
}

TEST_CASE("data set: images are addressed by their number") {
  const ImageSet images = small_set();
  CHECK(images.image_bytes() == 9);
  CHECK(images.image(2).size() == 9);
  CHECK(images.image(2)[0] == 18 * 9);
  CHECK_THROWS_AS((void)images.image(3), Error);
  CHECK_THROWS_AS((void)images.image(-1), Error);
}

TEST_CASE("data set: checks") {
  ImageSet images = small_set();
  check_images(images, 3, "here");
  images.labels = {1, 0, 1};
  CHECK(class_counts(images, 4) == std::vector<std::int64_t>{1, 2, 0, 0});
  images.labels = {0, 1, 2};
  CHECK(contains(user_error_of([&] { check_images(images, 2, "here"); }),
                 "here: image 2 has label 2, expected 0 to 1"));
  images.labels[1] = -1;
  CHECK(contains(user_error_of([&] { check_images(images, 3, "here"); }), "image 1 has label -1"));
  CHECK(contains(user_error_of([&] { check_images(ImageSet{}, 3, "here"); }),
                 "here: holds no images"));
  images.labels.pop_back();
  CHECK_THROWS_AS(check_images(images, 3, "here"), Error);
}

TEST_CASE("data set: by name") {
  const Dataset dataset = load_dataset("digits", "", {.digits_train = 20, .digits_test = 10});
  CHECK(dataset.train.count == 20);
  CHECK(dataset.test.count == 10);
  CHECK(dataset.classes() == 10);
  const std::string message = user_error_of([] { (void)load_dataset("cifr10", "x"); });
  CHECK(contains(message, "unknown data set 'cifr10'"));
  CHECK(contains(message, "did you mean cifar10?"));
  CHECK(contains(user_error_of([] { (void)load_dataset("cifar10", "none"); }), "none: no data"));
  CHECK(contains(user_error_of([] { (void)load_dataset("svhn", "none"); }), "none: no train"));
  CHECK(contains(user_error_of([] { (void)load_dataset("folder", "none"); }), "none: no such"));
}

TEST_CASE("data set: images of another size than the data set's own") {
  DatasetOptions options{.digits_train = 20, .digits_test = 10};
  const Dataset native = load_dataset("digits", "", options);
  CHECK(native.train.height == 32);
  CHECK(native.train.width == 32);
  options.size = 32;  // asked for by number: the same bytes
  const Dataset same = load_dataset("digits", "", options);
  CHECK(content_hash(same.train) == content_hash(native.train));
  CHECK(content_hash(same.test) == content_hash(native.test));

  for (const std::int64_t size : {16, 40}) {
    options.size = size;
    const Dataset other = load_dataset("digits", "", options);
    const auto check = [&](const ImageSet& images, const ImageSet& source) {
      CHECK(images.count == source.count);
      CHECK(images.labels == source.labels);
      CHECK(images.height == size);
      CHECK(images.width == size);
      for (std::int64_t i = 0; i < images.count; ++i) {
        const auto from = source.image(i);
        const Image wanted = resize_and_crop({32, 32, {from.begin(), from.end()}}, size);
        CHECK(std::ranges::equal(images.image(i), wanted.pixels));
      }
    };
    check(other.train, native.train);
    check(other.test, native.test);
    CHECK(other.class_names == native.class_names);
    CHECK(!other.flip_allowed);
  }
  for (const std::int64_t size : {-1, 4097}) {
    options.size = size;
    CHECK(contains(user_error_of([&] { (void)load_dataset("digits", "", options); }),
                   "image size " + std::to_string(size) + ", expected 1 to 4096, or 0"));
  }
}

TEST_CASE("data set: a folder has no size of its own and gets 32") {
  const test::TempFolder dir;
  for (const char* name : {"a/1.png", "a/2.png", "b/1.png", "b/2.png"}) {
    test::write_plain(dir / name, 77, 10, 14);
  }
  CHECK(load_dataset("folder", dir.path()).train.height == 32);
  const Dataset small = load_dataset("folder", dir.path(), {.size = 8});
  CHECK(small.train.height == 8);
  CHECK(small.test.width == 8);
  CHECK(small.test.pixels == PixelVector(2 * 8 * 8 * 3, 77));
}

}  // namespace scimix

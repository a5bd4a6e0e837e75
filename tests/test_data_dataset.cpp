#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.hpp"
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
  DatasetOptions options;
  options.digits_train = 20;
  options.digits_test = 10;
  const Dataset dataset = load_dataset("digits", "", options);
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

}  // namespace scimix

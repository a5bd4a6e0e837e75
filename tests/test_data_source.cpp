#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/digits.hpp"
#include "data/image_source.hpp"
#include "data/resize.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using test::contains;
using test::TempFolder;
using test::write_plain;

namespace fs = std::filesystem;

std::vector<int> values(const ImageSet& images) {
  std::vector<int> result;
  for (std::int64_t i = 0; i < images.count; ++i) {
    const auto image = images.image(i);
    CHECK(std::all_of(image.begin(), image.end(), [&](int v) { return v == image[0]; }));
    result.push_back(image[0]);
  }
  return result;
}

ImageSourceOptions of_size(std::int64_t size, bool resize = false) {
  ImageSourceOptions options;
  options.image_size = size;
  options.resize = resize;
  options.dataset.digits_train = 30;
  options.dataset.digits_test = 20;
  return options;
}

std::string error_of(const std::string& source, const ImageSourceOptions& options) {
  return test::user_error_of([&] { (void)load_image_source(source, options); });
}

}  // namespace

TEST_CASE("image source: a flat folder") {
  const TempFolder dir;
  // Byte order: capitals before small letters, 10 before 2.
  write_plain(dir / "b.png", 40);
  write_plain(dir / "2.png", 20);
  write_plain(dir / "10.png", 10);
  write_plain(dir / "C.PNG", 30);
  test::write_text(dir / ".hidden", "x");
  const ImageSource source = load_image_source(dir.path().string(), of_size(8));
  CHECK(source.images.count == 4);
  CHECK(source.images.height == 8);
  CHECK(source.images.width == 8);
  CHECK(values(source.images) == std::vector<int>{10, 20, 30, 40});
  CHECK(source.images.labels == std::vector<std::int32_t>(4, kUnknownLabel));
  CHECK(source.names == std::vector<std::string>{"10.png", "2.png", "C.PNG", "b.png"});
  CHECK(source.class_names.empty());
  const std::string with_slash = dir.path().string() + "/";
  CHECK(load_image_source(with_slash, of_size(8)).names == source.names);
}

TEST_CASE("image source: one folder for each class") {
  const TempFolder dir;
  write_plain(dir / "wren/a.png", 3);
  write_plain(dir / "auk/b.png", 2);
  write_plain(dir / "auk/a.png", 1);
  const ImageSource source = load_image_source(dir.path().string(), of_size(8));
  CHECK(values(source.images) == std::vector<int>{1, 2, 3});
  CHECK(source.images.labels == std::vector<std::int32_t>{0, 0, 1});
  CHECK(source.class_names == std::vector<std::string>{"auk", "wren"});
  CHECK(source.names == std::vector<std::string>{"auk/a.png", "auk/b.png", "wren/a.png"});
}

TEST_CASE("image source: folders that are none") {
  const TempFolder dir;
  const fs::path root = dir / "set";
  const auto error = [&] { return error_of(root.string(), of_size(8)); };
  CHECK(contains(error(), "set: no such folder"));
  fs::create_directory(root);
  CHECK(contains(error(), "set: holds no images"));
  fs::create_directory(root / "a");
  CHECK(contains(error(), "a: holds no images"));
  write_plain(root / "a/1.png", 1);
  write_plain(root / "stray.png", 1);
  CHECK(contains(error(), "set: holds a file, stray.png, and a folder, a"));
  fs::remove(root / "stray.png");
  test::write_text(root / "a/2.png", "not an image");
  CHECK(contains(error(), "2.png: neither a PNG nor a JPEG"));
  fs::remove(root / "a/2.png");
  test::write_text(root / "a/notes.txt", "x");
  CHECK(contains(error(), "notes.txt: expected only .png, .jpg and .jpeg"));
  fs::remove(root / "a/notes.txt");
  fs::create_directory(root / "a/deeper.png");
  CHECK(contains(error(), "deeper.png: expected only .png"));
  fs::remove(root / "a/deeper.png");
  CHECK(load_image_source(root.string(), of_size(8)).images.count == 1);
  const std::string file = (root / "a/1.png").string();
  CHECK(contains(error_of(file, of_size(8)), "1.png: no such folder"));
}

TEST_CASE("image source: images of another size") {
  const TempFolder dir;
  write_plain(dir / "1.png", 1);
  write_plain(dir / "2.png", 2, 9, 12);
  write_plain(dir / "3.png", 3, 20, 20);
  const std::string folder = dir.path().string();
  CHECK(contains(error_of(folder, of_size(8)),
                 "2.png: 12x9 pixels, expected 8x8 (--resize brings images to size)"));
  CHECK(contains(error_of(folder, of_size(20)), "1.png: 8x8 pixels, expected 20x20"));
  const ImageSource source = load_image_source(folder, of_size(8, true));
  CHECK(source.images.width == 8);
  CHECK(values(source.images) == std::vector<int>{1, 2, 3});
}

TEST_CASE("image source: one half of a data set") {
  const ImageSource train = load_image_source("digits:train", of_size(32));
  const ImageSource held = load_image_source("digits:test", of_size(32));
  const Dataset digits = load_digits(30, 20, DatasetOptions{}.data_seed);
  CHECK(content_hash(train.images) == content_hash(digits.train));
  CHECK(content_hash(held.images) == content_hash(digits.test));
  CHECK(held.class_names == digits.class_names);
  CHECK(held.names.size() == 20);
  CHECK(held.names[0] == "0");
  CHECK(held.names[19] == "19");

  ImageSourceOptions other = of_size(32);
  other.dataset.data_seed = 5;
  CHECK(content_hash(load_image_source("digits:test", other).images) != content_hash(held.images));

  CHECK(contains(error_of("digits:test", of_size(16)),
                 "digits:test: 32x32 pixels, expected 16x16 (--resize"));
  const ImageSource small = load_image_source("digits:test", of_size(16, true));
  CHECK(small.images.height == 16);
  CHECK(small.images.labels == held.images.labels);
  const auto first = held.images.image(0);
  CHECK(std::ranges::equal(small.images.image(0),
                           resize_and_crop({32, 32, {first.begin(), first.end()}}, 16).pixels));
}

TEST_CASE("image source: data sets that are none") {
  CHECK(contains(error_of("digits:val", of_size(32)),
                 "digits:val: expected digits:train or digits:test"));
  CHECK(contains(error_of("digits:", of_size(32)), "expected digits:train or digits:test"));
  CHECK(contains(error_of("digits", of_size(32)), "digits: no such folder"));
  CHECK(contains(error_of("digts:test", of_size(32)), "did you mean digits:test?"));
  CHECK(contains(error_of("folder:test", of_size(32)), "folder:test: no such folder"));
  CHECK(contains(error_of("", of_size(32)), "no such folder"));
  ImageSourceOptions options = of_size(32);
  options.data_dir = "nowhere";
  CHECK(contains(error_of("cifar10:test", options), "nowhere: no data_batch_1.bin"));
  CHECK(contains(error_of("svhn:train", options), "nowhere: no train_32x32.mat"));
}

TEST_CASE("image source: real CIFAR-10" * doctest::test_suite("data")) {
  const auto dir = test::real_data("cifar-10-batches-bin");
  if (!dir) return;
  ImageSourceOptions options = of_size(32);
  options.data_dir = dir->parent_path();
  const ImageSource source = load_image_source("cifar10:test", options);
  CHECK(source.images.count == 10000);
  CHECK(source.class_names[3] == "cat");
}

// A folder whose name reads like a data set.
TEST_CASE("image source: a slash makes it a folder") {
  const TempFolder dir;
  write_plain(dir / "digits:test/1.png", 9);
  const std::string folder = (dir / "digits:test").string();
  CHECK(values(load_image_source(folder, of_size(8)).images) == std::vector<int>{9});
}

}  // namespace scimix

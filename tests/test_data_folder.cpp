#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/image_folder.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using test::contains;
using test::TempFolder;
using test::user_error_of;
using test::write_plain;

namespace fs = std::filesystem;

// The value of each plain image.
std::vector<int> values(const ImageSet& images) {
  std::vector<int> result;
  for (std::int64_t i = 0; i < images.count; ++i) result.push_back(images.image(i)[0]);
  return result;
}

std::string error_of(const fs::path& dir) {
  return user_error_of([&] { (void)load_image_folder(dir, 8, 0.2, 1); });
}

}  // namespace

TEST_CASE("image folder: train and test") {
  const TempFolder dir;
  write_plain(dir.path() / "train/wren/b.png", 20, 9, 30);
  write_plain(dir.path() / "train/wren/a.PNG", 10, 4, 4);
  write_plain(dir.path() / "train/auk/z.jpeg", 30);  // a PNG by content: names do not matter
  write_plain(dir.path() / "test/wren/t.png", 40, 8, 8);
  test::write_text(dir.path() / "train/.DS_Store", "x");
  test::write_text(dir.path() / "train/auk/.hidden", "x");
  const Dataset dataset = load_image_folder(dir.path(), 8, 0.2, 1);
  CHECK(dataset.name == "folder");
  CHECK(dataset.class_names == std::vector<std::string>{"auk", "wren"});
  CHECK(dataset.train.height == 8);
  CHECK(dataset.train.width == 8);
  CHECK(dataset.train.labels == std::vector<std::int32_t>{0, 1, 1});
  CHECK(values(dataset.train) == std::vector<int>{30, 10, 20});
  CHECK(dataset.test.labels == std::vector<std::int32_t>{1});
  CHECK(values(dataset.test) == std::vector<int>{40});
}

TEST_CASE("image folder: a share is held out of every class") {
  const TempFolder dir;
  for (int i = 0; i < 10; ++i) write_plain(dir.path() / "a" / (std::to_string(i) + ".png"), i);
  for (int i = 0; i < 2; ++i) write_plain(dir.path() / "b" / (std::to_string(i) + ".png"), 100 + i);
  const auto load = [&](std::uint64_t seed) { return load_image_folder(dir.path(), 4, 0.3, seed); };
  const Dataset dataset = load(1);
  CHECK(class_counts(dataset.train, 2) == std::vector<std::int64_t>{7, 1});
  CHECK(class_counts(dataset.test, 2) == std::vector<std::int64_t>{3, 1});
  std::vector<int> all = values(dataset.train);
  for (const int value : values(dataset.test)) all.push_back(value);
  std::sort(all.begin(), all.end());
  CHECK(all == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 101});  // each once

  CHECK(content_hash(load(1).test) == content_hash(dataset.test));
  int others = 0;
  for (std::uint64_t seed = 2; seed < 12; ++seed) {
    others += content_hash(load(seed).test) != content_hash(dataset.test) ? 1 : 0;
  }
  CHECK(others >= 8);  // 240 choices: ten seeds hardly ever agree with the first
}

TEST_CASE("image folder: bad folders") {
  const TempFolder dir;
  const fs::path root = dir.path() / "set";
  CHECK(contains(error_of(root), "set: no such folder"));
  fs::create_directory(root);
  CHECK(contains(error_of(root), "set: 0 class folders, expected at least 2"));
  write_plain(root / "a/1.png", 1);
  CHECK(contains(error_of(root), "a: holds 1 image, expected at least 2"));
  write_plain(root / "a/2.png", 2);
  CHECK(contains(error_of(root), "set: 1 class folders, expected at least 2"));
  fs::create_directory(root / "b");
  CHECK(contains(error_of(root), "b: holds no images"));
  write_plain(root / "b/1.png", 3);
  write_plain(root / "b/2.png", 4);
  test::write_text(root / "b/notes.txt", "x");
  CHECK(contains(error_of(root), "notes.txt: expected only .png, .jpg and .jpeg"));
  fs::remove(root / "b/notes.txt");
  test::write_text(root / "b/3.png", "not an image");
  CHECK(contains(error_of(root), "3.png: neither a PNG nor a JPEG"));
  fs::remove(root / "b/3.png");
  CHECK(load_image_folder(root, 8, 0.2, 1).train.count == 2);
  test::write_text(root / "readme", "x");
  CHECK(contains(error_of(root), "readme: expected only folders"));
  fs::remove(root / "readme");

  CHECK(contains(user_error_of([&] { (void)load_image_folder(root, 0, 0.2, 1); }), "image size 0"));
  CHECK(contains(user_error_of([&] { (void)load_image_folder(root, 8, 1.0, 1); }),
                 "test fraction 1"));
}

TEST_CASE("image folder: bad train and test folders") {
  const TempFolder dir;
  write_plain(dir.path() / "train/a/1.png", 1);
  write_plain(dir.path() / "train/b/1.png", 2);
  CHECK(contains(error_of(dir.path()), "test: no such folder"));
  write_plain(dir.path() / "test/c/1.png", 3);
  CHECK(contains(error_of(dir.path()), "test/c: there is no such class in"));
  fs::remove_all(dir.path() / "test/c");
  CHECK(contains(error_of(dir.path()), "holds no images"));
}

}  // namespace scimix

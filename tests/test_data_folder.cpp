#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "core/safetensors.hpp"
#include "data/image_folder.hpp"
#include "tests/paths.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using test::contains;
using test::grey_levels;
using test::has_note;
using test::TempFolder;
using test::user_error_of;
using test::write_plain;

namespace fs = std::filesystem;

std::string error_of(const fs::path& dir) {
  return user_error_of([&] { (void)load_image_folder(dir, {.size = 8}); });
}

std::string list_of(const fs::path& dir) {
  return test::user_error_list_of([&] { (void)load_image_folder(dir, {.size = 8}); });
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
  const Dataset dataset = load_image_folder(dir.path(), {.size = 8});
  CHECK(dataset.name == "folder");
  CHECK(dataset.class_names == std::vector<std::string>{"auk", "wren"});
  CHECK(dataset.train.height == 8);
  CHECK(dataset.train.width == 8);
  CHECK(dataset.train.labels == std::vector<std::int32_t>{0, 1, 1});
  CHECK(grey_levels(dataset.train) == std::vector<int>{30, 10, 20});
  CHECK(dataset.test.labels == std::vector<std::int32_t>{1});
  CHECK(grey_levels(dataset.test) == std::vector<int>{40});
}

TEST_CASE("image folder: a share is held out of every class") {
  const TempFolder dir;
  for (int i = 0; i < 10; ++i) write_plain(dir.path() / "a" / (std::to_string(i) + ".png"), i);
  for (int i = 0; i < 2; ++i) write_plain(dir.path() / "b" / (std::to_string(i) + ".png"), 100 + i);
  const auto load = [&](std::uint64_t seed) {
    return load_image_folder(dir.path(), {.size = 4, .test_fraction = 0.3, .seed = seed});
  };
  const Dataset dataset = load(1);
  CHECK(class_counts(dataset.train, 2) == std::vector<std::int64_t>{7, 1});
  CHECK(class_counts(dataset.test, 2) == std::vector<std::int64_t>{3, 1});
  std::vector<int> all = grey_levels(dataset.train);
  for (const int value : grey_levels(dataset.test)) all.push_back(value);
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
  CHECK(load_image_folder(root, {.size = 8}).train.count == 2);
  test::write_text(root / "readme", "x");
  CHECK(contains(error_of(root), "readme: expected only folders"));
  fs::remove(root / "readme");

  CHECK(
      contains(user_error_of([&] { (void)load_image_folder(root, {.size = 0}); }), "image size 0"));
  CHECK(contains(
      user_error_of([&] { (void)load_image_folder(root, {.size = 8, .test_fraction = 1.0}); }),
      "test fraction 1"));
}

TEST_CASE("image folder: bad train and test folders") {
  const TempFolder dir;
  write_plain(dir.path() / "train/a/1.png", 1);
  write_plain(dir.path() / "train/b/1.png", 2);
  CHECK(contains(error_of(dir.path()), "train/a: holds 1 image, expected at least 2"));
  write_plain(dir.path() / "test/c/1.png", 3);
  CHECK(contains(error_of(dir.path()), "test/c: there is no such class in"));
  fs::create_directory(dir.path() / "test/a");
  fs::remove_all(dir.path() / "test/c");
  CHECK(contains(error_of(dir.path()), "holds no images"));
  fs::remove_all(dir.path() / "test/a");
  CHECK(contains(error_of(dir.path()), "test: has no folder for each class"));
}

TEST_CASE("image folder: other folders and pictures beside train/ and test/ are an error") {
  const TempFolder dir;
  for (const char* half : {"train", "test"}) {
    for (const char* name : {"a", "b"}) write_plain(dir.path() / half / name / "1.png", 1);
  }
  const std::string where = dir.path().string();
  write_plain(dir.path() / "loose.png", 1);
  CHECK(error_of(dir.path()) == where + "/loose.png: expected only train/ and test/ here");
  fs::remove(dir.path() / "loose.png");
  test::write_text(dir.path() / "readme.txt", "x");
  CHECK(load_image_folder(dir.path(), {.size = 8}).train.count == 2);
  write_plain(dir.path() / "unlabelled/1.png", 1);
  CHECK(error_of(dir.path()) == where + "/unlabelled: probably meant to be unlabeled/");
  fs::remove_all(dir.path() / "unlabelled");
  CHECK(load_image_folder(dir.path(), {.size = 8}).train.count == 2);
  fs::rename(dir.path() / "test", dir.path() / "TEST");
  CHECK(error_of(dir.path()) == where + "/TEST: probably meant to be test/");
  fs::rename(dir.path() / "TEST", dir.path() / "test");
  fs::rename(dir.path() / "train", dir.path() / "Train");
  CHECK(contains(error_of(dir.path()), where + "/Train: probably meant to be train/; expected"));
}

TEST_CASE("image folder: a class that is called almost like a folder of the layouts") {
  const TempFolder dir;
  // Other words, though they differ by one letter.
  for (const char* name : {"rain", "text", "tests", "label", "rest"}) {
    for (const char* image : {"1.png", "2.png"}) write_plain(dir.path() / name / image, 1);
  }
  CHECK(load_image_folder(dir.path(), {.size = 8}).train.count == 5);
  const auto check = [&](const std::string& name, const std::string& meant) {
    CAPTURE(name);
    for (const char* image : {"1.png", "2.png"}) write_plain(dir.path() / name / image, 1);
    CHECK(error_of(dir.path()) == (dir.path() / name).string() + ": probably meant to be " + meant +
                                      "/; expected a folder for each class, or train/ and test/, "
                                      "or labeled/ and unlabeled/");
    fs::remove_all(dir.path() / name);
  };
  check("Test", "test");
  check("TRAIN", "train");
  check("Labeled", "labeled");
  check("labelled", "labeled");
  check("Unlabeled", "unlabeled");
  check("Unlabelled", "unlabeled");
  check("un-labeled", "unlabeled");
}

TEST_CASE("image folder: test/ alone is for tests alone") {
  const TempFolder dir;
  write_plain(dir.path() / "test/a/1.png", 1);
  write_plain(dir.path() / "test/b/1.png", 2);
  CHECK(contains(error_of(dir.path()), "has test/, but no train/"));
  const Dataset dataset = load_image_folder(dir.path(), {.size = 8, .test_only = true});
  CHECK(dataset.train.count == 0);
  CHECK(grey_levels(dataset.test) == std::vector<int>{1, 2});
  CHECK(dataset.class_names == std::vector<std::string>{"a", "b"});

  // With train/, classes are numbered as there; its images are not read.
  test::write_text(dir.path() / "train/a/x.png", "no image");
  fs::create_directories(dir.path() / "train/aa");
  fs::create_directories(dir.path() / "train/b");
  const Dataset both = load_image_folder(dir.path(), {.size = 8, .test_only = true});
  CHECK(both.test.labels == std::vector<std::int32_t>{0, 2});
  CHECK(both.class_names.size() == 3);
}

TEST_CASE("image folder: pictures directly in test/ are no class") {
  const TempFolder dir;
  for (const char* name : {"a", "b", "test"}) {
    for (const char* image : {"1.png", "2.png"}) write_plain(dir.path() / name / image, 1);
  }
  CHECK(contains(error_of(dir.path()),
                 (dir.path() / "test").string() + ": has no folder for each class"));
  CHECK_THROWS_WITH_AS((void)load_image_folder(dir.path(), {.size = 8, .no_test = true}),
                       doctest::Contains("test: has no folder for each class"), Error);
}

TEST_CASE("image folder: of train/ alone, a share is held out") {
  const TempFolder dir;
  for (const char* name : {"a", "b"}) {
    for (int i = 0; i < 5; ++i)
      write_plain(dir.path() / "train" / name / (std::to_string(i) + ".png"), i);
  }
  const Dataset dataset = load_image_folder(dir.path(), {.size = 8});
  CHECK(dataset.train.count == 8);
  CHECK(dataset.test.count == 2);
  CHECK(has_note(dataset, "there is no folder test/"));
  CHECK(load_image_folder(dir.path(), {.size = 8, .no_test = true}).train.count == 10);
}

TEST_CASE("image folder: all images may be for tests") {
  const TempFolder dir;
  for (int i = 0; i < 20; ++i) {
    write_plain(dir.path() / (i % 2 == 0 ? "a" : "b") / (std::to_string(i) + ".png"), i * 12);
  }
  const Dataset held_out = load_image_folder(dir.path(), {.size = 8});
  CHECK(held_out.test.count == 4);
  CHECK(has_note(held_out, "4 of 20 images are held out as test images (20% of each class"));
  const Dataset all = load_image_folder(dir.path(), {.size = 8, .test_only = true});
  CHECK(all.test.count == 20);
  CHECK(all.train.count == 0);
  CHECK(all.notes.empty());
}

TEST_CASE("image folder: all bad files at once, and how to go on without them") {
  const TempFolder dir;
  const fs::path root = dir.path() / "set";
  for (const char* name : {"a", "b"}) {
    for (int i = 0; i < 5; ++i) write_plain(root / name / (std::to_string(i) + ".png"), 40 * i);
  }
  const Dataset clean = load_image_folder(root, {.size = 8});
  test::write_text(root / "a/0-bad.png", "not an image");
  test::write_text(root / "a/empty.jpg", "");
  test::write_text(root / "b/notes.txt", "x");
  fs::create_symlink("nowhere.png", root / "b/link.png");
  fs::create_directory(root / "b/folder.png");
  CHECK(list_of(root) ==
        root.string() + ": 5 of 15 files cannot be used:\n  " + (root / "a/0-bad.png").string() +
            ": neither a PNG nor a JPEG file\n  " + (root / "a/empty.jpg").string() +
            ": is empty, expected a PNG or JPEG file\n  " + (root / "b/folder.png").string() +
            ": expected only .png, .jpg and .jpeg files here, found a folder\n  " +
            (root / "b/link.png").string() +
            ": is a symbolic link to nowhere.png, which does not exist\n  " +
            (root / "b/notes.txt").string() + ": expected only .png, .jpg and .jpeg files here");

  // The result is that of a folder without the bad files: the same images are held out.
  const Dataset skipped = load_image_folder(root, {.size = 8, .skip_unreadable = true});
  CHECK(content_hash(skipped.train) == content_hash(clean.train));
  CHECK(content_hash(skipped.test) == content_hash(clean.test));
  CHECK(has_note(skipped, "5 of 15 files cannot be used and are left out, first " +
                              (root / "a/0-bad.png").string()));
  CHECK_FALSE(has_note(clean, "left out"));

  for (int i = 0; i < 30; ++i) test::write_text(root / ("a/x" + std::to_string(i) + ".png"), "x");
  const std::string message = list_of(root);
  CHECK(std::count(message.begin(), message.end(), '\n') == 21);
  CHECK(contains(message, "set: 35 of 45 files cannot be used:"));
  CHECK(message.ends_with("\n  and 15 more"));
}

TEST_CASE("image folder: a wrong SCIMIX_MAX_PIXELS is one error, not one for each file") {
  const TempFolder dir;
  for (const char* name : {"a/1.png", "a/2.png", "b/1.png", "b/2.png"}) {
    write_plain(dir.path() / name, 1);
  }
  REQUIRE(::setenv("SCIMIX_MAX_PIXELS", "abc", 1) == 0);
  const std::string expected =
      "the environment variable SCIMIX_MAX_PIXELS is 'abc', expected a whole number of pixels "
      "above "
      "0";
  CHECK(error_of(dir.path()) == expected);
  CHECK(user_error_of([&] {
          (void)load_image_folder(dir.path(), {.size = 8, .skip_unreadable = true});
        }) == expected);
  REQUIRE(::unsetenv("SCIMIX_MAX_PIXELS") == 0);
}

TEST_CASE("image folder: a class that is left without images") {
  const TempFolder dir;
  for (const char* half : {"train", "test"}) {
    write_plain(dir.path() / half / "a/1.png", 1);
    test::write_text(dir.path() / half / "b/1.png", "no image");
  }
  CHECK(contains(user_error_of([&] {
                   (void)load_image_folder(dir.path(), {.size = 8, .skip_unreadable = true});
                 }),
                 "class b has no images that can be used"));
}

TEST_CASE("image folder: near twins are warned of") {
  const TempFolder dir;
  const auto write = [&](const char* name, int series, int frame) {
    Image image{16, 16, std::vector<std::uint8_t>(16 * 16 * 3)};
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
      // A pattern for each series; frames differ in brightness and a little noise.
      const auto pattern = static_cast<unsigned>(i / 12 + 1) * static_cast<unsigned>(series + 1);
      const unsigned noise = static_cast<unsigned>(i * 7 + static_cast<std::size_t>(frame)) % 3;
      image.pixels[i] = static_cast<std::uint8_t>(pattern * 2654435761U % 199 + noise +
                                                  static_cast<unsigned>(frame));
    }
    const std::string file = std::to_string(series) + "-" + std::to_string(frame) + ".png";
    fs::create_directories(dir.path() / name);
    write_png(dir.path() / name / file, image);
  };
  for (int series = 0; series < 5; ++series) {
    for (int frame = 0; frame < 10; ++frame) write(series % 2 == 0 ? "a" : "b", series, frame);
  }
  CHECK(has_note(load_image_folder(dir.path(), {.size = 16}), "at least 10 of 10 test"));
  // Also in a test set that a person made.
  for (const char* half : {"train", "test"}) {
    fs::create_directories(dir.path() / "sorted" / half);
    for (const char* name : {"a", "b"}) {
      fs::copy(dir.path() / name, dir.path() / "sorted" / half / name, fs::copy_options::recursive);
    }
  }
  CHECK(has_note(load_image_folder(dir.path() / "sorted", {.size = 16}),
                 "at least 50 of 50 test images hardly differ"));
  fs::remove_all(dir.path() / "sorted");
  for (const char* name : {"a", "b"}) fs::remove_all(dir.path() / name);
  for (int series = 0; series < 50; ++series) write(series % 2 == 0 ? "a" : "b", series, 0);
  const Dataset apart = load_image_folder(dir.path(), {.size = 16});
  CHECK(apart.notes.size() == 1);
}

TEST_CASE("image folder: what was noticed while reading is said once, with the count") {
  const TempFolder dir;
  const SafetensorsFile golden(source_dir() / "tests/golden/image_files.safetensors");
  const auto copy = [&](const std::string& name, const fs::path& to) {
    const auto bytes = golden.entry("file/" + name).bytes;
    test::write_bytes(dir.path() / to,
                      {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  };
  copy("orientation-1.jpg", "train/a/1.jpg");
  copy("orientation-6.jpg", "train/a/2.jpg");
  copy("orientation-3-after.png", "test/a/3.png");
  copy("grey.jpg", "train/b/1.jpg");
  CHECK(has_note(load_image_folder(dir.path(), {.size = 8}),
                 "2 of 4 images were turned upright by their EXIF orientation"));
}

}  // namespace scimix

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/cub200.hpp"
#include "data/image_source.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using test::contains;
using test::grey_levels;
using test::TempFolder;
using test::user_error_of;
using test::write_plain;
using test::write_text;

namespace fs = std::filesystem;

std::string numbered(int number) {
  std::string digits = std::to_string(number);
  return digits.insert(0, 2 - digits.size(), '0');
}

// Two classes, of 3 and 2 images with the grey levels 11, 12, 13 and 21, 22.
void write_birds(const fs::path& images) {
  for (const int image : {1, 2, 3}) {
    write_plain(images / ("001.Auk/auk_" + std::to_string(image) + ".jpg"), 10 + image, 20, 30);
  }
  for (const int image : {1, 2}) {
    write_plain(images / ("002.House_Wren/wren_" + std::to_string(image) + ".jpg"), 20 + image);
  }
}

void write_lists_2010(const fs::path& root) {
  write_text(root / "lists/train.txt", "002.House_Wren/wren_2.jpg\r\n001.Auk/auk_3.jpg\n");
  write_text(root / "lists/test.txt",
             "001.Auk/auk_1.jpg\n001.Auk/auk_2.jpg\n\n002.House_Wren/wren_1.jpg");
}

void write_lists_2011(const fs::path& root) {
  write_text(root / "images.txt",
             "3 001.Auk/auk_1.jpg\n1 001.Auk/auk_2.jpg\n2 001.Auk/auk_3.jpg\n"
             "7 002.House_Wren/wren_1.jpg\n5 002.House_Wren/wren_2.jpg\n");
  write_text(root / "image_class_labels.txt", "1 1\n2 1\n3 1\n5 2\n7 2\n");
  write_text(root / "train_test_split.txt", "1 0\n2 1\n3 1\n5 1\n7 0\n");
}

const CubOptions kTwo{.size = 8, .classes = 2, .images = 5};

}  // namespace

TEST_CASE("CUB-200-2010: the official lists say which images are for training") {
  for (const char* images : {"images", "cub-200-2010/images", "."}) {
    CAPTURE(images);
    const TempFolder dir;
    write_birds(dir / images);
    const fs::path root = std::string(images) == "." ? dir.path() : (dir / images).parent_path();
    write_lists_2010(root);
    const Dataset birds = load_cub_2010(dir.path(), kTwo);
    CHECK(birds.name == "cub-200-2010");
    CHECK(birds.class_names == std::vector<std::string>{"Auk", "House_Wren"});
    CHECK(birds.flip_allowed);
    CHECK(grey_levels(birds.train) == std::vector<int>{22, 13});
    CHECK(birds.train.labels == std::vector<std::int32_t>{1, 0});
    CHECK(grey_levels(birds.test) == std::vector<int>{11, 12, 21});
    CHECK(birds.test.labels == std::vector<std::int32_t>{0, 0, 1});
    CHECK(birds.train.height == 8);
    CHECK(birds.train.width == 8);
    CHECK(birds.notes.empty());
  }
}

TEST_CASE("CUB-200-2010 without lists: the first 15 of each class, by name, are for training") {
  const TempFolder dir;
  for (int i = 0; i < 17; ++i) write_plain(dir / ("001.Auk/" + numbered(i) + ".jpg"), 50 + i);
  for (int i = 0; i < 16; ++i) write_plain(dir / ("002.Wren/" + numbered(i) + ".jpg"), 100 + i);
  CubOptions options{.size = 8, .classes = 2, .images = 33};
  const Dataset birds = load_cub_2010(dir.path(), options);
  CHECK(birds.train.count == 30);
  CHECK(grey_levels(birds.test) == std::vector<int>{65, 66, 115});
  CHECK(class_counts(birds.train, 2) == std::vector<std::int64_t>{15, 15});
  REQUIRE(birds.notes.size() == 1);
  CHECK(contains(birds.notes[0],
                 "the official lists (lists/train.txt, lists/test.txt) are not there"));
  CHECK(contains(birds.notes[0], "for training (30), the others for testing (3)"));

  const auto error = [&] {
    return user_error_of([&] { (void)load_cub_2010(dir.path(), options); });
  };
  options.images = 34;
  CHECK(contains(error(), "33 images in 2 class folders, expected the 34 in 2 of CUB-200-2010"));
  options.images = 32;
  fs::remove(dir / "002.Wren/03.jpg");
  CHECK(contains(error(), "002.Wren: 15 images, expected more than the 15 that are for training"));
  write_text(dir / "001.Auk/notes.txt", "x");
  CHECK(contains(error(), "notes.txt: expected only .png, .jpg and .jpeg"));
}

TEST_CASE("CUB-200: files that are missing or surplus beside the lists are named in one line") {
  const TempFolder dir;
  write_birds(dir / "images");
  write_lists_2010(dir.path());
  write_lists_2011(dir.path());
  const auto error = [&](int year) {
    return user_error_of([&] {
      (void)(year == 2010 ? load_cub_2010(dir.path(), kTwo) : load_cub_2011(dir.path(), kTwo));
    });
  };
  fs::remove(dir / "images/001.Auk/auk_2.jpg");
  CHECK(error(2010) == (dir / "images").string() +
                           ": 1 file of lists/train.txt and lists/test.txt is missing: "
                           "001.Auk/auk_2.jpg");
  CHECK(contains(error(2011), "images: 1 file of images.txt is missing: 001.Auk/auk_2.jpg"));
  write_plain(dir / "images/001.Auk/auk_9.jpg", 9);
  write_plain(dir / "images/003.Crow/c.jpg", 9);
  write_text(dir / "images/README", "x");
  CHECK(contains(error(2011),
                 "auk_2.jpg; 3 files are not in images.txt: 001.Auk/auk_9.jpg, 003.Crow/c.jpg, "
                 "README"));
  fs::remove_all(dir / "images/003.Crow");
  fs::remove(dir / "images/README");
  for (int i = 0; i < 24; ++i) write_plain(dir / ("images/001.Auk/b" + numbered(i) + ".jpg"), 9);
  const std::string many = error(2010);
  CHECK(
      contains(many, "25 files are not in lists/train.txt and lists/test.txt: 001.Auk/auk_9.jpg"));
  CHECK(contains(many, "001.Auk/b18.jpg and 5 more"));  // 20 by name
  CHECK_FALSE(many.find("b19.jpg") != std::string::npos);
}

TEST_CASE("CUB-200: images that are left out, and a class that has none left") {
  const TempFolder dir;
  write_birds(dir / "images");
  write_lists_2010(dir.path());
  CubOptions options = kTwo;
  options.skip_unreadable = true;
  write_text(dir / "images/001.Auk/auk_1.jpg", "");
  const Dataset birds = load_cub_2010(dir.path(), options);
  CHECK(birds.test.count == 2);
  REQUIRE(birds.notes.size() == 1);
  CHECK(birds.file_notes == 1);
  write_text(dir / "images/001.Auk/auk_3.jpg", "");  // the only training image of its class
  CHECK(contains(user_error_of([&] { (void)load_cub_2010(dir.path(), options); }),
                 "class Auk has no training image that can be used"));
}

TEST_CASE("CUB-200-2010: lists and folders with faults") {
  const TempFolder dir;
  const auto error = [&] { return user_error_of([&] { (void)load_cub_2010(dir.path(), kTwo); }); };
  CHECK(contains(error(), "no folder 001.* there, in images/ or in cub-200-2010/"));
  write_birds(dir / "images");
  write_lists_2010(dir.path());
  const fs::path train = dir / "lists/train.txt";
  const std::string good = test::read_bytes(train);
  write_text(train, good + "001.Auk/auk_3.jpg\n");
  CHECK(contains(error(), "001.Auk/auk_3.jpg stands twice in lists/train.txt and lists/test.txt"));
  for (const char* line : {"auk_1.jpg", "1.Auk/a.jpg", "003.Crow/c.jpg", "000.A/c.jpg", "001.Auk/",
                           "001.Auk/../x.jpg", "001.Auk/b/c.jpg"}) {
    CAPTURE(line);
    write_text(train, good + line + "\n");
    CHECK(contains(error(), std::string("train.txt:3: found ") + line +
                                ", expected NNN.SPECIES/FILE with NNN from 001 to 2"));
  }
  write_text(train, good + "001.Auk/a b.jpg\n");
  CHECK(contains(error(), "train.txt:3: 2 words, expected NNN.SPECIES/FILE"));
  write_text(train, "\n");
  CHECK(contains(error(), "train.txt: is empty"));
  fs::remove(train);
  CHECK(contains(error(), "has lists/test.txt, but no lists/train.txt, expected both or none"));
  write_text(train, good);
  test::write_text(dir / "images/001.Auk/auk_1.jpg", "no image");
  CHECK(contains(error(), "auk_1.jpg: neither a PNG nor a JPEG"));
  CHECK(contains(
      user_error_of([&] { (void)load_cub_2010(dir.path(), {.bounding_box = true, .classes = 2}); }),
      "--bounding-box true"));
}

TEST_CASE("CUB-200-2011: images, classes, split and boxes come from its lists") {
  const TempFolder dir;
  const fs::path root = dir / "CUB_200_2011";
  write_birds(root / "images");
  write_lists_2011(root);
  const Dataset birds = load_cub_2011(dir.path(), kTwo);
  CHECK(birds.name == "cub-200-2011");
  CHECK(birds.class_names == std::vector<std::string>{"Auk", "House_Wren"});
  CHECK(grey_levels(birds.train) == std::vector<int>{11, 13, 22});
  CHECK(birds.train.labels == std::vector<std::int32_t>{0, 0, 1});
  CHECK(grey_levels(birds.test) == std::vector<int>{12, 21});
  CHECK(birds.test.labels == std::vector<std::int32_t>{0, 1});
  CHECK(load_cub_2011(root, kTwo).train.count == 3);  // the folder itself will do

  // An image whose bird has another grey level than what is around it.
  Image image{20, 30, std::vector<std::uint8_t>(20 * 30 * 3, 200)};
  for (int y = 5; y < 15; ++y) {
    std::fill_n(image.pixels.begin() + (y * 30 + 18) * 3, 12 * 3, std::uint8_t{40});
  }
  write_png(root / "images/001.Auk/auk_1.jpg", image);
  write_text(root / "bounding_boxes.txt",
             "1 0 0 30 20\n2 0 0 30 20\n3 18.0 5.0 14.0 10.0\n5 0 0 8 8\n7 1.5 1.5 4 4\n");
  CubOptions boxes = kTwo;
  boxes.bounding_box = true;
  const Dataset cut = load_cub_2011(dir.path(), boxes);
  const auto bird = cut.train.image(0);  // the box reaches beyond the edge, and is cut there
  CHECK(std::ranges::all_of(bird, [](int level) { return level == 40; }));
  CHECK(grey_levels(cut.train)[1] == 13);
}

TEST_CASE("CUB-200-2011: lists with faults") {
  const TempFolder dir;
  const auto error = [&](bool boxes = false) {
    CubOptions options = kTwo;
    options.bounding_box = boxes;
    return user_error_of([&] { (void)load_cub_2011(dir.path(), options); });
  };
  CHECK(contains(error(), "no images.txt there or in CUB_200_2011/, expected CUB-200-2011"));
  write_birds(dir / "images");
  write_lists_2011(dir.path());
  const std::int64_t images = load_cub_2011(dir.path(), kTwo).train.count;
  const std::vector<std::uint8_t> list = test::bytes_of(dir / "images.txt");
  write_text(dir / "images.txt", "\xEF\xBB\xBF" + std::string(list.begin(), list.end()));
  CHECK(load_cub_2011(dir.path(), kTwo).train.count == images);
  struct BadList {
    const char* file;
    const char* content;
    const char* message;
  };
  for (const BadList& fault : {
           BadList{"images.txt", "1 001.Auk/auk_1.jpg\n1 001.Auk/auk_2.jpg\n",
                   "images.txt:2: image 1 for a second time"},
           BadList{"images.txt", "one 001.Auk/auk_1.jpg\n",
                   "images.txt:1: found one, expected a number"},
           BadList{"image_class_labels.txt", "1 1\n2 1\n3 1\n5 2\n",
                   "image_class_labels.txt: no line for 002.House_Wren/wren_1.jpg"},
           BadList{"image_class_labels.txt", "1 1\n2 1\n3 2\n5 2\n7 2\n",
                   "image_class_labels.txt:3: class 2 for 001.Auk/auk_1.jpg, expected 1"},
           BadList{"image_class_labels.txt", "1 1\n2 1\n3 3\n5 2\n7 2\n",
                   "image_class_labels.txt:3: found 3, expected 1 to 2"},
           BadList{"train_test_split.txt", "1 0\n2 1\n3 1\n5 1\n8 0\n",
                   "train_test_split.txt:5: image 8 is not in images.txt"},
           BadList{"train_test_split.txt", "1 0\n2 1\n3 2\n5 1\n7 0\n",
                   "train_test_split.txt:3: found 2, expected 0 to 1"},
           BadList{"train_test_split.txt", "1 0\n1 0\n",
                   "train_test_split.txt:2: image 1 for a second"},
           BadList{"bounding_boxes.txt", "1 0 0 5\n",
                   "bounding_boxes.txt:1: 4 words, expected ID X Y"},
           BadList{"bounding_boxes.txt", "1 0 0 0 5\n",
                   "bounding_boxes.txt:1: a box of 0x5 pixels"},
           BadList{"bounding_boxes.txt", "1 0 0 5 5\n2 0 0 5 5\n3 90 0 5 5\n5 0 0 5 5\n7 0 0 5 5\n",
                   "auk_1.jpg: its box of 5x5 pixels at 90,0 lies outside the image of 30x20"},
       }) {
    CAPTURE(fault.message);
    write_lists_2011(dir.path());
    write_text(dir / fault.file, fault.content);
    CHECK(contains(error(std::string(fault.file) == "bounding_boxes.txt"), fault.message));
  }
  write_lists_2011(dir.path());
  fs::remove(dir / "train_test_split.txt");
  CHECK(contains(error(), "train_test_split.txt: no such file"));
}

// The counts are those of the folder: 6,033 files, 20 to 39 in each of 200 class folders.
TEST_CASE("CUB-200-2010: the real photographs" * doctest::test_suite("data")) {
  const auto dir = test::real_data("cub-200-2010");
  if (!dir) return;
  const Dataset birds = load_dataset("cub-200-2010", *dir, {.size = 64});
  CHECK(birds.classes() == 200);
  CHECK(birds.train.count == 3000);
  CHECK(birds.test.count == 3033);
  CHECK(class_counts(birds.train, 200) == std::vector<std::int64_t>(200, 15));
  const std::vector<std::int64_t> held = class_counts(birds.test, 200);
  CHECK(*std::ranges::min_element(held) == 5);
  CHECK(*std::ranges::max_element(held) == 24);
  CHECK(birds.train.width == 64);
  CHECK(birds.class_names.front() == "Black_footed_Albatross");
  CHECK(birds.class_names.back() == "Common_Yellowthroat");
  CHECK(contains(user_error_of([&] { (void)load_dataset("cub-200-2011", *dir); }),
                 "expected CUB-200-2011"));
}

}  // namespace scimix

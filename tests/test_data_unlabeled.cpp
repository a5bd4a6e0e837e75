// Folders of images of which some have no class.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/csv.hpp"
#include "data/image_folder.hpp"
#include "data/image_io.hpp"
#include "data/split.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using test::contains;
using test::grey_levels;
using test::has_note;
using test::TempFolder;
using test::user_error_of;
using test::write_plain;
using Labels = std::vector<std::int32_t>;

namespace fs = std::filesystem;

Dataset load(const fs::path& dir, FolderOptions options = {}) {
  options.size = 8;
  return load_image_folder(dir, options);
}

std::string error_of(const fs::path& dir, const FolderOptions& options = {}) {
  return user_error_of([&] { (void)load(dir, options); });
}

std::string list_of(const fs::path& dir, const FolderOptions& options) {
  return test::user_error_list_of([&] { (void)load(dir, options); });
}

}  // namespace

TEST_CASE("csv: rows and fields of RFC 4180") {
  const auto rows = parse_csv(
      "\xEF\xBB\xBF"
      "a,b\r\n\r\n\"x, \"\"y\"\"\",\n\"two\nlines\",1\nlast,",
      "t");
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].fields == std::vector<std::string>{"a", "b"});
  CHECK(rows[1].fields == std::vector<std::string>{"x, \"y\"", ""});
  CHECK(rows[1].line == 3);
  CHECK(rows[2].fields == std::vector<std::string>{"two\nlines", "1"});
  CHECK(rows[3].fields == std::vector<std::string>{"last", ""});
  CHECK(rows[3].line == 6);
  CHECK(parse_csv("", "t").empty());
  const auto old = parse_csv("file,class\ra.png,\"cat\"\rb.png,dog\r", "t");  // of an old Mac
  REQUIRE(old.size() == 3);
  CHECK(old[1].fields == std::vector<std::string>{"a.png", "cat"});
  CHECK(old[2].line == 3);
  const auto twice = parse_csv("a,b\r\r\n\"c\rd\",e\r\r\nf,g", "t");  // line ends converted twice
  REQUIRE(twice.size() == 3);
  CHECK(twice[1].fields == std::vector<std::string>{"c\rd", "e"});
  CHECK(twice[2].line == 4);
  CHECK(contains(user_error_of([] { (void)parse_csv("a\n\"b,c\n", "t.csv"); }),
                 "t.csv:2: a double quote is not closed"));
  CHECK(contains(user_error_of([] { (void)parse_csv("\"b\"c", "t.csv"); }),
                 "t.csv:1: text behind a closing double quote"));
  for (const std::string field : {"plain", "a,b", "a\"b", "a\nb", " a", "", "\ta\t", "\t\"a"}) {
    const auto read = parse_csv(csv_field(field) + ",x", "t");
    CHECK(read.at(0).fields == std::vector<std::string>{field, "x"});
  }
}

TEST_CASE("csv: blanks around a field in quotes are passed over") {
  const auto rows = parse_csv("a.png, \"cat\"\n \t\"b, c.png\" \t,\"dog\" \r\n x , \"y\"", "t");
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].fields == std::vector<std::string>{"a.png", "cat"});
  CHECK(rows[1].fields == std::vector<std::string>{"b, c.png", "dog"});
  CHECK(rows[2].fields == std::vector<std::string>{" x ", "y"});  // blanks without quotes stay
  CHECK(contains(user_error_of([] { (void)parse_csv("a, \"b\" c", "t.csv"); }),
                 "t.csv:1: text behind a closing double quote"));
}

TEST_CASE("unlabelled images: labeled/ and unlabeled/ at any depth, with a test set") {
  const TempFolder dir;
  write_plain(dir.path() / "labeled/wren/1.png", 10);
  write_plain(dir.path() / "labeled/auk/1.png", 20);
  write_plain(dir.path() / "unlabeled/b.png", 32);
  write_plain(dir.path() / "unlabeled/a/c/d/x.PNG", 31, 20, 9);
  write_plain(dir.path() / "unlabeled/z/y.png", 33);
  write_plain(dir.path() / "test/wren/t.png", 40);
  test::write_text(dir.path() / "unlabeled/.hidden", "x");
  const Dataset dataset = load(dir.path());
  CHECK(dataset.class_names == std::vector<std::string>{"auk", "wren"});
  CHECK(dataset.train.labels == Labels{0, 1, -1, -1, -1});
  CHECK(grey_levels(dataset.train) == std::vector<int>{20, 10, 32, 31, 33});
  CHECK(grey_levels(dataset.test) == std::vector<int>{40});
  CHECK(dataset.test.labels == Labels{1});
  REQUIRE(dataset.notes.size() == 1);
  CHECK(contains(dataset.notes[0], "at least 1 of 1 test images hardly differ"));  // plain ones
  CHECK(labeled_count(dataset.train) == 2);
  CHECK(class_counts(dataset.train, 2) == std::vector<std::int64_t>{1, 1});
  REQUIRE(dataset.train_files.files.size() == 5);
  CHECK(dataset.train_files.path(0) == dir.path() / "labeled/auk/1.png");
  CHECK(dataset.train_files.path(3) == dir.path() / "unlabeled/a/c/d/x.PNG");

  // The same with train/ in place of labeled/, and links in place of files and folders.
  fs::rename(dir.path() / "labeled", dir.path() / "train");
  const TempFolder other;
  const fs::path elsewhere = other / "elsewhere";
  fs::rename(dir.path() / "unlabeled", elsewhere);
  fs::create_directories(dir.path() / "unlabeled");
  fs::create_symlink(elsewhere / "b.png", dir.path() / "unlabeled/b.png");
  fs::create_directory_symlink(elsewhere / "a", dir.path() / "unlabeled/a");
  fs::create_directory_symlink(elsewhere / "z", dir.path() / "unlabeled/z");
  CHECK(content_hash(load(dir.path()).train) == content_hash(dataset.train));

  // An image that gets a class changes the hash, though no pixel changes.
  fs::rename(dir.path() / "train", dir.path() / "labeled");
  fs::copy_file(elsewhere / "z/y.png", dir.path() / "labeled/wren/2.png");
  fs::remove(dir.path() / "unlabeled/z");
  const Dataset more = load(dir.path());
  CHECK(more.train.count == dataset.train.count);
  CHECK(content_hash(more.train) != content_hash(dataset.train));
}

TEST_CASE("unlabelled images: a share of the labelled ones is held out, or none") {
  const TempFolder dir;
  for (int i = 0; i < 10; ++i) {
    write_plain(dir.path() / "labeled/a" / (std::to_string(i) + ".png"), i);
    write_plain(dir.path() / "unlabeled" / (std::to_string(i) + ".png"), 100 + i);
  }
  for (int i = 0; i < 2; ++i) {
    write_plain(dir.path() / "labeled/b" / (std::to_string(i) + ".png"), 50 + i);
  }
  const Dataset dataset = load(dir.path(), {.test_fraction = 0.3});
  CHECK(class_counts(dataset.train, 2) == std::vector<std::int64_t>{7, 1});
  CHECK(class_counts(dataset.test, 2) == std::vector<std::int64_t>{3, 1});
  CHECK(dataset.train.count == 18);
  CHECK(labeled_count(dataset.test) == 4);
  CHECK(
      has_note(dataset, "4 of 12 labelled images are held out as test images (30% of each class"));
  std::vector<int> known = grey_levels(dataset.test);
  const std::vector<int> train = grey_levels(dataset.train);
  known.insert(known.end(), train.begin(), train.begin() + 8);
  std::sort(known.begin(), known.end());
  CHECK(known == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 50, 51});
  REQUIRE(dataset.train_files.files.size() == 18);  // the files without those held out
  for (std::size_t i = 0; i < 18; ++i) {
    CHECK(read_image(dataset.train_files.path(i)).pixels[0] == train[i]);
  }

  const Dataset none = load(dir.path(), {.no_test = true});
  CHECK(none.test.count == 0);
  CHECK(none.test.height == 8);
  CHECK(labeled_count(none.train) == 12);
  CHECK(none.notes.empty());

  // A test set is not read, if none is wanted: its images are not learnt from either.
  write_plain(dir.path() / "test/a/1.png", 200);
  CHECK(content_hash(load(dir.path(), {.no_test = true}).train) == content_hash(none.train));
}

TEST_CASE("unlabelled images: the split takes labels from labelled images alone") {
  const TempFolder dir;
  for (const char* name : {"a", "b"}) {
    for (int i = 0; i < 6; ++i) {
      write_plain(dir.path() / "labeled" / name / (std::to_string(i) + ".png"), 10 * i);
    }
  }
  for (int i = 0; i < 20; ++i)
    write_plain(dir.path() / "unlabeled" / (std::to_string(i) + ".png"), i);
  const Dataset dataset = load(dir.path(), {.no_test = true});
  const Split all = make_split(dataset, std::nullopt, 0);
  CHECK(all.labeled == Labels{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(unlabeled_indices(all, dataset, /*include_labeled=*/false).size() == 20);
  CHECK(unlabeled_indices(all, dataset).size() == 32);
  const Split four = make_split(dataset, 4, 0);
  CHECK(four.labeled.size() == 4);
  CHECK(std::ranges::count_if(four.labeled, [](int i) { return i < 6; }) == 2);
  CHECK(std::ranges::all_of(four.labeled, [](int i) { return i < 12; }));
  CHECK(contains(user_error_of([&] { (void)make_split(dataset, 14, 0); }),
                 "class a has 6 labelled images"));
  CHECK(contains(user_error_of([&] { (void)make_split(dataset, 5, 0); }),
                 "expected a multiple of its 2 classes"));

  const fs::path file = dir.path() / "split.json";
  save_split(file, all);
  CHECK(load_split(file, dataset).labeled == all.labeled);
  Split wrong = all;
  wrong.labeled = {0, 12};
  save_split(file, wrong);
  CHECK(contains(user_error_of([&] { (void)load_split(file, dataset); }),
                 "image 12 is not labelled in folder"));
}

TEST_CASE("unlabelled images: bad folders") {
  const TempFolder dir;
  const fs::path root = dir.path() / "set";
  write_plain(root / "unlabeled/1.png", 1);
  write_plain(root / "auk/1.png", 1);
  CHECK(contains(error_of(root), "set: has unlabeled/, but no labelled images: expected them in"));
  fs::remove_all(root / "auk");
  write_plain(root / "labeled/auk/1.png", 1);
  CHECK(contains(error_of(root), "auk: holds 1 image, expected at least 2"));
  CHECK(contains(error_of(root, {.no_test = true}), "set: 1 class folders, expected at least 2"));
  write_plain(root / "labeled/wren/1.png", 1);
  CHECK(load(root, {.no_test = true}).train.count == 3);
  write_plain(root / "train/wren/1.png", 1);
  CHECK(contains(error_of(root), "set: has labeled/ and train/"));
  fs::remove_all(root / "train");
  write_plain(root / "test/Wren/1.png", 1);
  CHECK(contains(error_of(root), "test/Wren: there is no such class in"));
  fs::remove_all(root / "test");
  fs::remove(root / "unlabeled/1.png");
  CHECK(contains(error_of(root, {.no_test = true}), "unlabeled: holds no images"));

  write_plain(root / "unlabeled/deep/1.png", 1);
  test::write_text(root / "unlabeled/deep/notes.txt", "x");
  test::write_text(root / "unlabeled/bad.png", "no image");
  fs::create_directory_symlink("..", root / "unlabeled/deep/up");
  const std::string list = list_of(root, {.no_test = true});
  CHECK(contains(list, "3 of 6 files cannot be used:"));
  CHECK(contains(list, "unlabeled/bad.png: neither a PNG nor a JPEG file"));
  CHECK(contains(list, "deep/notes.txt: expected only .png"));
  CHECK(contains(list, "deep/up: is a link to a folder above it"));
  const Dataset skipped = load(root, {.skip_unreadable = true, .no_test = true});
  CHECK(skipped.train.labels == Labels{0, 1, -1});
  CHECK(has_note(skipped, "3 of 6 files cannot be used and are left out, first"));
}

TEST_CASE("unlabelled images: other folders and pictures beside those of the layout are an error") {
  const TempFolder dir;
  const fs::path root = dir.path() / "set";
  for (const char* name : {"auk", "wren"}) {
    for (const char* image : {"1.png", "2.png"}) write_plain(root / "labeled" / name / image, 1);
  }
  test::write_text(root / ".DS_Store", "x");
  CHECK(load(root).train.count == 2);
  test::write_text(root / "labeled/Thumbs.db", "x");
  CHECK(contains(error_of(root), "Thumbs.db: expected only folders here, one for each class"));
  CHECK(load(root, {.skip_unreadable = true}).train.count == 2);
  fs::remove(root / "labeled/Thumbs.db");
  const std::string where = root.string();

  write_plain(root / "unlabelled/1.png", 1);
  CHECK(error_of(root) == where + "/unlabelled: probably meant to be unlabeled/");
  write_plain(root / "Test/auk/1.png", 1);
  write_plain(root / "loose.png", 1);
  write_plain(root / "more/1.png", 1);
  CHECK(list_of(root, {.skip_unreadable = true}) ==
        where + ": 4 of 5 entries cannot be used:\n  " + where +
            "/Test: probably meant to be test/\n  " + where +
            "/loose.png: expected only labeled/, unlabeled/ and test/ here\n  " + where +
            "/more: expected only labeled/, unlabeled/ and test/ here\n  " + where +
            "/unlabelled: probably meant to be unlabeled/");
  for (int i = 0; i < 30; ++i) write_plain(root / ("x" + std::to_string(i) + ".png"), 1);
  const std::string many = list_of(root, {});
  CHECK(std::ranges::count(many, '\n') == 21);
  CHECK(many.ends_with("\n  and 14 more"));

  for (const char* name : {"unlabelled", "Test", "more", "loose.png"}) fs::remove_all(root / name);
  for (int i = 0; i < 30; ++i) fs::remove(root / ("x" + std::to_string(i) + ".png"));
  test::write_text(root / "unlabeled", "x");
  CHECK(error_of(root) == where + "/unlabeled: is a file, expected a folder");
  fs::remove(root / "unlabeled");
  fs::create_symlink("nowhere", root / "link");
  CHECK(contains(error_of(root), "link: is a symbolic link to nowhere, which does not exist"));
  fs::remove(root / "link");

  // train/ in place of labeled/, and labeled/ misspelt.
  write_plain(root / "unlabeled/1.png", 1);
  fs::rename(root / "labeled", root / "train");
  write_plain(root / "val/auk/1.png", 1);
  CHECK(error_of(root) == where + "/val: expected only train/, unlabeled/ and test/ here");
  fs::remove_all(root / "val");
  CHECK(load(root).train.count == 3);
  for (const char* name : {"labelled", "Labeled", "Train"}) {
    CAPTURE(name);
    fs::rename(root / "train", root / name);
    const std::string meant = name[0] == 'T' ? "train" : "labeled";
    CHECK(contains(error_of(root), where + "/" + name + ": probably meant to be " + meant +
                                       "/; expected a folder"));
    fs::rename(root / name, root / "train");
  }
}

TEST_CASE("labels file: a flat or nested folder, some images with a class") {
  const TempFolder dir;
  const fs::path root = dir.path() / "set";
  write_plain(root / "1.png", 1);
  write_plain(root / "2.png", 2);
  write_plain(root / "deep/er/3.png", 3);
  write_plain(root / "deep/a, b.png", 4);
  write_plain(root / "5.png", 5);
  write_plain(root / "6.png", 6);
  const FolderOptions options{.no_test = true, .labels_file = root / "labels.csv"};
  test::write_text(options.labels_file,
                   "FILE, Class \n./2.png, wren \ndeep/er/3.png, \"auk\"\n\"deep/a, b.png\",wren\n"
                   "5.png,\n" +
                       fs::absolute(root / "6.png").string() + ",auk\n");
  const Dataset dataset = load(root, options);
  CHECK(dataset.class_names == std::vector<std::string>{"auk", "wren"});
  CHECK(dataset.train.labels == Labels{0, 0, 1, 1, -1, -1});
  // In the order of the folder within a class: first the files of a folder, then those below.
  CHECK(grey_levels(dataset.train) == std::vector<int>{6, 3, 2, 4, 1, 5});

  // More columns with a heading, and a test set in folders.
  test::write_text(options.labels_file,
                   "probability,class,file\n0.5,wren,1.png\n0.7,auk,2.png\n0.1,auk,5.png\n"
                   "0.2,wren,6.png\n");
  CHECK(load(root, options).train.labels == Labels{0, 0, 1, 1, -1, -1});
  test::write_text(options.labels_file,
                   "class,file\nwren,1.png\nauk,2.png\nauk,5.png\nwren,6.png\n");
  CHECK(grey_levels(load(root, options).train) == std::vector<int>{2, 5, 1, 6, 4, 3});
  FolderOptions tested = options;
  tested.no_test = false;
  const Dataset held = load(root, tested);
  CHECK(held.test.labels == Labels{0, 1});
  CHECK(has_note(held, "2 of 4 labelled images are held out"));
  write_plain(root / "test/wren/9.png", 9);
  const Dataset with_test = load(root, tested);
  CHECK(grey_levels(with_test.test) == std::vector<int>{9});
  CHECK(with_test.train.count == 6);
}

TEST_CASE("labels file: names that lead through other folders or links name the same images") {
  const TempFolder dir;
  const fs::path root = dir.path() / "real/set";
  for (const int i : {1, 2, 3, 4}) write_plain(root / (std::to_string(i) + ".png"), i);
  fs::create_directory_symlink(root, dir.path() / "link");
  const FolderOptions options{.no_test = true, .labels_file = dir.path() / "labels.csv"};
  const std::string link = (dir.path() / "link").string();
  const auto rows = [&](const std::string& a, const std::string& b) {
    test::write_text(options.labels_file, a + "/1.png,auk\n" + a + "/2.png,auk\n" + b +
                                              "/3.png,wren\n" + b + "/4.png,wren\n");
  };
  rows("../set", "../../real/set");
  CHECK(load(root, options).train.labels == Labels{0, 0, 1, 1});
  rows(link, root.string());
  CHECK(load(root, options).train.labels == Labels{0, 0, 1, 1});
  CHECK(load(link, options).train.labels == Labels{0, 0, 1, 1});
  const fs::path elsewhere = dir.path() / "elsewhere";
  for (const int i : {5, 6}) write_plain(elsewhere / (std::to_string(i) + ".png"), i);
  fs::create_directory_symlink(elsewhere, root / "more");
  test::write_text(options.labels_file, "1.png,auk\n2.png,auk\n" + link + "/more/5.png,wren\n" +
                                            root.string() + "/more/6.png,wren\n");
  CHECK(load(root, options).train.labels == Labels{0, 0, 1, 1, -1, -1});
  test::write_text(options.labels_file, "1.png,auk\n2.png,auk\n3.png,wren\n../4.png,wren\n");
  CHECK(contains(error_of(root, options), "labels.csv, line 4: ../4.png: no such image in "));
}

TEST_CASE("labels file: what a person has sorted keeps its class, and a row changes it") {
  for (const char* const sorted : {"labeled", "train"}) {
    CAPTURE(sorted);
    const TempFolder dir;
    const fs::path root = dir.path() / "set";
    write_plain(root / sorted / "auk/1.png", 1);
    write_plain(root / sorted / "auk/more/2.png", 2);
    write_plain(root / sorted / "wren/3.png", 3);
    write_plain(root / sorted / "wren/4.png", 4);
    write_plain(root / "unlabeled/5.png", 5);
    write_plain(root / "unlabeled/deep/6.png", 6);
    // The names are those from the folder of the file: not from here, nor from the data set.
    const FolderOptions options{.no_test = true, .labels_file = dir.path() / "to-label.csv"};
    const std::string place = std::string("set/") + sorted;
    test::write_text(options.labels_file, "file,class\nset/unlabeled/5.png,crow\n" + place +
                                              "/auk/1.png,wren\n" + place + "/wren/4.png,\n");
    const Dataset dataset = load(root, options);
    CHECK(dataset.class_names == std::vector<std::string>{"auk", "crow", "wren"});
    CHECK(grey_levels(dataset.train) == std::vector<int>{2, 5, 1, 3, 4, 6});
    CHECK(dataset.train.labels == Labels{0, 1, 2, 2, 2, -1});
    test::write_text(options.labels_file, "set/unlabeled/5.png,Auk\n");
    CHECK(contains(error_of(root, options),
                   "line 1: class Auk: is spelt auk in a class folder, expected one spelling"));
  }
}

TEST_CASE("labels file: folders beside labeled/ are an error, other files are not") {
  const TempFolder dir;
  const fs::path root = dir.path() / "set";
  for (int i = 0; i < 2; ++i) {
    write_plain(root / "labeled/auk" / (std::to_string(i) + ".png"), 1 + i);
    write_plain(root / "labeled/wren" / (std::to_string(i) + ".png"), 3 + i);
    write_plain(root / "unlabeled" / (std::to_string(i) + ".png"), 5 + i);
  }
  test::write_text(root / "README.txt", "mine");
  FolderOptions options{.no_test = true, .labels_file = dir.path() / "labels.csv"};
  test::write_text(options.labels_file, "set/unlabeled/1.png,wren\n");
  CHECK(load(root, options).train.labels == Labels{0, 0, 1, 1, 1, -1});
  // A test of another run's classifier takes the images with a class.
  FolderOptions tested = options;
  tested.no_test = false;
  tested.test_only = true;
  CHECK(load(root, tested).test.labels == Labels{0, 0, 1, 1, 1});
  test::write_text(root / "labeled/Thumbs.db", "x");
  CHECK(contains(list_of(root, options), "Thumbs.db: expected only .png"));
  options.skip_unreadable = true;
  CHECK(load(root, options).train.count == 6);
  fs::remove(root / "labeled/Thumbs.db");
  write_plain(root / "test/7.png", 7);
  CHECK(contains(error_of(root, options), "test: has no folder for each class"));
  fs::remove_all(root / "test");
  // Their images would be trained on, without a word.
  write_plain(root / "Test/auk/7.png", 7);
  CHECK(contains(error_of(root, options), "probably meant to be test/"));
  fs::rename(root / "Test", root / "val");
  CHECK(contains(error_of(root, options), "expected only labeled/, unlabeled/ and test/ here"));
}

TEST_CASE("labels file: every bad row is told, at most 20") {
  const TempFolder dir;
  const fs::path root = dir.path() / "set";
  for (int i = 0; i < 6; ++i) write_plain(root / (std::to_string(i) + ".png"), i);
  const FolderOptions options{.no_test = true, .labels_file = dir.path() / "labels.csv"};
  const auto message = [&](const std::string& content) {
    test::write_text(options.labels_file, content);
    return list_of(root, options);
  };
  const std::string csv = options.labels_file.string();
  CHECK(message("0.png,cat\n1.png,dog\n0.png,cat\nnone.png,dog\n2.png,Cat\n3.png\n4.png,DOG\n"
                "5.png,Cat\n") ==
        csv +
            ": 5 rows cannot be used:\n"
            "  line 3: 0.png: has a row already, line 1\n"
            "  line 6: 1 column, expected 2: a file name, a comma, a class\n"
            "  line 5: class Cat: is spelt cat in line 1, expected one spelling\n"
            "  line 7: class DOG: is spelt dog in line 2, expected one spelling\n"
            "  line 4: none.png: no such image in " +
            root.string());
  CHECK(message("0.png,cat\nx.png,dog\n") ==
        csv + ", line 2: x.png: no such image in " + root.string());
  std::string many;
  for (int i = 0; i < 30; ++i) many += "missing" + std::to_string(i) + ".png,cat\n";
  const std::string list = message(many);
  CHECK(contains(list, ": 30 rows cannot be used:"));
  CHECK(std::ranges::count(list, '\n') == 21);
  CHECK(list.ends_with("\n  and 10 more"));
  CHECK(message("") == csv + ": labels no image");
  CHECK(message("0.png,\n") == csv + ": labels no image");
  CHECK(message("0.png,cat\n1.png,cat\n") == csv + ": has one class, cat, expected at least 2");
  CHECK(
      contains(message("name,kind,note\n0.png,cat,x\n"),
               "line 1: 3 columns, expected 2: a file name, a comma, a class; a heading names the "
               "columns file and class"));
  CHECK(message("file,class,note\n0.png,cat\n") ==
        csv + ", line 2: 2 columns, expected 3, as in the heading");
  FolderOptions held = options;
  held.no_test = false;
  test::write_text(options.labels_file, "0.png,cat\n1.png,dog\n2.png,dog\n");
  CHECK(
      contains(error_of(root, held), "labels.csv, class cat: holds 1 image, expected at least 2"));
  fs::remove(options.labels_file);
  CHECK(contains(error_of(root, options), "labels.csv: No such file or directory"));
  DatasetOptions digits;
  digits.labels_file = "l.csv";
  CHECK(contains(user_error_of([&] { (void)load_dataset("digits", "", digits); }),
                 "--labels-file l.csv: expected only with the data set folder"));
}

TEST_CASE("labels file: what is a heading, and what is an encoding or a separator to change") {
  const TempFolder dir;
  const fs::path root = dir.path() / "set";
  for (int i = 0; i < 4; ++i) write_plain(root / (std::to_string(i) + ".png"), i);
  const FolderOptions options{.no_test = true, .labels_file = dir.path() / "labels.csv"};
  const std::string csv = options.labels_file.string();
  const auto message = [&](const std::string& content) {
    test::write_text(options.labels_file, content);
    return error_of(root, options);
  };
  const std::string rows = "0.png,cat\n1.png,dog\n";

  // A typo in the first row is told, as in any other row.
  const std::string hint = "; a heading names the columns file and class";
  CHECK(message("0.pgn,cat\n" + rows) ==
        csv + ", line 1: 0.pgn: no such image in " + root.string() + hint);
  CHECK(message(rows + "2.pgn,cat\n") ==
        csv + ", line 3: 2.pgn: no such image in " + root.string());
  CHECK(message("photo,kind\n" + rows) ==
        csv + ", line 1: photo: no such image in " + root.string() + hint);

  // A heading has both columns.
  const std::string expected = ", expected the columns file and class";
  CHECK(message("file,note\n" + rows) ==
        csv + ", line 1: the heading has no column called class" + expected);
  CHECK(message("image,Class\n" + rows) ==
        csv + ", line 1: the heading has no column called file" + expected);
  CHECK(message("File\n0.png\n") ==
        csv + ", line 1: the heading has no column called class" + expected);
  // A class may have the name of a column.
  test::write_text(options.labels_file, "0.png,file\n1.png,class\n");
  CHECK(load(root, options).class_names == std::vector<std::string>{"class", "file"});

  CHECK(message("file;class\n0.png;cat\n1.png;dog\n") ==
        csv + ", line 1: columns separated by semicolons, expected commas");
  CHECK(message("0.png\tcat\n1.png\tdog\n") ==
        csv + ", line 1: columns separated by tabs, expected commas");

  std::string little;
  std::string big;
  for (const char c : "file,class\n" + rows) {
    little += {c, '\0'};
    big += {'\0', c};
  }
  CHECK(message("\xFF\xFE" + little) == csv + ": is written in UTF-16, expected UTF-8");
  CHECK(message("\xFE\xFF" + big) == csv + ": is written in UTF-16, expected UTF-8");
  for (const std::string& unmarked : {little, big}) {
    CHECK(message(unmarked) ==
          csv + ": has bytes of value 0 in its first line, as in UTF-16; expected UTF-8");
  }
}

}  // namespace scimix

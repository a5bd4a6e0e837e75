#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/split.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using test::contains;
using test::TempFolder;
using test::user_error_of;

// Training images of 1x1 pixel; class c has 20 + c of them, in mixed order.
Dataset small_dataset(std::uint8_t tint = 0) {
  Dataset dataset;
  dataset.name = "small";
  dataset.class_names = {"a", "b", "c"};
  dataset.train.height = 1;
  dataset.train.width = 1;
  for (int i = 0; i < 22; ++i) {
    for (int c = 0; c < 3; ++c) {
      if (i >= 20 + c) continue;
      dataset.train.labels.push_back(c);
      for (int k = 0; k < 3; ++k)
        dataset.train.pixels.push_back(static_cast<std::uint8_t>(i + tint));
    }
  }
  dataset.train.count = static_cast<std::int64_t>(dataset.train.labels.size());
  return dataset;
}

std::vector<int> labels_per_class(const Split& split, const Dataset& dataset) {
  std::vector<int> counts(3);
  for (const std::int32_t index : split.labeled) {
    ++counts[static_cast<std::size_t>(dataset.train.labels[static_cast<std::size_t>(index)])];
  }
  return counts;
}

}  // namespace

TEST_CASE("split: balanced, ascending, by seed") {
  const Dataset dataset = small_dataset();
  const Split split = make_split(dataset, 12, 5);
  CHECK(split.dataset == "small");
  CHECK(split.seed == 5);
  CHECK(split.train_hash == content_hash(dataset.train));
  CHECK(labels_per_class(split, dataset) == std::vector<int>{4, 4, 4});
  CHECK(std::is_sorted(split.labeled.begin(), split.labeled.end()));
  CHECK(std::adjacent_find(split.labeled.begin(), split.labeled.end()) == split.labeled.end());
  CHECK(make_split(dataset, 12, 5).labeled == split.labeled);
  CHECK(make_split(dataset, 12, 6).labeled != split.labeled);
  // The labels of a smaller split are among those of a larger one.
  const Split larger = make_split(dataset, 30, 5);
  CHECK(std::includes(larger.labeled.begin(), larger.labeled.end(), split.labeled.begin(),
                      split.labeled.end()));
  CHECK(make_split(dataset, std::nullopt, 5).labeled.size() == 63);
  CHECK(make_split(dataset, 60, 5).labeled.size() == 60);
}

TEST_CASE("split: every image of a class is as likely as any other") {
  const Dataset dataset = small_dataset();
  std::vector<int> drawn(63);
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    for (const std::int32_t i : make_split(dataset, 3, seed).labeled)
      ++drawn[static_cast<std::size_t>(i)];
  }
  // 2000 draws from 20 to 22 images: 91 to 100 each, standard deviation below 10.
  for (const int count : drawn) {
    CHECK(count > 45);
    CHECK(count < 150);
  }
}

TEST_CASE("split: too many labels, or not the same number for each class") {
  const Dataset dataset = small_dataset();
  CHECK(contains(user_error_of([&] { (void)make_split(dataset, 10, 1); }),
                 "10 labels for small, expected a multiple of its 3 classes"));
  CHECK(contains(user_error_of([&] { (void)make_split(dataset, 63, 1); }),
                 "63 labels for small are 21 of each class, but class a has 20 images"));
  CHECK(contains(user_error_of([&] { (void)make_split(dataset, 0, 1); }), "0 labels"));
}

TEST_CASE("split: the word for the number of labels") {
  CHECK(!parse_label_count("all"));
  CHECK(parse_label_count("250") == 250);
  for (const char* word : {"", "0", "-5", "12x", "ALL", "1.5", "99999999999999999999"}) {
    CHECK(contains(user_error_of([&] { (void)parse_label_count(word); }),
                   "expected a whole number above 0 or 'all'"));
  }
}

TEST_CASE("split: with and without the labelled images") {
  const Dataset dataset = small_dataset();
  const Split split = make_split(dataset, 12, 5);
  CHECK(unlabeled_indices(split, dataset).size() == 63);
  const auto rest = unlabeled_indices(split, dataset, false);
  CHECK(rest.size() == 51);
  for (const std::int32_t index : rest) {
    CHECK(!std::binary_search(split.labeled.begin(), split.labeled.end(), index));
  }
}

TEST_CASE("split: files") {
  const TempFolder dir;
  const Dataset dataset = small_dataset();
  const Split split = make_split(dataset, 12, ~std::uint64_t{0});
  const auto path = dir.path() / "split.json";
  save_split(path, split);
  const Split back = load_split(path, dataset);
  CHECK(back.dataset == split.dataset);
  CHECK(back.train_hash == split.train_hash);
  CHECK(back.seed == split.seed);
  CHECK(back.labeled == split.labeled);

  const Dataset other = small_dataset(1);
  const std::string message = user_error_of([&] { (void)load_split(path, other); });
  CHECK(contains(message, content_hash(dataset.train)));
  CHECK(contains(message, content_hash(other.train)));

  const auto error = [&] { return user_error_of([&] { (void)load_split(path, dataset); }); };
  const std::string head = R"({"format":"scimix-split-1","dataset":"small","train_hash":")" +
                           content_hash(dataset.train) + R"(","seed":1,"labeled":)";
  const auto with = [&](const std::string& labeled) {
    test::write_text(path, head + labeled + "}");
    return error();
  };
  CHECK(contains(with("[1,63]"), "index 63 after 1, expected ascending below 63"));
  CHECK(contains(with("[5,5]"), "index 5 after 5"));
  CHECK(contains(with("[-1]"), "index -1 after -1"));
  CHECK(contains(with("[]"), "names no images"));
  CHECK(contains(with("\"x\""), "not a split file"));
  CHECK(contains(with("[\"x\"]"), "not a split file"));
  CHECK(contains(with("[1,"), "not a split file"));
  test::write_text(path, R"({"format":"scimix-split-9"})");
  CHECK(contains(error(), "format scimix-split-9, expected scimix-split-1"));
  test::write_text(path, "{}");
  CHECK(contains(error(), "not a split file"));
  std::filesystem::remove(path);
  CHECK(contains(error(), "split.json: no such file"));
}

}  // namespace scimix

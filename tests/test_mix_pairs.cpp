// Which images meet in scimix_mix, and under which labels.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/test_data_support.hpp"
#include "tools/mix/mix_images.hpp"
#include "tools/mix/mix_pairs.hpp"

namespace scimix {
namespace {

using test::contains;
using test::user_error_of;
using Indices = std::vector<std::int32_t>;

std::string error_of(Pairing pairing, const PairLists& lists, std::int64_t count = 0) {
  return user_error_of([&] { (void)pair_images(pairing, lists, count, 0); });
}

}  // namespace

TEST_CASE("pairs at random: contents in turn, scenes equally often") {
  const Pairs pairs = pair_images(Pairing::random, {.contents = 7, .scenes = 5}, 30, 3);
  REQUIRE(pairs.content.size() == 30);
  REQUIRE(pairs.scene.size() == 30);
  for (std::int32_t i = 0; i < 30; ++i) CHECK(pairs.content[static_cast<std::size_t>(i)] == i % 7);
  for (std::int32_t scene = 0; scene < 5; ++scene) {
    CHECK(std::ranges::count(pairs.scene, scene) == 6);
  }
  const auto again = pair_images(Pairing::random, {.contents = 7, .scenes = 5}, 30, 3);
  CHECK(again.scene == pairs.scene);
  const auto other = pair_images(Pairing::random, {.contents = 7, .scenes = 5}, 30, 4);
  CHECK(other.scene != pairs.scene);
  // A longer list of pairs begins with the shorter one.
  const auto few = pair_images(Pairing::random, {.contents = 7, .scenes = 5}, 12, 3);
  CHECK(std::equal(few.scene.begin(), few.scene.end(), pairs.scene.begin()));
  CHECK(pair_images(Pairing::random, {.contents = 7, .scenes = 5}, 0, 3).content.size() == 7);
}

TEST_CASE("pairs at random: no image meets itself") {
  for (const std::int64_t images : {2, 3, 4, 11}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const Pairs pairs = pair_images(
          Pairing::random, {.contents = images, .scenes = images, .same = true}, 5 * images, seed);
      for (std::size_t i = 0; i < pairs.content.size(); ++i) {
        CHECK(pairs.content[i] != pairs.scene[i]);
        CHECK(pairs.scene[i] >= 0);
        CHECK(pairs.scene[i] < images);
      }
    }
  }
}

TEST_CASE("pairs in order, and all pairs") {
  const Pairs order = pair_images(Pairing::in_order, {.contents = 2, .scenes = 5}, 0, 0);
  CHECK(order.content == Indices{0, 1, 0, 1, 0});
  CHECK(order.scene == Indices{0, 1, 2, 3, 4});
  CHECK(pair_images(Pairing::in_order, {.contents = 2, .scenes = 5}, 3, 0).scene ==
        Indices{0, 1, 2});
  const Pairs all = pair_images(Pairing::all, {.contents = 2, .scenes = 3}, 0, 0);
  CHECK(all.content == Indices{0, 0, 0, 1, 1, 1});
  CHECK(all.scene == Indices{0, 1, 2, 0, 1, 2});
}

TEST_CASE("pairs that cannot be") {
  CHECK(contains(error_of(Pairing::all, {.contents = 0, .scenes = 3}), "0 contents and 3 scenes"));
  CHECK(contains(error_of(Pairing::all, {.contents = 2, .scenes = 3}, 7), "there are 6 pairs"));
  CHECK(contains(error_of(Pairing::random, {.contents = 2, .scenes = 3}, -1), "--count -1"));
  CHECK(contains(error_of(Pairing::random, {.contents = 1, .scenes = 1, .same = true}),
                 "one image alone"));
  CHECK(contains(error_of(Pairing::all, {.contents = 10000, .scenes = 10000}),
                 "100000000 pairs, expected at most 10000000"));
  CHECK(parse_pairing("in-order") == Pairing::in_order);
  CHECK(contains(user_error_of([] { (void)parse_pairing("rnadom"); }), "did you mean random?"));
}

TEST_CASE("labels of a source follow the generator's class names") {
  ImageSource source;
  source.class_names = {"auk", "wren"};
  source.images.labels = {1, 0, 1};
  CHECK(labels_for(source, {"wren", "owl", "auk"}) == Indices{0, 2, 0});
  CHECK(contains(user_error_of([&] {
                   (void)labels_for(source, {"wren", "owl"});
                 }),
                 "the generator has no class auk, expected one of wren, owl"));
  source.class_names.clear();
  source.images.labels = {kUnknownLabel, kUnknownLabel};
  CHECK(labels_for(source, {"wren"}) == Indices{kUnknownLabel, kUnknownLabel});
}

}  // namespace scimix

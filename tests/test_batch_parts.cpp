// The parts of a batch: which rows a rank holds, how they are numbered, and how parts are joined
// for a network and taken apart again.
#include <doctest/doctest.h>

#include <set>

#include "autograd/ops.hpp"
#include "core/error.hpp"
#include "silent_rank.hpp"
#include "trainers/batch_parts.hpp"

using namespace scimix;
using test::SilentRank;

namespace {

BatchLayout layout_of(const Comm& ranks) {
  BatchLayout layout(ranks);
  layout.add(Part::labeled, 6);
  layout.add(Part::weak, 12);
  return layout;
}

Variable rows(const std::vector<double>& values) {
  return Variable(Tensor::from(values, {std::ssize(values)}, DType::f64));
}

}  // namespace

TEST_CASE("every row of a batch belongs to one rank, and keeps its number for any count of ranks") {
  for (const int count : {1, 2, 3}) {
    CAPTURE(count);
    std::set<std::int64_t> labeled;
    std::set<std::int64_t> weak;
    // What gather_ranks would make of the numbers: rank by rank, the labelled rows before the
    // others.
    std::vector<std::int64_t> gathered;
    for (int rank = 0; rank < count; ++rank) {
      const SilentRank here(rank, count);
      const BatchLayout layout = layout_of(here);
      CHECK(layout.rows() == 18 / count);
      CHECK(layout.all_rows() == 18);
      for (std::int64_t i = 0; i < layout.rows(Part::labeled).count(); ++i) {
        labeled.insert(layout.number(Part::labeled) + i);
      }
      for (std::int64_t i = 0; i < layout.rows(Part::weak).count(); ++i) {
        weak.insert(layout.number(Part::weak) + i);
      }
      for (const std::int64_t number : layout.numbers(layout.rows())) gathered.push_back(number);
    }
    CHECK(labeled == std::set<std::int64_t>{0, 1, 2, 3, 4, 5});
    CHECK(*weak.begin() == 6);
    CHECK(*weak.rbegin() == 17);
    CHECK(weak.size() == 12);
    const SilentRank any(0, count);
    const BatchLayout layout = layout_of(any);
    for (std::size_t row = 0; row < gathered.size(); ++row) {
      CHECK(layout.gathered_row(gathered[row]) == static_cast<std::int64_t>(row));
    }
  }
}

TEST_CASE("a rank takes its share of one value per row") {
  const std::vector<int> values{10, 11, 12, 13, 14, 15};
  CHECK(RankRows(SilentRank(1, 3), 6).of(values) == std::vector<int>{12, 13});
  CHECK(RankRows(SilentRank(0, 1), 6).of(values) == values);
}

TEST_CASE("the first rows of a part are divided among the ranks separately") {
  const std::vector<int> values{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  CHECK(RankRows(SilentRank(0, 2), 10, 4).of(values) == std::vector<int>{0, 1, 4, 5, 6});
  CHECK(RankRows(SilentRank(1, 2), 10, 4).of(values) == std::vector<int>{2, 3, 7, 8, 9});
  CHECK(RankRows(SilentRank(0, 1), 10, 4).of(values) == values);
  CHECK(RankRows(SilentRank(1, 2), 10, 10).of(values) == std::vector<int>{5, 6, 7, 8, 9});
  CHECK_THROWS_AS(static_cast<void>(RankRows(SilentRank(1, 2), 10, 4).first()), Error);

  const SilentRank second(1, 2);
  BatchLayout layout(second);
  layout.add(Part::labeled, 4);
  layout.add(Part::weak, 10, 4);
  layout.add(Part::strong, 10, 4);
  CHECK(layout.rows() == 12);
  CHECK(layout.numbers(layout.rows()) ==
        std::vector<std::int64_t>{2, 3, 6, 7, 11, 12, 13, 16, 17, 21, 22, 23});
  const auto [ahead, rest] = layout.blocks(Part::strong);
  CHECK(ahead.first == 16);
  CHECK(ahead.count == 2);
  CHECK(rest.first == 21);
  CHECK(rest.count == 3);
}

TEST_CASE("parts are found in a tensor that holds all of them") {
  const SilentRank second(1, 2);
  const BatchLayout layout = layout_of(second);
  const Tensor batch = rows({0, 1, 2, 3, 4, 5, 6, 7, 8}).value();
  CHECK(layout.of(batch, Part::labeled).to_doubles() == std::vector<double>{0, 1, 2});
  CHECK(layout.of(batch, Part::weak).to_doubles() == std::vector<double>{3, 4, 5, 6, 7, 8});
  CHECK_THROWS_WITH_AS(static_cast<void>(layout.of(batch, Part::strong)),
                       doctest::Contains("a batch without part"), Error);
}

TEST_CASE("a network's result for joined parts is taken apart by their names") {
  const NamedParts parts{
      {Part::labeled, rows({1, 2})}, {Part::weak, rows({3, 4, 5})}, {Part::strong, rows({6})}};
  const Variable result = scale(parts.joined(), 10);
  CHECK(parts.sizes() == std::vector<std::int64_t>{2, 3, 1});
  CHECK(parts.of(result, Part::weak).value().to_doubles() == std::vector<double>{30, 40, 50});
  CHECK(parts.of(result, Part::strong).value().to_doubles() == std::vector<double>{60});
  CHECK(parts.through(result, Part::weak).value().to_doubles() ==
        std::vector<double>{10, 20, 30, 40, 50});
  CHECK(parts.through(Part::weak).joined().value().to_doubles() ==
        std::vector<double>{1, 2, 3, 4, 5});
  CHECK(parts[Part::strong].value().to_doubles() == std::vector<double>{6});
  CHECK(parts.has(Part::weak));
  CHECK_FALSE(parts.has(Part::hybrid));
  CHECK_THROWS_AS(static_cast<void>(parts[Part::hybrid]), Error);
}

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "data/sampler.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using Indices = std::vector<std::int32_t>;

// The first `count` indices that a sampler deals out in batches.
Indices deal(Sampler& sampler, std::int64_t count, std::int64_t batch) {
  Indices all;
  for (std::int64_t step = 0; static_cast<std::int64_t>(all.size()) < count; ++step) {
    const Indices part = sampler.indices(step, batch);
    CHECK(static_cast<std::int64_t>(part.size()) == batch);
    all.insert(all.end(), part.begin(), part.end());
  }
  all.resize(static_cast<std::size_t>(count));
  return all;
}

Indices sorted(Indices values) {
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace

TEST_CASE("sampler: every epoch is a permutation, each its own") {
  Indices numbers(103);
  std::iota(numbers.begin(), numbers.end(), 0);
  for (const std::int64_t batch : {1, 7, 64, 103, 250}) {
    CAPTURE(batch);
    Sampler sampler(103, 9, 0);
    const Indices all = deal(sampler, 4 * 103, batch);
    std::vector<Indices> epochs;
    for (int e = 0; e < 4; ++e)
      epochs.emplace_back(all.begin() + e * 103, all.begin() + (e + 1) * 103);
    for (int e = 0; e < 4; ++e) {
      CHECK(sorted(epochs[static_cast<std::size_t>(e)]) == numbers);
      CHECK(epochs[static_cast<std::size_t>(e)] != numbers);
      if (e > 0) CHECK(epochs[static_cast<std::size_t>(e)] != epochs[0]);
    }
  }
}

TEST_CASE("sampler: a step's batch depends on the step alone") {
  Sampler straight(1000, 4, 1);
  for (int step = 0; step < 40; ++step) (void)straight.indices(step, 64);
  const Indices expected = straight.indices(40, 64);
  Sampler resumed(1000, 4, 1);
  CHECK(resumed.indices(40, 64) == expected);
  (void)straight.indices(3, 64);  // back, and on again
  CHECK(straight.indices(40, 64) == expected);
  Sampler other_seed(1000, 5, 1);
  CHECK(other_seed.indices(40, 64) != expected);
  Sampler other_stream(1000, 4, 2);
  CHECK(other_stream.indices(40, 64) != expected);
}

TEST_CASE("sampler: the batches of a large batch size tile those of a small one") {
  Sampler a(50, 1, 0);
  Sampler b(50, 1, 0);
  CHECK(deal(a, 480, 48) == deal(b, 480, 16));
}

TEST_CASE("sampler: a set smaller than the batch goes round") {
  Sampler sampler(Indices{40, 10, 30}, 2, 0);
  CHECK(sampler.size() == 3);
  const Indices batch = sampler.indices(0, 8);
  CHECK(sorted(Indices(batch.begin(), batch.begin() + 3)) == Indices{10, 30, 40});
  CHECK(sorted(Indices(batch.begin() + 3, batch.begin() + 6)) == Indices{10, 30, 40});
  CHECK(sampler.epochs(3, 8) == doctest::Approx(8));
  Sampler one(1, 2, 0);
  CHECK(one.indices(5, 3) == Indices{0, 0, 0});
  CHECK(sampler.indices(1, 0).empty());
  CHECK(test::contains(test::user_error_of([] { (void)Sampler(Indices{}, 1, 0); }), "no images"));
}

TEST_CASE("sampler: all orders are equally likely") {
  Sampler sampler(4, 77, 0);
  std::map<Indices, int> seen;
  for (int epoch = 0; epoch < 2400; ++epoch) ++seen[sampler.indices(epoch, 4)];
  CHECK(seen.size() == 24);
  double chi2 = 0;
  for (const auto& [order, count] : seen) chi2 += (count - 100.0) * (count - 100.0) / 100.0;
  CHECK(chi2 < 58);  // 23 degrees of freedom: mean 23, 1 in 10,000 above 58
}

}  // namespace scimix

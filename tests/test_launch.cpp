// for_each and for_each_block on the CPU. On a GPU the operators are their test.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "core/dtype.hpp"
#include "kernels/launch/launch.hpp"
#include "kernels/launch/pack.hpp"

using namespace scimix;

namespace {

// The items of one phase, in the order in which they ran.
std::vector<std::int64_t> order_of_each(std::int64_t n) {
  std::vector<std::int64_t> order;
  cpu::for_each_block(
      1, 0, [&](cpu::Block& b) { b.each(n, [&](std::int64_t i) { order.push_back(i); }); });
  return order;
}

std::vector<std::int64_t> ascending(std::int64_t n) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("launch");

TEST_CASE("for_each: every item once, for few and for many items") {
  for (const std::int64_t n : {0, 1, 2, 3, 17, 1000, (1 << 14) - 1, (1 << 14) + 1, 100'003}) {
    for (const bool shuffled : {false, true}) {
      CAPTURE(n);
      CAPTURE(shuffled);
      const auto shuffle = shuffled ? std::make_unique<ShufflePhases>() : nullptr;
      std::vector<int> visits(static_cast<std::size_t>(n));
      cpu::for_each(n, [&](std::int64_t i) { ++visits[static_cast<std::size_t>(i)]; });
      CHECK(std::count(visits.begin(), visits.end(), 1) == n);
    }
  }
}

TEST_CASE("for_each_block: every block once, each with its own scratch") {
  constexpr std::int64_t kBlocks = 57;
  std::vector<std::int64_t> sums(kBlocks);
  cpu::for_each_block(kBlocks, 64 * 1024, [&](cpu::Block& b) {
    auto* bytes = b.scratch<std::uint8_t>(3);
    auto* numbers = b.scratch<std::int64_t>(100);
    const auto address = reinterpret_cast<std::uintptr_t>(numbers);
    if (address % 16 != 0) return;  // the sum then stays 0, and is found below
    b.each(3, [&](std::int64_t i) { bytes[i] = static_cast<std::uint8_t>(i); });
    b.each(100, [&](std::int64_t i) { numbers[i] = b.index() * i; });
    std::int64_t sum = 0;
    for (int i = 0; i < 100; ++i) sum += numbers[i];
    sums[static_cast<std::size_t>(b.index())] = sum + bytes[2] - 1;
  });
  for (std::int64_t i = 0; i < kBlocks; ++i) {
    CHECK(sums[static_cast<std::size_t>(i)] == 4950 * i + 1);
  }
  cpu::for_each_block(0, 0, [&](cpu::Block&) { FAIL("a block of none"); });
}

TEST_CASE("for_each_block: more scratch than a GPU has is refused") {
  CHECK_THROWS_WITH_AS(cpu::for_each_block(1, 64 * 1024 + 1, [](cpu::Block&) {}),
                       doctest::Contains("65537 bytes of scratch, at most 65536"), Error);
}

TEST_CASE("reduce: sums and maxima of any count") {
  for (const std::int64_t n : {0, 1, 15, 16, 17, 31, 32, 33, 1000}) {
    CAPTURE(n);
    std::vector<std::int64_t> order;
    double sum = -1;
    double max = 0;
    cpu::for_each_block(1, 0, [&](cpu::Block& b) {
      sum = b.sum<double>(n, [&](std::int64_t i) {
        order.push_back(i);
        return static_cast<double>(i + 1);
      });
      max = b.max<double>(n, -std::numeric_limits<double>::infinity(), [&](std::int64_t i) {
        return -static_cast<double>((i - 20) * (i - 20));
      });
    });
    CHECK(sum == static_cast<double>(n * (n + 1)) / 2);
    std::sort(order.begin(), order.end());
    CHECK(order == ascending(n));
    const double nearest = n > 20 ? 0 : static_cast<double>(21 - n) * static_cast<double>(21 - n);
    CHECK(max == (n == 0 ? -std::numeric_limits<double>::infinity() : -nearest));
  }
}

TEST_CASE("reduce: the same bits every time, and with shuffled phases") {
  std::vector<float> values(1000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1.0F / static_cast<float>(i + 1);
  const auto sum = [&] {
    float out = 0;
    cpu::for_each_block(1, 0, [&](cpu::Block& b) {
      out = b.sum<float>(1000, [&](std::int64_t i) { return values[static_cast<std::size_t>(i)]; });
    });
    return out;
  };
  const float once = sum();
  CHECK(sum() == once);
  const ShufflePhases shuffle;
  CHECK(sum() == once);
}

TEST_CASE("phases: ascending as a rule, another order while shuffled") {
  CHECK(order_of_each(100) == ascending(100));
  {
    const ShufflePhases shuffle;
    for (const std::int64_t n : {2, 3, 4, 5, 7, 8, 16, 97, 1000, 4096}) {
      CAPTURE(n);
      std::vector<std::int64_t> order = order_of_each(n);
      CHECK(order != ascending(n));
      // Nor is it plainly the other way round, wherever there is a third way worth the name.
      if (n > 3) CHECK_FALSE(std::is_sorted(order.begin(), order.end(), std::greater<>()));
      std::sort(order.begin(), order.end());
      CHECK(order == ascending(n));
    }
  }
  CHECK(order_of_each(100) == ascending(100));
}

TEST_CASE("pack: loads and stores what it says, at 16-byte steps") {
  alignas(16) float source[16];       // NOLINT
  alignas(16) float target[16] = {};  // NOLINT
  std::iota(source, source + 16, 1.0F);
  store<8>(target + 4, load<8>(source + 4));
  for (int i = 0; i < 16; ++i) CHECK(target[i] == (i >= 4 && i < 12 ? source[i] : 0.0F));

  alignas(16) bf16 narrow[8];  // NOLINT
  store<8>(narrow, load<8>(source));
  const Pack<float, 8> wide = load<8>(static_cast<const bf16*>(narrow));
  for (int i = 0; i < 8; ++i) CHECK(wide[i] == source[i]);
}

TEST_SUITE_END();

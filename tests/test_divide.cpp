// Quotients of indices against the processor's division.
#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "core/error.hpp"
#include "core/random.hpp"
#include "kernels/launch/divide.hpp"

using namespace scimix;

namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

// Powers of two and their neighbours, and numbers of all lengths.
std::vector<std::int64_t> numbers() {
  std::vector<std::int64_t> out{1, 2, 3, 5, 7, 10, kLargest, kLargest - 1};
  Random random(3, Purpose::test, 0, 0);
  for (int bits = 2; bits < 63; ++bits) {
    const std::int64_t power = std::int64_t{1} << bits;
    for (const std::int64_t n : {power - 1, power, power + 1}) out.push_back(n);
    const std::int64_t high = random.below(1U << 31);
    out.push_back(power + ((high << 32) + random.below(1U << 31)) % power);
  }
  return out;
}

}  // namespace

TEST_CASE("divide: the quotient of a divisor is that of the processor") {
  for (const std::int64_t d : numbers()) {
    const Divisor divisor(d);
    CHECK(divisor.value() == d);
    CHECK(divisor.quotient(0) == 0);
    bool same = true;
    for (const std::int64_t n : numbers()) {
      same = same && divisor.quotient(n) == n / d;
      // Where the quotient changes.
      const std::int64_t multiple = n / d * d;
      if (multiple > 0) same = same && divisor.quotient(multiple - 1) == (multiple - 1) / d;
      same = same && divisor.quotient(multiple) == multiple / d;
    }
    CAPTURE(d);
    CHECK(same);
  }
  CHECK(Divisor().quotient(kLargest) == kLargest);
  CHECK_THROWS_AS(static_cast<void>(Divisor(0)), Error);
}

TEST_CASE("divide: numbers of 32 bits") {
  CHECK(quotient32(0, 1) == 0);
  CHECK(quotient32(4'294'967'295, 1) == 4'294'967'295);
  CHECK(quotient32(4'294'967'295, 4'294'967'295) == 1);
  CHECK(quotient32(4'000'000'000, 7) == 4'000'000'000 / 7);
}

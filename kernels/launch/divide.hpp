// Quotients of indices. A GPU has no division instruction. A 64-bit division is a function call of
// about a hundred instructions, for which a kernel has to save registers.
#pragma once

#include <bit>
#include <cstdint>

#include "core/error.hpp"
#include "core/host_device.hpp"

namespace scimix {
inline namespace SCIMIX_CODE {

// Returns a / b for numbers in 0 .. 2^32-1.
SCIMIX_HD inline std::int64_t quotient32(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint32_t>(a) / static_cast<std::uint32_t>(b));
}

// Divides by a number that is known when the kernel starts, by a product and a shift. Source:
// Granlund and Montgomery, "Division by invariant integers using multiplication", PLDI 1994.
class Divisor {
 public:
  Divisor() = default;

  // Requires d >= 1.
  explicit Divisor(std::int64_t d) : divisor_(static_cast<std::uint64_t>(d)) {
    SCIMIX_CHECK(d >= 1, "division by ", d);
    shift_ = std::bit_width(divisor_ - 1);
    // 2^63 2^shift / d, rounded up. It is below 2^64, since 2^shift < 2 d. It is too large by less
    // than 1 in 2^63, so that the quotient of any number below 2^63 is right.
    const Wide power = Wide{1} << (63 + shift_);
    factor_ = static_cast<std::uint64_t>((power + divisor_ - 1) / divisor_);
  }

  [[nodiscard]] SCIMIX_HD std::int64_t value() const { return static_cast<std::int64_t>(divisor_); }

  // Returns n / d for n >= 0.
  [[nodiscard]] SCIMIX_HD std::int64_t quotient(std::int64_t n) const {
    return static_cast<std::int64_t>(upper_half(static_cast<std::uint64_t>(n) << 1, factor_) >>
                                     shift_);
  }

 private:
  __extension__ typedef unsigned __int128 Wide;

  // The shift of the product.
  [[nodiscard]] SCIMIX_HD static std::uint64_t upper_half(std::uint64_t a, std::uint64_t b) {
#if SCIMIX_ON_GPU
    return __umul64hi(a, b);
#else
    return static_cast<std::uint64_t>((Wide{a} * b) >> 64);
#endif
  }

  std::uint64_t divisor_ = 1;
  std::uint64_t factor_ = std::uint64_t{1} << 63;
  int shift_ = 0;
};

}  // namespace SCIMIX_CODE
}  // namespace scimix

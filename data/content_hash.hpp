// A hash that tells images and files apart. It does not guard against an attacker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace scimix {

// Consumes eight bytes at a time. Each step is a bijection of the state for a given word, so that a
// single changed word always changes the hash. The multiplier is that of MurmurHash's finaliser.
class ContentHash {
 public:
  explicit ContentHash(std::uint64_t start = 0x9E3779B97F4A7C15ULL) : state_(start) {}

  void add(std::uint64_t word) {
    state_ = (state_ ^ word) * 0xFF51AFD7ED558CCDULL;
    state_ ^= state_ >> 32;
  }

  void add(std::span<const std::uint8_t> bytes) {
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) add(little_endian(bytes.subspan(at, 8)));
    if (at < bytes.size()) add(little_endian(bytes.subspan(at)));
  }

  [[nodiscard]] std::uint64_t value() const { return state_; }

 private:
  static std::uint64_t little_endian(std::span<const std::uint8_t> bytes) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      word |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
    }
    return word;
  }

  std::uint64_t state_;
};

}  // namespace scimix

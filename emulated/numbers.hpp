// Element types of the vendor libraries, as numbers of the host.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace scimix::emulated {

inline float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// Rounds to nearest even; NaN stays NaN.
inline std::uint16_t to_bf16(float value) {
  const auto u = std::bit_cast<std::uint32_t>(value);
  if ((u & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>((u >> 16) | 0x40U);
  return static_cast<std::uint16_t>((u + 0x7FFFU + ((u >> 16) & 1U)) >> 16);
}

// Rounds to TF32, which keeps 10 bits behind the leading one.
inline float to_tf32(float value) {
  const auto u = std::bit_cast<std::uint32_t>(value);
  if ((u & 0x7F800000U) == 0x7F800000U) return value;
  return std::bit_cast<float>((u + 0x0FFFU + ((u >> 13) & 1U)) & ~0x1FFFU);
}

// Elements of f32 or bf16.
inline float read_element(const void* data, bool is_bf16, std::int64_t index) {
  if (!is_bf16) return static_cast<const float*>(data)[index];
  return from_bf16(static_cast<const std::uint16_t*>(data)[index]);
}
inline void write_element(void* data, bool is_bf16, std::int64_t index, float value) {
  if (!is_bf16) {
    static_cast<float*>(data)[index] = value;
  } else {
    static_cast<std::uint16_t*>(data)[index] = to_bf16(value);
  }
}

}  // namespace scimix::emulated

// Element types, and the dispatch from a run-time DType to a C++ type.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.hpp"
#include "core/host_device.hpp"

namespace scimix {

enum class DType : std::uint8_t { f64, f32, bf16, i32, u8 };

// bfloat16: the upper 16 bits of an f32. Converts to float for arithmetic. Conversion from float
// rounds to nearest even.
struct bf16 {
  std::uint16_t bits = 0;

  bf16() = default;
  // A NaN becomes a quiet NaN. Rounding its payload up could otherwise turn it into an infinity.
  SCIMIX_HD bf16(float value) {  // NOLINT(google-explicit-constructor): used as a number
    const auto u = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t rounded = (u + 0x7FFFU + ((u >> 16) & 1U)) >> 16;
    bits =
        static_cast<std::uint16_t>((u & 0x7FFFFFFFU) > 0x7F800000U ? (u >> 16) | 0x40U : rounded);
  }
  SCIMIX_HD operator float() const {  // NOLINT(google-explicit-constructor)
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};

// The type in which a kernel computes: f32 for bf16 storage, otherwise the storage type itself.
template <class T>
struct ComputeType {
  using type = T;
};
template <>
struct ComputeType<bf16> {
  using type = float;
};
template <class T>
using compute_t = typename ComputeType<T>::type;

// Returns the type in which values of `dtype` are computed, as compute_t does: f32 for bf16,
// otherwise `dtype` itself. Parameters, statistics and losses of bf16 activations have this type
// too.
[[nodiscard]] constexpr DType compute_type(DType dtype) {
  return dtype == DType::bf16 ? DType::f32 : dtype;
}

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<bf16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

[[nodiscard]] constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return 8;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::bf16:
      return 2;
    case DType::u8:
      return 1;
  }
  return 0;
}

[[nodiscard]] constexpr std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return "f64";
    case DType::f32:
      return "f32";
    case DType::bf16:
      return "bf16";
    case DType::i32:
      return "i32";
    case DType::u8:
      return "u8";
  }
  return "?";
}

[[nodiscard]] constexpr bool is_floating(DType dtype) {
  return dtype == DType::f64 || dtype == DType::f32 || dtype == DType::bf16;
}

template <class T>
struct TypeTag {
  using type = T;
};

// Calls f(TypeTag<T>{}) for a floating dtype. f64 exists only on the CPU, as the reference of the
// gradient checks; GPU code is compiled without it.
template <class F>
void dispatch_floating(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f(TypeTag<float>{});
    case DType::bf16:
      return f(TypeTag<bf16>{});
#if !SCIMIX_GPU_CODE
    case DType::f64:
      return f(TypeTag<double>{});
#endif
    default:
      SCIMIX_CHECK(false, "no floating kernel for ", name_of(dtype));
  }
}

// Calls f(TypeTag<T>{}) for the dtypes that parameters can have: f32, and f64 on the CPU.
template <class F>
void dispatch_parameter(DType dtype, F&& f) {
  if (dtype == DType::f32) return f(TypeTag<float>{});
#if !SCIMIX_GPU_CODE
  if (dtype == DType::f64) return f(TypeTag<double>{});
#endif
  SCIMIX_CHECK(false, "no kernel for parameters of ", name_of(dtype));
}

}  // namespace scimix

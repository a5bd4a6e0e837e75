// Lanes<T, N> holds N values of a compute type, one for each of N neighbouring channels, with + - *
// between lanes and with a scalar. On a CPU it is a compiler vector, which stays in SIMD registers
// (an array of that size would be on the stack). On a GPU it is what one thread loads in one
// 16-byte access.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "core/dtype.hpp"
#include "core/host_device.hpp"
#include "kernels/launch/pack.hpp"

namespace scimix {
inline namespace SCIMIX_CODE {

#if SCIMIX_GPU_CODE

// Unrolls a loop over rows, so that several loads are in flight at once. A CPU reorders loads
// itself, and its compiler does not know the pragma.
#ifdef __CUDA_ARCH__
#define SCIMIX_UNROLL_ROWS _Pragma("unroll 4")
#else
#define SCIMIX_UNROLL_ROWS
#endif

template <class T, int N>
struct Lanes {
  T lane[N];  // NOLINT: plain arrays run in device code

  SCIMIX_HD T& operator[](int i) { return lane[i]; }
  SCIMIX_HD const T& operator[](int i) const { return lane[i]; }

#define SCIMIX_LANES_OPERATOR(op)                                      \
  friend SCIMIX_HD Lanes operator op(const Lanes& a, const Lanes& b) { \
    Lanes out;                                                         \
    for (int i = 0; i < N; ++i) out[i] = a[i] op b[i];                 \
    return out;                                                        \
  }                                                                    \
  friend SCIMIX_HD Lanes operator op(const Lanes& a, T b) {            \
    Lanes out;                                                         \
    for (int i = 0; i < N; ++i) out[i] = a[i] op b;                    \
    return out;                                                        \
  }
  SCIMIX_LANES_OPERATOR(+)
  SCIMIX_LANES_OPERATOR(-)
  SCIMIX_LANES_OPERATOR(*)
#undef SCIMIX_LANES_OPERATOR
};

// Returns z > 0 ? a : b, lane by lane.
template <class T, int N>
SCIMIX_HD inline Lanes<T, N> where_positive(const Lanes<T, N>& z, const Lanes<T, N>& a,
                                            const Lanes<T, N>& b) {
  Lanes<T, N> out;
  for (int i = 0; i < N; ++i) out[i] = z[i] > T(0) ? a[i] : b[i];
  return out;
}

// Loads N elements from `source`, which must be aligned like a whole pack (see dispatch_lanes).
template <int N, class T>
SCIMIX_HD inline Lanes<compute_t<T>, N> load_lanes(const T* source) {
  const auto pack = load<N>(source);
  Lanes<compute_t<T>, N> out;
  for (int i = 0; i < N; ++i) out[i] = pack[i];
  return out;
}

template <int N, class T>
SCIMIX_HD inline void store_lanes(T* target, const Lanes<compute_t<T>, N>& values) {
  Pack<compute_t<T>, N> pack;
  for (int i = 0; i < N; ++i) pack[i] = values[i];
  store<N>(target, pack);
}

#else  // the same with compiler vectors

#define SCIMIX_UNROLL_ROWS

// Vectors larger than a register have no calling convention. These functions are all inlined.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace detail {
// The size of a vector register. Vectors twice as large are legal, but g++ 12 splits comparisons
// and selections of them into single elements, which made passes 4 to 10 times slower.
#if defined(__AVX512F__)
inline constexpr int kRegisterBytes = 64;
#elif defined(__AVX__)
inline constexpr int kRegisterBytes = 32;
#else
inline constexpr int kRegisterBytes = 16;
#endif

template <class T, int N>
struct VectorOf {
  typedef T type __attribute__((vector_size(sizeof(T) * N)));  // NOLINT: an attribute of a typedef
};
template <class T, int N>
using Vector = typename VectorOf<T, N>::type;

// Calls f(std::integral_constant<int, 0>) ... (count - 1): a loop that is always unrolled, so that
// arrays which it indexes stay in registers.
template <int kCount, class F>
[[gnu::always_inline]] inline void unrolled(F f) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, I>{}), ...);
  }
  (std::make_integer_sequence<int, kCount>{});
}
}  // namespace detail

template <class T, int N>
struct Lanes {
  static constexpr int kPart = std::min(N, detail::kRegisterBytes / static_cast<int>(sizeof(T)));
  static constexpr int kParts = N / kPart;
  detail::Vector<T, kPart> part[kParts];  // NOLINT: one or a few registers

#define SCIMIX_LANES_OPERATOR(op)                                                          \
  [[gnu::always_inline]] friend inline Lanes operator op(const Lanes& a, const Lanes& b) { \
    Lanes out;                                                                             \
    detail::unrolled<kParts>([&](auto i) { out.part[i] = a.part[i] op b.part[i]; });       \
    return out;                                                                            \
  }                                                                                        \
  [[gnu::always_inline]] friend inline Lanes operator op(const Lanes& a, T b) {            \
    Lanes out;                                                                             \
    detail::unrolled<kParts>([&](auto i) { out.part[i] = a.part[i] op b; });               \
    return out;                                                                            \
  }
  SCIMIX_LANES_OPERATOR(+)
  SCIMIX_LANES_OPERATOR(-)
  SCIMIX_LANES_OPERATOR(*)
#undef SCIMIX_LANES_OPERATOR
};

template <class T, int N>
[[gnu::always_inline]] inline Lanes<T, N> where_positive(const Lanes<T, N>& z, const Lanes<T, N>& a,
                                                         const Lanes<T, N>& b) {
  Lanes<T, N> out;
  detail::unrolled<Lanes<T, N>::kParts>([&](auto i) {
    out.part[i] = z.part[i] > detail::Vector<T, Lanes<T, N>::kPart>{} ? a.part[i] : b.part[i];
  });
  return out;
}

template <int N, class T>
[[gnu::always_inline]] inline Lanes<compute_t<T>, N> load_lanes(const T* source) {
  using L = Lanes<compute_t<T>, N>;
  L out;
  detail::unrolled<L::kParts>([&](auto i) {
    const T* from = source + i * L::kPart;
    if constexpr (std::is_same_v<T, bf16>) {
      detail::Vector<std::uint16_t, L::kPart> raw;
      std::memcpy(&raw, from, sizeof raw);
      using Bits = detail::Vector<std::uint32_t, L::kPart>;
      out.part[i] =
          std::bit_cast<detail::Vector<float, L::kPart>>(__builtin_convertvector(raw, Bits) << 16);
    } else {
      std::memcpy(&out.part[i], from, sizeof out.part[i]);
    }
  });
  return out;
}

template <int N, class T>
[[gnu::always_inline]] inline void store_lanes(T* target, const Lanes<compute_t<T>, N>& values) {
  using L = Lanes<compute_t<T>, N>;
  detail::unrolled<L::kParts>([&](auto i) {
    void* to = target + i * L::kPart;
    if constexpr (std::is_same_v<T, bf16>) {
      // Rounds as bf16's constructor does: to nearest even, and NaN stays a quiet NaN.
      const auto u = std::bit_cast<detail::Vector<std::uint32_t, L::kPart>>(values.part[i]);
      const auto rounded = (u + 0x7FFFU + ((u >> 16) & 1U)) >> 16;
      const auto half = (u & 0x7FFFFFFFU) > 0x7F800000U ? (u >> 16) | 0x40U : rounded;
      const auto raw = __builtin_convertvector(half, detail::Vector<std::uint16_t, L::kPart>);
      std::memcpy(to, &raw, sizeof raw);
    } else {
      std::memcpy(to, &values.part[i], sizeof values.part[i]);
    }
  });
}

#endif

// Returns the values rounded to T, as a reader of the stored values sees them.
template <class T, int N>
SCIMIX_HD inline Lanes<compute_t<T>, N> rounded_lanes(const Lanes<compute_t<T>, N>& values) {
  if constexpr (std::is_same_v<T, compute_t<T>>) {
    return values;
  } else {
    alignas(16) T stored[N];  // NOLINT: plain arrays run in device code
    store_lanes<N>(stored, values);
    return load_lanes<N>(stored);
  }
}

// The number of lanes as an argument: dispatch_lanes takes `[&]<int N>(LaneCount<N>) { ... }`.
template <int N>
using LaneCount = std::integral_constant<int, N>;

// Calls f(LaneCount<N>{}) with the widest N that divides `channels`, so that a row of channels
// consists of whole, aligned packs. `kWidest` limits N on a CPU, where f32 packs of up to 128
// channels let a thread read whole rows one after the other.
template <class T, int kWidest = 16, class F>
void dispatch_lanes(std::int64_t channels, F&& f) {
#if SCIMIX_GPU_CODE
  constexpr int kAccess = 16 / static_cast<int>(sizeof(T));
  if (channels % kAccess == 0) return f(LaneCount<kAccess>{});
#else
  if constexpr (std::is_same_v<T, float>) {
    if constexpr (kWidest >= 128) {
      if (channels % 128 == 0) return f(LaneCount<128>{});
      if (channels % 64 == 0) return f(LaneCount<64>{});
      if (channels % 32 == 0) return f(LaneCount<32>{});
    }
    if (channels % 16 == 0) return f(LaneCount<16>{});
  }
  if (channels % 8 == 0) return f(LaneCount<8>{});
#endif
  f(LaneCount<1>{});
}

}  // namespace SCIMIX_CODE
}  // namespace scimix

// Packs of a few neighbouring elements: one 16-byte access on a GPU for eight bf16 values, vector
// registers on a CPU. Arithmetic is in the compute type, lane by lane.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "core/dtype.hpp"
#include "core/host_device.hpp"

namespace scimix {
inline namespace SCIMIX_CODE {

template <class T, int N>
struct alignas(sizeof(T) * N <= 16 ? sizeof(T) * N : 16) RawPack {
  T lane[N];  // NOLINT: plain arrays run in device code
};

template <class T, int N>
struct Pack {
  T lane[N];  // NOLINT: plain arrays run in device code

  SCIMIX_HD T& operator[](int i) { return lane[i]; }
  SCIMIX_HD const T& operator[](int i) const { return lane[i]; }
};

// Reads N elements from `source`, which must be aligned to 16 bytes or to the pack, whichever is
// less.
template <int N, class T>
SCIMIX_HD inline Pack<compute_t<T>, N> load(const T* source) {
  const auto raw = *reinterpret_cast<const RawPack<T, N>*>(source);
  Pack<compute_t<T>, N> out;
  for (int i = 0; i < N; ++i) out[i] = static_cast<compute_t<T>>(raw.lane[i]);
  return out;
}

#if SCIMIX_GPU_CODE
namespace gpu_words {
// Two numbers as bf16 in one word, the first in its lower half.
SCIMIX_HD inline unsigned two_as_bf16(float first, float second) {
#ifdef __CUDA_ARCH__
  unsigned both = 0;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(second), "f"(first));
  return both;
#else
  return static_cast<unsigned>(bf16(first).bits) | static_cast<unsigned>(bf16(second).bits) << 16;
#endif
}

// Word i of a pack as it is stored.
template <class T, int N>
SCIMIX_HD inline unsigned word_of(const Pack<compute_t<T>, N>& values, int i) {
  if constexpr (sizeof(T) == 2) {
    return two_as_bf16(values[2 * i], values[2 * i + 1]);
  } else {
    return std::bit_cast<unsigned>(values[i]);
  }
}

// Stores four words with one instruction. nvcc takes a store of a struct, and
// of a uint4 too, apart into words where the target is in global memory
// (scripts/kernel_report.sh --sass shows it).
SCIMIX_HD inline void store_words(uint4* target, unsigned a, unsigned b, unsigned c, unsigned d) {
#ifdef __CUDA_ARCH__
  asm volatile("st.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(target), "r"(a), "r"(b), "r"(c), "r"(d)
               : "memory");
#else
  *target = make_uint4(a, b, c, d);
#endif
}
}  // namespace gpu_words
#endif

template <int N, class T>
SCIMIX_HD inline void store(T* target, const Pack<compute_t<T>, N>& values) {
#if SCIMIX_GPU_CODE
  // nvcc stores a struct number by number, but a uint4 with one instruction.
  constexpr int kBytes = static_cast<int>(sizeof(T)) * N;
  constexpr bool kWords =
      (std::is_same_v<T, float> || std::is_same_v<T, bf16>)&&(kBytes % 16 == 0 || kBytes == 8);
  if constexpr (kWords && kBytes == 8) {
    *reinterpret_cast<uint2*>(target) =
        make_uint2(gpu_words::word_of<T, N>(values, 0), gpu_words::word_of<T, N>(values, 1));
  } else if constexpr (kWords) {
    for (int i = 0; i < kBytes / 16; ++i) {
      gpu_words::store_words(
          reinterpret_cast<uint4*>(target) + i, gpu_words::word_of<T, N>(values, 4 * i),
          gpu_words::word_of<T, N>(values, 4 * i + 1), gpu_words::word_of<T, N>(values, 4 * i + 2),
          gpu_words::word_of<T, N>(values, 4 * i + 3));
    }
  } else
#endif
  {
    RawPack<T, N> raw;
    for (int i = 0; i < N; ++i) raw.lane[i] = static_cast<T>(values[i]);
    *reinterpret_cast<RawPack<T, N>*>(target) = raw;
  }
}

}  // namespace SCIMIX_CODE
}  // namespace scimix

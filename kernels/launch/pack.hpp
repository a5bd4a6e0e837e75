// A few neighbouring elements at once: one 16-byte access on a GPU for eight bf16 values, vector
// registers on a CPU. Arithmetic happens in the compute type, lane by lane.
#pragma once

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

// Reads N elements at `source`, which must be aligned to 16 bytes or to the pack, whichever is
// less.
template <int N, class T>
SCIMIX_HD inline Pack<compute_t<T>, N> load(const T* source) {
  const auto raw = *reinterpret_cast<const RawPack<T, N>*>(source);
  Pack<compute_t<T>, N> out;
  for (int i = 0; i < N; ++i) out[i] = static_cast<compute_t<T>>(raw.lane[i]);
  return out;
}

template <int N, class T>
SCIMIX_HD inline void store(T* target, const Pack<compute_t<T>, N>& values) {
  RawPack<T, N> raw;
  for (int i = 0; i < N; ++i) raw.lane[i] = static_cast<T>(values[i]);
  *reinterpret_cast<RawPack<T, N>*>(target) = raw;
}

// Calls f(std::integral_constant<int, width>) with the widest pack that divides `channels`.
// A row of channels then consists of whole packs, and every pack is aligned.
template <class F>
void dispatch_pack(std::int64_t channels, F&& f) {
  if (channels % 8 == 0) return f(std::integral_constant<int, 8>{});
  f(std::integral_constant<int, 1>{});
}

}  // namespace SCIMIX_CODE
}  // namespace scimix

// How the items of a phase walk over pixels times packs of N channels. On a GPU an item is one
// pack, so that neighbouring threads read neighbouring packs. On a CPU it is all packs of a pixel,
// so that values which only depend on the pixel are computed once.
#pragma once

#include <cstdint>

#include "core/host_device.hpp"

namespace scimix {
inline namespace SCIMIX_CODE {

// The packs of `pixel` at channels first, first + N, ... below end.
struct PixelWalk {
  std::int64_t pixel;
  std::int64_t first, end;
};

template <int N>
struct PixelPacks {
  std::int64_t pixels, channels;

  [[nodiscard]] SCIMIX_HD std::int64_t items() const {
#if SCIMIX_GPU_CODE
    return pixels * (channels / N);
#else
    return pixels;
#endif
  }
  [[nodiscard]] SCIMIX_HD PixelWalk walk(std::int64_t item) const {
#if SCIMIX_GPU_CODE
    // The number of items of a block is small, and a division of 32 bits is several times as fast.
    const auto packs = static_cast<std::uint32_t>(channels / N);
    const auto i = static_cast<std::uint32_t>(item);
    const std::int64_t first = static_cast<std::int64_t>(i % packs) * N;
    return {i / packs, first, first + N};
#else
    return {item, 0, channels};
#endif
  }
};

}  // namespace SCIMIX_CODE
}  // namespace scimix

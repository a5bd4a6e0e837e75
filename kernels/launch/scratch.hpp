// The memory that the items of a block share (kernels/launch/launch.hpp).
#pragma once

#include <cstddef>

namespace scimix {

// The largest scratch of a block in bytes, which every GPU from Volta on has.
inline constexpr std::size_t kMostScratchBytes = 64 * 1024;

}  // namespace scimix

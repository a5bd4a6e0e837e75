// Whether this build carries the CUDA backend. CMake defines SCIMIX_WITH_CUDA for the few sources
// that include this header. All others compile to the same objects with and without CUDA, so that a
// compiler cache serves them to every build.
#pragma once

namespace scimix {

inline constexpr bool kWithCuda = SCIMIX_WITH_CUDA != 0;

}  // namespace scimix

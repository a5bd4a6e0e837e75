// Says whether this build contains the CUDA backend. CMake defines SCIMIX_WITH_CUDA only for the
// few sources that include this header. All other sources compile to the same objects with and
// without CUDA, so that a compiler cache can serve all builds.
#pragma once

namespace scimix {

inline constexpr bool kWithCuda = SCIMIX_WITH_CUDA != 0;

}  // namespace scimix

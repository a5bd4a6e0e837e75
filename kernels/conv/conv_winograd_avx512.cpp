// Winograd's algorithm for processors with AVX512. kernels/CMakeLists.txt has the compiler's flags.
#include "kernels/conv/conv_winograd_kernels.hpp"

#if defined(__AVX512F__)
#include "kernels/conv/conv_winograd_code.hpp"
#endif

namespace scimix::cpu::winograd {

const WinogradKernels* avx512_kernels([[maybe_unused]] Stored stored) {
#if defined(__AVX512F__)
  return &kernels_of(stored);
#else
  return nullptr;
#endif
}

}  // namespace scimix::cpu::winograd

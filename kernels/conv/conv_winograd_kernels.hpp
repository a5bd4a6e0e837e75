// Winograd's algorithm for one width of vector registers. conv_winograd.cpp picks the width that
// the processor has. Only plain numbers and pointers pass between that file and the kernels
// (conv_winograd_code.hpp says why).
#pragma once

#include <cstdint>

namespace scimix::cpu::winograd {

inline constexpr int kOut = 4;  // side of a tile of outputs

// Returns how many tiles cover a row or column of outputs. (Static: each source has its own.)
static constexpr std::int64_t tiles_along(std::int64_t outputs) {
  return (outputs + kOut - 1) / kOut;
}

inline constexpr std::int64_t kMaxChannels = 2048;

enum class WinogradPass { fprop, dgrad, wgrad };

// The sizes of Conv2dGeometry, with a kernel of 3x3 and stride 1.
struct Problem {
  std::int64_t n, h, w, c;  // of x
  std::int64_t k;           // output channels
  std::int64_t p, q;        // height and width of y
  std::int64_t pad;
};

// Memory for intermediate values, of workspace_floats elements, and the number of threads.
struct Workspace {
  float* memory;
  int threads;
};

// The element types of the tensors of a convolution. Everything is computed in f32.
enum class Stored {
  f32,
  bf16,
  bf16_wide,  // all bf16, except that the weight gradient is f32
};

// x [n,h,w,c], w [k,3,3,c], y [n,p,q,k] and their gradients; c and k multiples of 16.
struct WinogradKernels {
  std::int64_t (*workspace_floats)(WinogradPass pass, const Problem& problem, int threads);
  void (*fprop)(const Problem& problem, const void* x, const void* w, void* y,
                const Workspace& workspace);
  void (*dgrad)(const Problem& problem, const void* gy, const void* w, void* gx,
                const Workspace& workspace);
  void (*wgrad)(const Problem& problem, const void* gy, const void* x, void* gw,
                const Workspace& workspace);
};

// Return nullptr in a build whose compiler does not know these processors.
[[nodiscard]] const WinogradKernels* avx2_kernels(Stored stored);
[[nodiscard]] const WinogradKernels* avx512_kernels(Stored stored);

}  // namespace scimix::cpu::winograd

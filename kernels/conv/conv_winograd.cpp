#include "kernels/conv/conv_winograd.hpp"

#include "core/allocator.hpp"
#include "core/error.hpp"
#include "core/threads.hpp"
#include "kernels/conv/conv_winograd_kernels.hpp"

namespace scimix::cpu::winograd {

namespace {

// Returns the implementation, or nullptr if this build or this processor has none.
const WinogradKernels* find(Width width, Stored stored = Stored::f32) {
#if defined(__x86_64__)
  if (width == Width::avx2) {
    const bool runs = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
    return runs ? avx2_kernels(stored) : nullptr;
  }
  if (width == Width::avx512) {
    // Those that kernels/CMakeLists.txt allows the compiler to use.
    const bool runs =
        __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
        __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0;
    return runs ? avx512_kernels(stored) : nullptr;
  }
#endif
  static_cast<void>(width);
  static_cast<void>(stored);
  return nullptr;
}

const WinogradKernels& kernels_of(Width width, Stored stored) {
  const WinogradKernels* const found = find(width, stored);
  SCIMIX_CHECK(found != nullptr,
               "Winograd's algorithm: this build or processor has no code for the requested width");
  return *found;
}

Problem problem_of(const Conv2dGeometry& g) {
  return {.n = g.n, .h = g.h, .w = g.w, .c = g.c, .k = g.k, .p = g.p, .q = g.q, .pad = g.pad};
}

// The workspace of one convolution.
class WorkspaceMemory {
 public:
  WorkspaceMemory(const WinogradKernels& kernels, WinogradPass pass, const Problem& problem)
      : threads_(thread_count()),
        memory_(allocate(kCpu, sizeof(float) * static_cast<std::size_t>(kernels.workspace_floats(
                                                   pass, problem, threads_)))) {}
  [[nodiscard]] Workspace workspace() const {
    return {.memory = reinterpret_cast<float*>(memory_.get()), .threads = threads_};
  }

 private:
  int threads_;
  Memory memory_;
};

// Calls the function `pass_function` of the implementation for `width`, which runs `pass`. It reads
// `a` and `b` and writes `out`.
void run(WinogradPass pass, decltype(WinogradKernels::fprop) WinogradKernels::*pass_function,
         const Tensor& a, const Tensor& b, const Output& out, const Conv2dGeometry& g,
         Width width) {
  const bool bf16 = a.dtype() == DType::bf16;
  const bool wide = bf16 && out.dtype() == DType::f32;
  const WinogradKernels& kernels =
      kernels_of(width, wide ? Stored::bf16_wide : (bf16 ? Stored::bf16 : Stored::f32));
  const Problem problem = problem_of(g);
  const WorkspaceMemory memory(kernels, pass, problem);
  (kernels.*pass_function)(problem, a.raw(), b.raw(), out.raw(), memory.workspace());
}

}  // namespace

bool has(Width width) {
  return find(width) != nullptr;
}

Width best_width() {
  static const Width best = has(Width::avx512) ? Width::avx512
                            : has(Width::avx2) ? Width::avx2
                                               : Width::none;
  return best;
}

bool suits(ConvKind kind, const Conv2dGeometry& g) {
  if (best_width() == Width::none) return false;
  if (g.r != 3 || g.s != 3 || g.stride != 1 || g.pad > 2) return false;
  const auto fits = [](std::int64_t channels) {
    return channels % 16 == 0 && channels >= 16 && channels <= kMaxChannels;
  };
  if (!fits(g.c) || !fits(g.k)) return false;
  // There must be enough tiles to be worth transforming the kernels.
  const std::int64_t tiles = g.n * tiles_along(g.p) * tiles_along(g.q);
  const std::int64_t threads = thread_count();
  if (tiles < 32 * threads) return false;
  // Every thread has its own transformed weight gradient: 36 values for each pair of channels.
  constexpr std::int64_t kMaxFloats = 32 << 20;
  return kind != ConvKind::wgrad || threads * 36 * (g.k * g.c + 16) <= kMaxFloats;
}

void conv_fprop(const Tensor& x, const Tensor& w, const Output& y, const Conv2dGeometry& g,
                Width width) {
  run(WinogradPass::fprop, &WinogradKernels::fprop, x, w, y, g, width);
}

void conv_dgrad(const Tensor& gy, const Tensor& w, const Output& gx, const Conv2dGeometry& g,
                Width width) {
  run(WinogradPass::dgrad, &WinogradKernels::dgrad, gy, w, gx, g, width);
}

void conv_wgrad(const Tensor& gy, const Tensor& x, const Output& gw, const Conv2dGeometry& g,
                Width width) {
  run(WinogradPass::wgrad, &WinogradKernels::wgrad, gy, x, gw, g, width);
}

}  // namespace scimix::cpu::winograd

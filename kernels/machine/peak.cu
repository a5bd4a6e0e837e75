#include <cstring>

#include "kernels/launch/launch.hpp"
#include "kernels/machine/peak.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// A GPU thread is one lane of a vector unit; a CPU's register is all of them.
#if SCIMIX_GPU_CODE
using Lanes = float;
#elif defined(__AVX512F__)
using Lanes = float __attribute__((vector_size(64)));
#elif defined(__AVX__)
using Lanes = float __attribute__((vector_size(32)));
#else
using Lanes = float __attribute__((vector_size(16)));
#endif
constexpr std::int64_t kLanes = sizeof(Lanes) / sizeof(float);

}  // namespace

void fused_multiply_adds(int rounds, const Output& out) {
  SCIMIX_CHECK(out.numel() % 16 == 0, "fused_multiply_adds: ", out.shape());
  float* to = out.data<float>();
  for_each(out.numel() / kLanes, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const Lanes m = Lanes{} + 0.9999F;
    const Lanes c = Lanes{} + static_cast<float>(i) * 1e-9F;
    // Twelve names instead of an array: each stays in a register of its own.
    Lanes a0 = c, a1 = c + 1, a2 = c + 2, a3 = c + 3, a4 = c + 4, a5 = c + 5;
    Lanes a6 = c + 6, a7 = c + 7, a8 = c + 8, a9 = c + 9, a10 = c + 10, a11 = c + 11;
    for (int r = 0; r < rounds; ++r) {
      a0 = a0 * m + c;
      a1 = a1 * m + c;
      a2 = a2 * m + c;
      a3 = a3 * m + c;
      a4 = a4 * m + c;
      a5 = a5 * m + c;
      a6 = a6 * m + c;
      a7 = a7 * m + c;
      a8 = a8 * m + c;
      a9 = a9 * m + c;
      a10 = a10 * m + c;
      a11 = a11 * m + c;
    }
    const Lanes sum = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;
    std::memcpy(to + i * kLanes, &sum, sizeof(sum));
  });
}

void stream_triad(const Tensor& a, const Tensor& b, const Output& out) {
  const float* pa = a.data<float>();
  const float* pb = b.data<float>();
  float* to = out.data<float>();
  for_each(out.numel(), [=] SCIMIX_KERNEL_FN(std::int64_t i) { to[i] = pa[i] + 0.5F * pb[i]; });
}

}  // namespace scimix::SCIMIX_BACKEND

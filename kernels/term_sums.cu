#include "kernels/launch.hpp"
#include "kernels/term_sums.hpp"

namespace scimix::SCIMIX_BACKEND {

void add_term(const Tensor& value, std::int64_t slot, const Tensor& step, const Tensor& sums,
              const Tensor& counts, const Tensor& first_bad) {
  SCIMIX_CHECK(value.numel() == 1 && step.numel() == 1 && slot >= 0 && slot < sums.numel() &&
                   counts.numel() == sums.numel() && first_bad.numel() == sums.numel(),
               "add_term: a value of ", value.shape(), " into slot ", slot, " of ", sums.shape(),
               ", ", counts.shape(), ", ", first_bad.shape());
  const float* term = value.data<float>();
  const std::int32_t* now = step.data<std::int32_t>();
  float* sum = sums.data<float>() + slot;
  float* count = counts.data<float>() + slot;
  std::int32_t* bad = first_bad.data<std::int32_t>() + slot;
  for_each(1, [=] SCIMIX_KERNEL_FN(std::int64_t) {
    sum[0] += term[0];
    count[0] += 1.0F;
    if (bad[0] < 0 && !std::isfinite(term[0])) bad[0] = now[0];
  });
}

}  // namespace scimix::SCIMIX_BACKEND

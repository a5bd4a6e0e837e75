#include "kernels/launch/launch.hpp"
#include "kernels/metrics/term_sums.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// TermValues as plain arrays.
struct Table {
  const float* values[TermValues::kMost];  // NOLINT: plain arrays run in device code
  std::int32_t slots[TermValues::kMost];   // NOLINT
};

}  // namespace

void add_terms(const Tensor& step, const TermValues& terms, const Output& sums,
               const Output& counts, const Output& first_bad) {
  Table table{};
  SCIMIX_CHECK(
      step.numel() == 1 && counts.numel() == sums.numel() && first_bad.numel() == sums.numel(),
      "add_terms: sums ", sums.shape(), ", counts ", counts.shape(), ", first bad steps ",
      first_bad.shape());
  for (int i = 0; i < terms.count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const Tensor& value = terms.values[at];
    const std::int32_t slot = terms.slots[at];
    SCIMIX_CHECK(value.numel() == 1 && slot >= 0 && slot < sums.numel(), "add_terms: a value of ",
                 value.shape(), " into slot ", slot, " of ", sums.shape());
    table.values[i] = value.data<float>();
    table.slots[i] = slot;
  }
  const std::int32_t* now = step.data<std::int32_t>();
  float* sum = sums.data<float>();
  float* count = counts.data<float>();
  std::int32_t* bad = first_bad.data<std::int32_t>();
  for_each(terms.count, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const float term = *table.values[i];
    const std::int32_t slot = table.slots[i];
    sum[slot] += term;
    count[slot] += 1.0F;
    if (bad[slot] < 0 && !std::isfinite(term)) bad[slot] = now[0];
  });
}

}  // namespace scimix::SCIMIX_BACKEND

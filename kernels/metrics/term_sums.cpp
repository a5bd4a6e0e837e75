#include "kernels/metrics/term_sums.hpp"

namespace scimix {

void TermValues::add(const Tensor& value, std::int64_t slot) {
  SCIMIX_CHECK(count < kMost, "add_terms: more than ", kMost, " terms at once");
  const auto at = static_cast<std::size_t>(count++);
  values[at] = value;
  slots[at] = static_cast<std::int32_t>(slot);
}

TermValues TermValues::borrowed() const {
  TermValues out = *this;
  for (Tensor& value : out.values) value = value.borrowed();
  return out;
}

}  // namespace scimix

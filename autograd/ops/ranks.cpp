// Rows that several ranks hold. The two operators are each other's adjoints.
#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/comm.hpp"

namespace scimix {

Variable gather_ranks(const Variable& x, Comm& ranks) {
  SCIMIX_CHECK(x.shape().rank() >= 1, "gather_ranks of a scalar");
  Tensor y = Tensor::empty(x.shape().with(0, x.dim(0) * ranks.size()), x.dtype(), x.device());
  ranks.all_gather(x.value(), y);
  return record("gather_ranks", y, {x},
                [&ranks](const Cotangents& g) { return std::vector{scatter_ranks(g[0], ranks)}; });
}

Variable scatter_ranks(const Variable& gy, Comm& ranks) {
  SCIMIX_CHECK(gy.shape().rank() >= 1 && gy.dim(0) % ranks.size() == 0,
               "scatter_ranks: ", gy.shape(), " on ", ranks.size(), " ranks");
  // The sum is made in f32: a sum over many ranks in bf16 would lose more than rounding the result.
  if (gy.dtype() == DType::bf16) {
    return cast(scatter_ranks(cast(gy, DType::f32), ranks), DType::bf16);
  }
  Tensor y = Tensor::empty(gy.shape().with(0, gy.dim(0) / ranks.size()), gy.dtype(), gy.device());
  ranks.reduce_scatter(gy.value(), y);
  return record("scatter_ranks", y, {gy},
                [&ranks](const Cotangents& g) { return std::vector{gather_ranks(g[0], ranks)}; });
}

}  // namespace scimix

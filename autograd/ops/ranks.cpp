// Rows that several ranks hold. The two operators are each other's adjoints.
#include "autograd/op.hpp"
#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/comm.hpp"

namespace scimix {

Variable gather_ranks(const Variable& x, Comm& ranks) {
  SCIMIX_CHECK(x.shape().rank() >= 1, "gather_ranks of a scalar");
  const Tensor y = Tensor::empty(x.shape().with(0, x.dim(0) * ranks.size()), x.dtype(), x.device());
  ranks.all_gather(x.value(), y);
  return record("gather_ranks", y, {x},
                [&ranks](const Cotangents& g) { return std::vector{scatter_ranks(g[0], ranks)}; });
}

Variable scatter_ranks(const Variable& gy, Comm& ranks) {
  SCIMIX_CHECK(gy.shape().rank() >= 1 && gy.dim(0) % ranks.size() == 0,
               "scatter_ranks: ", gy.shape(), " on ", ranks.size(), " ranks");
  // A sum over many ranks in bf16 would lose more than storing the result does.
  if (gy.dtype() == DType::bf16) {
    return cast(scatter_ranks(cast(gy, DType::f32), ranks), DType::bf16);
  }
  const Tensor y =
      Tensor::empty(gy.shape().with(0, gy.dim(0) / ranks.size()), gy.dtype(), gy.device());
  ranks.reduce_scatter(gy.value(), y);
  return record("scatter_ranks", y, {gy},
                [&ranks](const Cotangents& g) { return std::vector{gather_ranks(g[0], ranks)}; });
}

// ---- test cases ---------------------------------------------------------------------------------
// One rank alone; tests/test_ranks.cpp has several.

namespace {

OpCase ranks_case(const char* op, const Shape& shape,
                  Variable (*run)(const Variable& x, Comm& ranks)) {
  OpCase c;
  c.op = op;
  c.label = "one rank";
  c.inputs = {{.shape = shape}};
  c.run = [run](const Variables& in) { return Variables{run(in[0], local_comm())}; };
  c.definition = [](const HostArrays& in) { return HostArrays{in[0]}; };
  return c;
}

[[nodiscard]] OpCase bench_of(OpCase c) {
  c.label = "bench";
  c.inputs[0].shape = {64, 8, 8, 128};  // z_r of a batch
  c.test = false;
  c.bench = true;
  return c;
}

const OpCases registered{[] {
  const OpCase gather = ranks_case("gather_ranks", {3, 2, 5}, gather_ranks);
  const OpCase scatter = ranks_case("scatter_ranks", {4, 7}, scatter_ranks);
  return std::vector{gather, scatter, bench_of(gather), bench_of(scatter)};
}};

}  // namespace

}  // namespace scimix

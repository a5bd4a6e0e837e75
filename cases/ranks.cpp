// Cases of gather_ranks and scatter_ranks on one rank; tests/test_ranks.cpp has several.
#include <utility>

#include "autograd/ops.hpp"
#include "cases/op_case.hpp"
#include "core/comm.hpp"

namespace scimix {

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
  return timed(std::move(c));
}

const OpCases registered{[] {
  const OpCase gather = ranks_case("gather_ranks", {3, 2, 5}, gather_ranks);
  const OpCase scatter = ranks_case("scatter_ranks", {4, 7}, scatter_ranks);
  return std::vector{gather, scatter, bench_of(gather), bench_of(scatter)};
}};

}  // namespace

}  // namespace scimix

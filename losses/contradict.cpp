#include "losses/contradict.hpp"

#include "losses/masked_mean.hpp"
#include "losses/precision.hpp"

namespace scimix {

namespace {

void check(const Shape& hybrids, const HybridTargets& targets) {
  SCIMIX_CHECK(hybrids.rank() == 2 && targets.p_c.shape() == hybrids &&
                   targets.p_r.shape() == hybrids && targets.share.shape() == Shape{hybrids[0]},
               "contradict_loss: hybrids ", hybrids, ", p_c ", targets.p_c.shape(), ", p_r ",
               targets.p_r.shape(), ", share ", targets.share.shape());
}

// Returns share p_c + (1 - share) p_r, [N,C]. A share of 1 gives exactly p_c.
Variable mixed_prediction(const HybridTargets& targets, DType dtype) {
  const auto constant = [&](const Tensor& x) { return cast(Variable(x), dtype); };
  const Variable share = reshape(constant(targets.share), {targets.share.dim(0), 1});
  const Variable rest = add_scalar(scale(share, -1.0), 1.0);
  return add(mul(share, constant(targets.p_c)), mul(rest, constant(targets.p_r)));
}

}  // namespace

Variable contradict_loss(const Variable& hybrid_logits, const HybridTargets& targets) {
  check(hybrid_logits.shape(), targets);
  const Variable predicted = softmax(at_least_f32(hybrid_logits));
  const Variable target = mixed_prediction(targets, predicted.dtype());
  const Variable of_row = mean(square(sub(predicted, target)), {.axes = {1}});
  return masked_mean(of_row, targets.kept);
}

}  // namespace scimix

// Softmax over rows and the cross-entropies made of it. First derivatives are one kernel each. If
// they will be differentiated again, they are made of small operators instead.
#include "kernels/softmax/softmax.hpp"

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"

namespace scimix {

namespace {

Tensor like(const Tensor& x) {
  return Tensor::empty(x.shape(), x.dtype(), x.device());
}

void check_rows(const char* op, const Variable& x) {
  SCIMIX_CHECK(x.shape().rank() == 2, op, " of ", x.shape(), ", expected [N,C]");
}

Variable sum_over_classes(const Variable& x) {
  return sum(x, {.axes = {1}, .keep_dims = true});
}

}  // namespace

Variable softmax(const Variable& logits) {
  check_rows("softmax", logits);
  Tensor y = like(logits.value());
  softmax_forward(logits.value(), y);
  return record("softmax", y, {logits}, [logits, y](const Cotangents& g) {
    if (is_recording()) {
      const Variable p = softmax(logits);
      return std::vector{mul(p, sub(g[0], sum_over_classes(mul(g[0], p))))};
    }
    Tensor gx = like(y);
    softmax_backward(g[0].value(), y, gx);
    return std::vector{Variable(gx)};
  });
}

Variable log_softmax(const Variable& logits) {
  check_rows("log_softmax", logits);
  Tensor y = like(logits.value());
  log_softmax_forward(logits.value(), y);
  return record("log_softmax", y, {logits}, [logits, y](const Cotangents& g) {
    if (is_recording()) {
      return std::vector{sub(g[0], mul(softmax(logits), sum_over_classes(g[0])))};
    }
    Tensor gx = like(y);
    log_softmax_backward(g[0].value(), y, gx);
    return std::vector{Variable(gx)};
  });
}

namespace {

// The gradient of -sum_c target log softmax(logits), made of operators.
Variable cross_entropy_gradient(const Variable& g, const Variable& logits,
                                const Variable& targets) {
  const Variable p = softmax(cast(logits, g.dtype()));
  const Variable t = cast(targets, g.dtype());
  const Variable gx = mul(reshape(g, {g.dim(0), 1}), sub(mul(p, sum_over_classes(t)), t));
  return cast(gx, logits.dtype());
}

}  // namespace

Variable cross_entropy(const Variable& logits, const Tensor& labels) {
  check_rows("cross_entropy", logits);
  SCIMIX_CHECK(labels.dtype() == DType::i32 && labels.shape() == Shape{logits.dim(0)},
               "cross_entropy: labels ", labels.shape(), " ", name_of(labels.dtype()),
               " for logits ", logits.shape(), ", expected i32 [N]");
  const Tensor& x = logits.value();
  Tensor loss = Tensor::empty({x.dim(0)}, compute_type(x.dtype()), x.device());
  Tensor lse = like(loss);
  cross_entropy_forward(x, labels, loss, lse);
  return record("cross_entropy", loss, {logits}, [logits, labels, lse](const Cotangents& g) {
    Tensor gx = like(logits.value());
    if (is_recording()) {
      one_hot(labels, gx);
      return std::vector{cross_entropy_gradient(g[0], logits, Variable(gx))};
    }
    cross_entropy_backward(g[0].value(), logits.value(), labels, lse, gx);
    return std::vector{Variable(gx)};
  });
}

Variable cross_entropy_soft(const Variable& logits, const Variable& targets) {
  check_rows("cross_entropy_soft", logits);
  SCIMIX_CHECK(targets.shape() == logits.shape() && targets.dtype() == logits.dtype(),
               "cross_entropy_soft: targets ", targets.shape(), " ", name_of(targets.dtype()),
               " for logits ", logits.shape(), " ", name_of(logits.dtype()));
  const Tensor& x = logits.value();
  Tensor loss = Tensor::empty({x.dim(0)}, compute_type(x.dtype()), x.device());
  Tensor lse = like(loss);
  cross_entropy_soft_forward(x, targets.value(), loss, lse);
  return record("cross_entropy_soft", loss, {logits},
                [logits, t = targets.value(), lse](const Cotangents& g) {
                  if (is_recording()) {
                    return std::vector{cross_entropy_gradient(g[0], logits, Variable(t))};
                  }
                  Tensor gx = like(t);
                  cross_entropy_soft_backward(g[0].value(), logits.value(), t, lse, gx);
                  return std::vector{Variable(gx)};
                });
}

}  // namespace scimix

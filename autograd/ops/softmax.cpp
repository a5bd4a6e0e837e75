// Softmax over rows and the cross-entropies made of it. First derivatives are one kernel each;
// where they will be differentiated themselves they are made of small operators.
#include "kernels/softmax/softmax.hpp"

#include <algorithm>
#include <cmath>

#include "autograd/op.hpp"
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

// The dtype of losses.
DType wide(DType dtype) {
  return dtype == DType::bf16 ? DType::f32 : dtype;
}

Variable sum_over_classes(const Variable& x) {
  return sum(x, {.axes = {1}, .keep_dims = true});
}

}  // namespace

Variable softmax(const Variable& logits) {
  check_rows("softmax", logits);
  const Tensor y = like(logits.value());
  softmax_forward(logits.value(), y);
  return record("softmax", y, {logits}, [logits, y](const Cotangents& g) {
    if (is_recording()) {
      const Variable p = softmax(logits);
      return std::vector{mul(p, sub(g[0], sum_over_classes(mul(g[0], p))))};
    }
    const Tensor gx = like(y);
    softmax_backward(g[0].value(), y, gx);
    return std::vector{Variable(gx)};
  });
}

Variable log_softmax(const Variable& logits) {
  check_rows("log_softmax", logits);
  const Tensor y = like(logits.value());
  log_softmax_forward(logits.value(), y);
  return record("log_softmax", y, {logits}, [logits, y](const Cotangents& g) {
    if (is_recording()) {
      return std::vector{sub(g[0], mul(softmax(logits), sum_over_classes(g[0])))};
    }
    const Tensor gx = like(y);
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
  const Tensor loss = Tensor::empty({x.dim(0)}, wide(x.dtype()), x.device());
  const Tensor lse = like(loss);
  cross_entropy_forward(x, labels, loss, lse);
  return record("cross_entropy", loss, {logits}, [logits, labels, lse](const Cotangents& g) {
    const Tensor gx = like(logits.value());
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
  const Tensor loss = Tensor::empty({x.dim(0)}, wide(x.dtype()), x.device());
  const Tensor lse = like(loss);
  cross_entropy_soft_forward(x, targets.value(), loss, lse);
  return record("cross_entropy_soft", loss, {logits},
                [logits, t = targets.value(), lse](const Cotangents& g) {
                  if (is_recording()) {
                    return std::vector{cross_entropy_gradient(g[0], logits, Variable(t))};
                  }
                  const Tensor gx = like(t);
                  cross_entropy_soft_backward(g[0].value(), logits.value(), t, lse, gx);
                  return std::vector{Variable(gx)};
                });
}

// ---- test cases ---------------------------------------------------------------------------------

namespace {

// log softmax of each row, from its definition; test logits are too small to overflow exp in f64.
HostArray naive_log_softmax(const HostArray& x) {
  HostArray out(x.shape);
  const std::int64_t classes = x.shape[1];
  for (std::int64_t n = 0; n < x.shape[0]; ++n) {
    double sum = 0;
    for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(x[n * classes + c]);
    for (std::int64_t c = 0; c < classes; ++c) {
      out[n * classes + c] = x[n * classes + c] - std::log(sum);
    }
  }
  return out;
}

struct Example {
  const char* label;
  std::int64_t rows;
  std::int64_t classes;
  double range = 3.0;  // logits within +-range
};

const std::vector<Example>& examples() {
  static const std::vector<Example> list = {
      {"ten classes", 7, 10},
      {"a block per row", 5, 67},
      {"one class", 3, 1},
      {"one row", 1, 11},
      {"large logits", 3, 37, 100.0},  // exp overflows in f32
      {"large logits, an item per row", 3, 31, 100.0},
      {"zero rows", 0, 10},
  };
  return list;
}

using Build = std::function<OpCase(const Example&)>;

std::vector<OpCase> cases_of(const Build& build) {
  std::vector<OpCase> cases;
  for (const Example& e : examples()) {
    cases.push_back(build(e));
    cases.back().label = e.label;
  }
  for (const Example& e : {Example{"bench, 10 classes", 512, 10}, {"bench, 200", 1024, 200}}) {
    OpCase c = build(e);
    c.label = e.label;
    c.test = false;
    c.bench = true;
    c.flops = 5.0 * static_cast<double>(e.rows * e.classes);
    cases.push_back(c);
  }
  return cases;
}

OpInput logits_of(const Example& e) {
  return {.shape = {e.rows, e.classes}, .lo = -e.range, .hi = e.range};
}

OpCase softmax_case(const Example& e) {
  OpCase c;
  c.op = "softmax";
  c.inputs = {logits_of(e)};
  c.run = [](const Variables& in) { return Variables{softmax(in[0])}; };
  c.definition = [](const HostArrays& in) {
    HostArray out = naive_log_softmax(in[0]);
    for (double& value : out.values) value = std::exp(value);
    return HostArrays{out};
  };
  return c;
}

OpCase log_softmax_case(const Example& e) {
  OpCase c;
  c.op = "log_softmax";
  c.inputs = {logits_of(e)};
  c.run = [](const Variables& in) { return Variables{log_softmax(in[0])}; };
  c.definition = [](const HostArrays& in) { return HostArrays{naive_log_softmax(in[0])}; };
  return c;
}

OpCase cross_entropy_case(const Example& e) {
  OpCase c;
  c.op = "cross_entropy";
  OpInput labels{.shape = {e.rows}};
  labels.differentiable = false;
  labels.classes = static_cast<std::int32_t>(e.classes);
  c.inputs = {logits_of(e), labels};
  c.run = [](const Variables& in) { return Variables{cross_entropy(in[0], in[1].value())}; };
  c.definition = [](const HostArrays& in) {
    const HostArray log_p = naive_log_softmax(in[0]);
    HostArray out(in[1].shape);
    for (std::int64_t n = 0; n < out.shape[0]; ++n) {
      out[n] = -log_p[n * in[0].shape[1] + static_cast<std::int64_t>(in[1][n])];
    }
    return HostArrays{out};
  };
  return c;
}

OpCase cross_entropy_soft_case(const Example& e) {
  OpCase c;
  c.op = "cross_entropy_soft";
  OpInput targets{.shape = {e.rows, e.classes}, .lo = 0.0, .hi = 1.0};
  targets.differentiable = false;
  c.inputs = {logits_of(e), targets};
  c.run = [](const Variables& in) { return Variables{cross_entropy_soft(in[0], in[1])}; };
  c.definition = [](const HostArrays& in) {
    const HostArray log_p = naive_log_softmax(in[0]);
    HostArray out({in[0].shape[0]});
    for (std::int64_t i = 0; i < log_p.shape.numel(); ++i) {
      out[i / log_p.shape[1]] -= in[1][i] * log_p[i];
    }
    return HostArrays{out};
  };
  return c;
}

const OpCases registered{[] {
  std::vector<OpCase> all;
  for (const Build& build : {Build(softmax_case), Build(log_softmax_case),
                             Build(cross_entropy_case), Build(cross_entropy_soft_case)}) {
    for (OpCase& c : cases_of(build)) all.push_back(std::move(c));
  }
  return all;
}};

}  // namespace

}  // namespace scimix

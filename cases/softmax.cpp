// Cases of softmax, log_softmax and the cross-entropies.
#include <cmath>

#include "autograd/ops.hpp"
#include "cases/op_case.hpp"

namespace scimix {

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
      {"more classes than threads", 3, 300},
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
    c.flops = 5.0 * static_cast<double>(e.rows * e.classes);
    cases.push_back(timed(c));
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

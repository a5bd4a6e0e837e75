// Cases of the reductions, broadcast_to and sum_to.
#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "autograd/ops.hpp"
#include "cases/op_case.hpp"

namespace scimix {

namespace {

HostArray naive_sum(const HostArray& x, const Shape& kept) {
  HostArray out(kept);
  for (std::int64_t i = 0; i < x.shape.numel(); ++i) {
    out[broadcast_index(kept, x.shape, i)] += x[i];
  }
  return out;
}

HostArray naive_mean(const HostArray& x, const Shape& kept) {
  HostArray out = naive_sum(x, kept);
  const auto n = static_cast<double>(x.shape.numel() / std::max<std::int64_t>(1, kept.numel()));
  for (double& value : out.values) value /= n;
  return out;
}

HostArray naive_variance(const HostArray& x, const Shape& kept) {
  const HostArray centre = naive_mean(x, kept);
  HostArray squares = x;
  for (std::int64_t i = 0; i < x.shape.numel(); ++i) {
    squares[i] = std::pow(x[i] - centre[broadcast_index(kept, x.shape, i)], 2);
  }
  return naive_mean(squares, kept);
}

struct Example {
  const char* label;
  Shape shape;
  std::vector<int> axes;
  Shape kept;
  Shape reduced;
  bool gradient = true;
  double lo = -1.0;
};

const std::vector<Example>& examples() {
  static const std::vector<Example> list = {
      {"all", {3, 2, 4, 8}, {}, {1, 1, 1, 1}, {}},
      {"all, split over blocks", {3, 41, 101}, {}, {1, 1, 1}, {}},
      {"all, split unevenly", {127, 97}, {}, {1, 1}, {}},
      // A GPU splits it into 33 parts, so that the second pass adds up a long row, too. The values
      // have one sign, since rounding errors of so many terms are large beside a sum that cancels.
      // Central differences of so many inputs would take long, so gradients are not checked here.
      {"all, many parts", {137, 997}, {}, {1, 1}, {}, false, 0.0},
      {"N, H, W of NHWC", {3, 5, 7, 16}, {0, 1, 2}, {1, 1, 1, 16}, {16}},
      {"N, H, W, split over blocks", {11, 5, 7, 16}, {0, 1, 2}, {1, 1, 1, 16}, {16}},
      {"N, H, W, odd channels", {5, 7, 3, 3}, {0, 1, 2}, {1, 1, 1, 3}, {3}},
      {"H, W of NHWC", {3, 4, 5, 8}, {1, 2}, {3, 1, 1, 8}, {3, 8}},
      {"H, W, more channels than a block", {2, 3, 3, 144}, {-3, -2}, {2, 1, 1, 144}, {2, 144}},
      {"first axis, many columns", {3, 2064}, {0}, {1, 2064}, {2064}},
      {"first axis, many odd columns", {3, 517}, {0}, {1, 517}, {517}},
      // A GPU splits 24 rows into three parts of eight: their sums stay in f32 between the passes.
      {"first axis, many columns, split", {24, 2064}, {0}, {1, 2064}, {2064}, false},
      {"first axis, many odd columns, split", {24, 517}, {0}, {1, 517}, {517}, false},
      {"last axis", {5, 13}, {-1}, {5, 1}, {5}},
      {"last axis, long rows", {3, 67}, {1}, {3, 1}, {3}},
      {"first axis", {7, 13}, {0}, {1, 13}, {13}},
      {"two groups", {3, 4, 5, 8}, {0, 2}, {1, 4, 1, 8}, {4, 8}},
      {"two groups, the last axis", {3, 4, 31}, {0, 2}, {1, 4, 1}, {4}},
      {"three groups", {3, 2, 5, 2, 3}, {4, 0, 2}, {1, 2, 1, 2, 1}, {2, 2}},
      {"an axis of one", {5, 1, 3}, {1}, {5, 1, 3}, {5, 3}},
      {"one row", {1, 9}, {1}, {1, 1}, {1}},
      {"zero rows", {0, 9}, {1}, {0, 1}, {0}},
  };
  return list;
}

using Reduction = Variable (*)(const Variable&, const ReduceOptions&);

OpCase bench_case(const char* op, const char* label, Reduction run, const std::vector<int>& axes) {
  OpCase c;
  c.op = op;
  c.label = label;
  c.inputs = {{.shape = kBenchShape}};
  c.run = [=](const Variables& in) { return Variables{run(in[0], {.axes = axes})}; };
  c.flops = static_cast<double>(kBenchShape.numel());
  return timed(std::move(c));
}

std::vector<OpCase> reduction_cases() {
  struct Op {
    const char* op;
    Reduction run;
    HostArray (*definition)(const HostArray&, const Shape&);
  };
  const std::vector<Op> ops = {
      {"sum", sum, naive_sum}, {"mean", mean, naive_mean}, {"variance", variance, naive_variance}};
  std::vector<OpCase> cases;
  for (const Op& o : ops) {
    for (const Example& e : examples()) {
      OpCase c;
      c.op = o.op;
      c.label = e.label;
      c.inputs = {{.shape = e.shape, .lo = e.lo}};
      c.gradient = e.gradient;
      // Once with the reduced axes and once without: the numbers are the same.
      c.run = [run = o.run, axes = e.axes](const Variables& in) {
        return Variables{run(in[0], {.axes = axes, .keep_dims = true}), run(in[0], {.axes = axes})};
      };
      c.definition = [f = o.definition, kept = e.kept, reduced = e.reduced](const HostArrays& in) {
        HostArrays out = {f(in[0], kept), f(in[0], kept)};
        out[1].shape = reduced;
        return out;
      };
      // What cancels in a sum leaves the rounding of its terms, and bf16 inputs of a variance have
      // their mean rounded before the difference.
      c.tolerance.f32 = 1e-5;
      if (std::string_view(o.op) == "variance") c.tolerance.bf16 = 3e-2;
      cases.push_back(c);
    }
    cases.push_back(bench_case(o.op, "bench, all", o.run, {}));
    cases.push_back(bench_case(o.op, "bench, N, H, W", o.run, {0, 1, 2}));
    cases.push_back(bench_case(o.op, "bench, H, W", o.run, {1, 2}));
    cases.push_back(bench_case(o.op, "bench, last axis", o.run, {3}));
  }
  return cases;
}

// Whole packs of channels in a view that begins one element behind the start of a pack.
OpCase unaligned_case() {
  OpCase c;
  c.op = "sum";
  c.label = "an unaligned view";
  c.inputs = {{.shape = {17}}};
  c.run = [](const Variables& in) {
    return Variables{sum(reshape(slice_rows(in[0], 1, 17), {2, 8}), {.axes = {0}})};
  };
  c.definition = [](const HostArrays& in) {
    HostArray out({8});
    for (std::int64_t i = 0; i < 8; ++i) out[i] = in[0][1 + i] + in[0][9 + i];
    return HostArrays{out};
  };
  return c;
}

std::vector<OpCase> broadcast_cases() {
  struct Shapes {
    const char* label;
    Shape small;
    Shape large;
  };
  const std::vector<Shapes> shapes = {
      {"a row of channels", {16}, {3, 2, 5, 16}},
      {"an odd row of channels", {3}, {7, 3}},
      {"channels per sample", {3, 1, 1, 8}, {3, 2, 5, 8}},
      {"a value per row", {5, 1}, {5, 13}},
      {"a scalar", {}, {3, 7}},
      {"the same shape", {3, 7}, {3, 7}},
      {"new leading axes of one", {5}, {1, 1, 5}},
      {"two groups", {1, 3, 1, 5}, {2, 3, 4, 5}},
      {"one row", {1, 1}, {1, 7}},
      {"zero rows", {1, 4}, {0, 4}},
  };
  std::vector<OpCase> cases;
  for (const auto& [label, small, large] : shapes) {
    OpCase c;
    c.op = "broadcast_to";
    c.label = label;
    c.inputs = {{.shape = small}};
    c.run = [shape = large](const Variables& in) { return Variables{broadcast_to(in[0], shape)}; };
    c.definition = [from = small, to = large](const HostArrays& in) {
      HostArray out(to);
      for (std::int64_t i = 0; i < to.numel(); ++i) out[i] = in[0][broadcast_index(from, to, i)];
      return HostArrays{out};
    };
    cases.push_back(c);
    c.op = "sum_to";
    c.inputs = {{.shape = large}};
    c.run = [shape = small](const Variables& in) { return Variables{sum_to(in[0], shape)}; };
    c.definition = [to = small](const HostArrays& in) { return HostArrays{naive_sum(in[0], to)}; };
    c.tolerance.f32 = 1e-5;
    cases.push_back(c);
  }
  OpCase c;
  c.op = "broadcast_to";
  c.label = "bench";
  c.inputs = {{.shape = {32, 1, 1, 32}}};
  c.run = [](const Variables& in) { return Variables{broadcast_to(in[0], kBenchShape)}; };
  cases.push_back(timed(c));
  c.op = "sum_to";
  c.inputs = {{.shape = kBenchShape}};
  c.run = [](const Variables& in) { return Variables{sum_to(in[0], {32, 1, 1, 32})}; };
  cases.push_back(timed(c));
  return cases;
}

const OpCases registered{[] {
  std::vector<OpCase> all = reduction_cases();
  all.push_back(unaligned_case());
  const std::vector<OpCase> more = broadcast_cases();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}};

}  // namespace

}  // namespace scimix

// Sums over axes and their adjoint, broadcasting. sum_to and broadcast_to are each other's
// derivative; everything else here is made of them.
#include "kernels/reduce/reduce.hpp"

#include <algorithm>
#include <cmath>

#include "autograd/op.hpp"
#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "kernels/elementwise/elementwise.hpp"

namespace scimix {

namespace {

// The shape with 1 along the reduced axes.
Shape kept_shape(const char* op, const Shape& shape, const ReduceOptions& options) {
  std::array<std::int64_t, Shape::kMaxRank> dims{};
  for (int axis = 0; axis < shape.rank(); ++axis) {
    dims[static_cast<std::size_t>(axis)] = options.axes.empty() ? 1 : shape[axis];
  }
  std::array<bool, Shape::kMaxRank> seen{};
  for (const int given : options.axes) {
    const int axis = given < 0 ? given + shape.rank() : given;
    SCIMIX_CHECK(axis >= 0 && axis < shape.rank(), op, ": axis ", given, " of ", shape);
    const auto at = static_cast<std::size_t>(axis);
    SCIMIX_CHECK(!seen[at], op, ": axis ", given, " of ", shape, " is named twice");
    seen[at] = true;
    dims[at] = 1;
  }
  return Shape(std::span(dims.data(), static_cast<std::size_t>(shape.rank())));
}

Shape reduced_shape(const Shape& shape, const ReduceOptions& options) {
  std::vector<std::int64_t> dims;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const auto named = [&](int a) { return a == axis || a + shape.rank() == axis; };
    if (!options.axes.empty() && std::ranges::none_of(options.axes, named)) {
      dims.push_back(shape[axis]);
    }
  }
  return Shape(dims);
}

// Neighbouring axes that are all summed, or all kept.
struct Group {
  std::int64_t size;
  bool summed;
};
std::vector<Group> groups_of(const char* op, const Shape& from, const Shape& to) {
  const int missing = from.rank() - to.rank();
  SCIMIX_CHECK(missing >= 0, op, " of ", from, " to ", to);
  std::vector<Group> groups;
  for (int axis = 0; axis < from.rank(); ++axis) {
    const std::int64_t dim = axis < missing ? 1 : to[axis - missing];
    SCIMIX_CHECK(dim == from[axis] || dim == 1, op, " of ", from, " to ", to);
    if (from[axis] == 1) continue;
    const bool summed = dim != from[axis];
    if (!groups.empty() && groups.back().summed == summed) {
      groups.back().size *= from[axis];
    } else {
      groups.push_back({from[axis], summed});
    }
  }
  return groups;
}

Tensor sum_tensor(const char* op, const Tensor& x, const Shape& to, double factor) {
  SCIMIX_CHECK(is_floating(x.dtype()), op, " of ", name_of(x.dtype()));
  std::vector<Group> groups = groups_of(op, x.shape(), to);
  const auto size_of_run = [&](auto begin, auto end) {
    std::int64_t n = 1;
    for (auto it = begin; it != end; ++it) n *= it->size;
    return n;
  };
  const auto summed_before = [](const Group& a, const Group& b) {
    return (a.summed ? a.size : -1) < (b.summed ? b.size : -1);
  };
  // One pass per group, the largest first: what is left for the others is small. Sums between
  // passes stay in f32.
  Tensor from = x;
  auto passes = std::ranges::count_if(groups, &Group::summed);
  if (passes == 0) {
    if (factor == 1.0) return x.reshape(to);
    const Tensor y = Tensor::empty(to, x.dtype(), x.device());
    map_unary(Unary::scale, x.reshape(to), y, factor);
    return y;
  }
  for (; passes > 0; --passes) {
    const auto group = std::ranges::max_element(groups, summed_before);
    const std::int64_t outer = size_of_run(groups.begin(), group);
    const std::int64_t inner = size_of_run(group + 1, groups.end());
    const bool last = passes == 1;
    const DType wide = x.dtype() == DType::bf16 ? DType::f32 : x.dtype();
    const Tensor y = last ? Tensor::empty(to, x.dtype(), x.device())
                          : Tensor::empty({outer, inner}, wide, x.device());
    sum_middle(from.reshape({outer, group->size, inner}), y, last ? factor : 1.0);
    from = y;
    groups.erase(group);
  }
  return from;
}

// factor times the sum of x to a shape that broadcasts to its own.
Variable scaled_sum_to(const char* op, const Variable& x, const Shape& shape, double factor) {
  return record(op, sum_tensor(op, x.value(), shape, factor), {x},
                [from = x.shape(), factor](const Cotangents& g) {
                  const Variable scaled = factor == 1.0 ? g[0] : scale(g[0], factor);
                  return std::vector{broadcast_to(scaled, from)};
                });
}

}  // namespace

Variable sum_to(const Variable& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  return scaled_sum_to("sum_to", x, shape, 1.0);
}

Variable broadcast_to(const Variable& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  SCIMIX_CHECK(is_floating(x.dtype()), "broadcast_to of ", name_of(x.dtype()));
  const Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  map_binary(Binary::first, x.value(), x.value(), y, 0);
  return record("broadcast_to", y, {x}, [from = x.shape()](const Cotangents& g) {
    return std::vector{sum_to(g[0], from)};
  });
}

Variable sum(const Variable& x, const ReduceOptions& options) {
  const Variable kept = scaled_sum_to("sum", x, kept_shape("sum", x.shape(), options), 1.0);
  return options.keep_dims ? kept : reshape(kept, reduced_shape(x.shape(), options));
}

Variable mean(const Variable& x, const ReduceOptions& options) {
  const Shape shape = kept_shape("mean", x.shape(), options);
  // The mean of nothing is NaN, as everywhere.
  const double share = static_cast<double>(shape.numel()) / static_cast<double>(x.value().numel());
  const Variable kept = scaled_sum_to("mean", x, shape, share);
  return options.keep_dims ? kept : reshape(kept, reduced_shape(x.shape(), options));
}

// In two passes: the difference of two large sums would lose the digits that matter.
Variable variance(const Variable& x, const ReduceOptions& options) {
  const Variable centre = mean(x, {.axes = options.axes, .keep_dims = true});
  return mean(square(sub(x, centre)), options);
}

// ---- test cases ---------------------------------------------------------------------------------

namespace {

// The place in `small` onto which a place of `shape` falls, axes aligned at the end.
std::int64_t place_in(const Shape& small, const Shape& shape, std::int64_t place) {
  std::int64_t at = 0;
  std::int64_t step = 1;
  for (int axis = -1; axis >= -small.rank(); --axis) {
    if (small[axis] != 1) at += place % shape[axis] * step;
    place /= shape[axis];
    step *= small[axis];
  }
  return at;
}

HostArray naive_sum(const HostArray& x, const Shape& kept) {
  HostArray out(kept);
  for (std::int64_t i = 0; i < x.shape.numel(); ++i) {
    out[place_in(kept, x.shape, i)] += x[i];
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
    squares[i] = std::pow(x[i] - centre[place_in(kept, x.shape, i)], 2);
  }
  return naive_mean(squares, kept);
}

struct Example {
  const char* label;
  Shape shape;
  std::vector<int> axes;
  Shape kept;
  Shape reduced;
};

const std::vector<Example>& examples() {
  static const std::vector<Example> list = {
      {"all", {3, 2, 4, 8}, {}, {1, 1, 1, 1}, {}},
      {"all, split over blocks", {3, 41, 101}, {}, {1, 1, 1}, {}},
      {"N, H, W of NHWC", {3, 5, 7, 16}, {0, 1, 2}, {1, 1, 1, 16}, {16}},
      {"N, H, W, split over blocks", {11, 5, 7, 16}, {0, 1, 2}, {1, 1, 1, 16}, {16}},
      {"N, H, W, odd channels", {5, 7, 3, 3}, {0, 1, 2}, {1, 1, 1, 3}, {3}},
      {"H, W of NHWC", {3, 4, 5, 8}, {1, 2}, {3, 1, 1, 8}, {3, 8}},
      {"H, W, more channels than a block", {2, 3, 3, 144}, {-3, -2}, {2, 1, 1, 144}, {2, 144}},
      {"first axis, many columns", {3, 2064}, {0}, {1, 2064}, {2064}},
      {"last axis", {5, 13}, {-1}, {5, 1}, {5}},
      {"last axis, long rows", {3, 67}, {1}, {3, 1}, {3}},
      {"first axis", {7, 13}, {0}, {1, 13}, {13}},
      {"two groups", {3, 4, 5, 8}, {0, 2}, {1, 4, 1, 8}, {4, 8}},
      {"three groups", {3, 2, 5, 2, 3}, {4, 0, 2}, {1, 2, 1, 2, 1}, {2, 2}},
      {"an axis of one", {5, 1, 3}, {1}, {5, 1, 3}, {5, 3}},
      {"one row", {1, 9}, {1}, {1, 1}, {1}},
      {"zero rows", {0, 9}, {1}, {0, 1}, {0}},
  };
  return list;
}

using Reduction = Variable (*)(const Variable&, const ReduceOptions&);

const Shape kBenchShape = {32, 32, 32, 32};

OpCase bench_case(const char* op, const char* label, Reduction run, const std::vector<int>& axes) {
  OpCase c;
  c.op = op;
  c.label = label;
  c.inputs = {{.shape = kBenchShape}};
  c.run = [=](const Variables& in) { return Variables{run(in[0], {.axes = axes})}; };
  c.test = false;
  c.bench = true;
  c.flops = static_cast<double>(kBenchShape.numel());
  return c;
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
      c.inputs = {{.shape = e.shape}};
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
      for (std::int64_t i = 0; i < to.numel(); ++i) out[i] = in[0][place_in(from, to, i)];
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
  c.test = false;
  c.bench = true;
  cases.push_back(c);
  c.op = "sum_to";
  c.inputs = {{.shape = kBenchShape}};
  c.run = [](const Variables& in) { return Variables{sum_to(in[0], {32, 1, 1, 32})}; };
  cases.push_back(c);
  return cases;
}

const OpCases registered{[] {
  std::vector<OpCase> all = reduction_cases();
  const std::vector<OpCase> more = broadcast_cases();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}};

}  // namespace

}  // namespace scimix

// Reshapes, slices and copies of rows and channels. Slicing and embedding in zeros are each other's
// derivative, and so are gathering rows and adding them up where they came from.
#include <algorithm>
#include <numeric>

#include "autograd/op.hpp"
#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "kernels/rows/rows.hpp"

namespace scimix {

namespace {

// [rows, channels]: the last axis, and all before it in one.
Tensor as_rows(const Tensor& x) {
  return x.reshape({x.shape().with(-1, 1).numel(), x.dim(-1)});
}

void check_range(const char* op, const Shape& shape, int axis, std::int64_t begin,
                 std::int64_t end) {
  SCIMIX_CHECK(shape.rank() >= 1, op, " of a scalar");
  SCIMIX_CHECK(0 <= begin && begin <= end && end <= shape[axis], op, ": ", begin, " to ", end,
               " of ", shape);
}

// The shape of the parts side by side along `axis`; they agree in all else.
Shape concat_shape(const char* op, std::span<const Variable> parts, int axis) {
  SCIMIX_CHECK(!parts.empty(), op, " of nothing");
  const Variable& first = parts.front();
  SCIMIX_CHECK(first.shape().rank() >= 1, op, " of scalars");
  std::int64_t total = 0;
  for (const Variable& part : parts) {
    SCIMIX_CHECK(part.shape().rank() == first.shape().rank() && part.dtype() == first.dtype() &&
                     part.shape().with(axis, 0) == first.shape().with(axis, 0),
                 op, ": ", part.shape(), " ", name_of(part.dtype()), " beside ", first.shape(), " ",
                 name_of(first.dtype()));
    total += part.dim(axis);
  }
  return first.shape().with(axis, total);
}

// Where each part begins along `axis`, and, last, where the whole ends.
std::vector<std::int64_t> offsets_of(std::span<const Variable> parts, int axis) {
  std::vector<std::int64_t> offsets = {0};
  for (const Variable& part : parts) offsets.push_back(offsets.back() + part.dim(axis));
  return offsets;
}

using Slice = Variable (*)(const Variable&, std::int64_t, std::int64_t);

// The gradient of a concatenation is the same slice of the cotangent.
Vjp slices_of(Slice slice, std::vector<std::int64_t> offsets) {
  return [slice, offsets = std::move(offsets)](const Cotangents& g) {
    std::vector<Variable> gradients(offsets.size() - 1);
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
      if (g.wants(static_cast<int>(i))) gradients[i] = slice(g[0], offsets[i], offsets[i + 1]);
    }
    return gradients;
  };
}

void check_index(const char* op, const Tensor& index) {
  SCIMIX_CHECK(index.rank() == 1 && index.dtype() == DType::i32, op, ": an index of shape ",
               index.shape(), " ", name_of(index.dtype()), ", expected i32 [M]");
}

}  // namespace

Variable reshape(const Variable& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  SCIMIX_CHECK(x.value().numel() == shape.numel(), "reshape of ", x.shape(), " to ", shape);
  return record("reshape", x.value().reshape(shape), {x}, [from = x.shape()](const Cotangents& g) {
    return std::vector{reshape(g[0], from)};
  });
}

Variable slice_rows(const Variable& x, std::int64_t begin, std::int64_t end) {
  check_range("slice_rows", x.shape(), 0, begin, end);
  return record("slice_rows", x.value().rows(begin, end), {x},
                [begin, rows = x.dim(0)](const Cotangents& g) {
                  return std::vector{embed_rows(g[0], begin, rows)};
                });
}

Variable embed_rows(const Variable& x, std::int64_t begin, std::int64_t rows) {
  const std::int64_t end = begin + x.dim(0);
  const Tensor y = Tensor::empty(x.shape().with(0, rows), x.dtype(), x.device());
  check_range("embed_rows", y.shape(), 0, begin, end);
  y.rows(0, begin).zero_();
  y.rows(begin, end).copy_(x.value());
  y.rows(end, rows).zero_();
  return record("embed_rows", y, {x}, [begin, end](const Cotangents& g) {
    return std::vector{slice_rows(g[0], begin, end)};
  });
}

Variable slice_channels(const Variable& x, std::int64_t begin, std::int64_t end) {
  check_range("slice_channels", x.shape(), -1, begin, end);
  const Tensor y = Tensor::empty(x.shape().with(-1, end - begin), x.dtype(), x.device());
  paste_channels(as_rows(x.value()), begin, as_rows(y), std::int64_t{0}, end - begin);
  return record("slice_channels", y, {x}, [begin, channels = x.dim(-1)](const Cotangents& g) {
    return std::vector{embed_channels(g[0], begin, channels)};
  });
}

Variable embed_channels(const Variable& x, std::int64_t begin, std::int64_t channels) {
  const std::int64_t end = begin + x.dim(-1);
  const Tensor y = Tensor::zeros(x.shape().with(-1, channels), x.dtype(), x.device());
  check_range("embed_channels", y.shape(), -1, begin, end);
  paste_channels(as_rows(x.value()), std::int64_t{0}, as_rows(y), begin, end - begin);
  return record("embed_channels", y, {x}, [begin, end](const Cotangents& g) {
    return std::vector{slice_channels(g[0], begin, end)};
  });
}

Variable concat_rows(std::span<const Variable> parts) {
  const Shape shape = concat_shape("concat_rows", parts, 0);
  if (std::ranges::none_of(parts, &Variable::requires_grad)) {
    std::vector<Tensor> values;
    for (const Variable& part : parts) values.push_back(part.value());
    if (const Tensor joined = Tensor::joined(values); joined.defined()) return Variable(joined);
  }
  const std::vector<std::int64_t> offsets = offsets_of(parts, 0);
  const Tensor y = Tensor::empty(shape, parts.front().dtype(), parts.front().device());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    y.rows(offsets[i], offsets[i + 1]).copy_(parts[i].value());
  }
  return record("concat_rows", y, {parts.begin(), parts.end()}, slices_of(slice_rows, offsets));
}

Variable concat_channels(std::span<const Variable> parts) {
  const Shape shape = concat_shape("concat_channels", parts, -1);
  const std::vector<std::int64_t> offsets = offsets_of(parts, -1);
  const Tensor y = Tensor::empty(shape, parts.front().dtype(), parts.front().device());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    paste_channels(as_rows(parts[i].value()), std::int64_t{0}, as_rows(y), offsets[i],
                   parts[i].dim(-1));
  }
  return record("concat_channels", y, {parts.begin(), parts.end()},
                slices_of(slice_channels, offsets));
}

Variable gather_rows(const Variable& x, const Tensor& index) {
  check_index("gather_rows", index);
  SCIMIX_CHECK(x.shape().rank() >= 1, "gather_rows of a scalar");
  const Tensor y = Tensor::empty(x.shape().with(0, index.numel()), x.dtype(), x.device());
  gather(x.value(), index, y);
  return record("gather_rows", y, {x}, [index, rows = x.dim(0)](const Cotangents& g) {
    return std::vector{scatter_add_rows(g[0], index, rows)};
  });
}

Variable scatter_add_rows(const Variable& gy, const Tensor& index, std::int64_t rows) {
  check_index("scatter_add_rows", index);
  SCIMIX_CHECK(gy.shape().rank() >= 1 && gy.dim(0) == index.numel(),
               "scatter_add_rows: ", gy.shape(), " by ", index.numel(),
               " indices, expected one for each row");
  const Tensor y = Tensor::empty(gy.shape().with(0, rows), gy.dtype(), gy.device());
  scatter_add(gy.value(), index, y);
  return record("scatter_add_rows", y, {gy},
                [index](const Cotangents& g) { return std::vector{gather_rows(g[0], index)}; });
}

// ---- test cases ---------------------------------------------------------------------------------

namespace {

// A shape as [before, axis, after].
struct Sides {
  std::int64_t before = 1;
  std::int64_t dim = 1;
  std::int64_t after = 1;
};
Sides sides_of(const Shape& shape, int axis) {
  Sides s;
  const int at = axis < 0 ? axis + shape.rank() : axis;
  for (int i = 0; i < at; ++i) s.before *= shape[i];
  s.dim = shape[at];
  for (int i = at + 1; i < shape.rank(); ++i) s.after *= shape[i];
  return s;
}

// Puts x into y along an axis, its first entry at `place`; entries outside y are left out.
void naive_paste(const HostArray& x, HostArray& y, int axis, std::int64_t place) {
  const Sides from = sides_of(x.shape, axis);
  const Sides to = sides_of(y.shape, axis);
  for (std::int64_t b = 0; b < from.before; ++b) {
    for (std::int64_t d = 0; d < from.dim; ++d) {
      if (d + place < 0 || d + place >= to.dim) continue;
      for (std::int64_t a = 0; a < from.after; ++a) {
        y[(b * to.dim + d + place) * to.after + a] = x[(b * from.dim + d) * from.after + a];
      }
    }
  }
}

const Shape kBenchShape = {32, 32, 32, 32};  // the largest activation of a WRN-28-2, batch 32

OpCase bench_of(OpCase c, std::vector<OpInput> inputs) {
  c.label = "bench";
  c.inputs = std::move(inputs);
  c.test = false;
  c.bench = true;
  return c;
}

std::vector<OpCase> reshape_cases() {
  std::vector<OpCase> cases;
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{2, 3, 4}, {6, 4}}, {{7}, {1, 7, 1}}, {{1}, {}}, {{3, 5}, {3, 5}}, {{0, 4}, {2, 0}}};
  for (const auto& [from, to] : shapes) {
    OpCase c;
    c.op = "reshape";
    c.label = text(from, " to ", to);
    c.inputs = {{.shape = from}};
    c.run = [shape = to](const Variables& in) { return Variables{reshape(in[0], shape)}; };
    c.definition = [shape = to](const HostArrays& in) {
      HostArrays out = in;
      out[0].shape = shape;
      return out;
    };
    cases.push_back(c);
  }
  OpCase c = cases.front();
  c.run = [](const Variables& in) { return Variables{reshape(in[0], {32 * 32, 32 * 32})}; };
  cases.push_back(bench_of(c, {{.shape = kBenchShape}}));
  return cases;
}

// A slice of `whole` along an axis, and the way back.
struct Range {
  const char* label;
  Shape whole;
  std::int64_t begin;
  std::int64_t end;
};

std::vector<OpCase> slice_cases(const char* slice_name, Slice slice, const char* embed_name,
                                Slice embed, int axis, const std::vector<Range>& ranges) {
  std::vector<OpCase> cases;
  for (const Range& range : ranges) {
    const Shape part = range.whole.with(axis, range.end - range.begin);
    OpCase c;
    c.op = slice_name;
    c.label = range.label;
    c.inputs = {{.shape = range.whole}};
    c.run = [=](const Variables& in) { return Variables{slice(in[0], range.begin, range.end)}; };
    c.definition = [=](const HostArrays& in) {
      HostArray out(part);
      naive_paste(in[0], out, axis, -range.begin);
      return HostArrays{out};
    };
    cases.push_back(c);
    c.op = embed_name;
    c.inputs = {{.shape = part}};
    c.run = [=](const Variables& in) {
      return Variables{embed(in[0], range.begin, range.whole[axis])};
    };
    c.definition = [=](const HostArrays& in) {
      HostArray out(range.whole);
      naive_paste(in[0], out, axis, range.begin);
      return HostArrays{out};
    };
    cases.push_back(c);
  }
  OpCase c;
  c.op = slice_name;
  c.run = [slice](const Variables& in) { return Variables{slice(in[0], 8, 24)}; };
  cases.push_back(bench_of(c, {{.shape = kBenchShape}}));
  c.op = embed_name;
  c.run = [embed](const Variables& in) { return Variables{embed(in[0], 8, 32)}; };
  cases.push_back(bench_of(c, {{.shape = kBenchShape.with(axis, 16)}}));
  return cases;
}

std::vector<OpCase> concat_cases(const char* op, Variable (*run)(std::span<const Variable>),
                                 int axis, const std::vector<std::vector<Shape>>& all_parts) {
  std::vector<OpCase> cases;
  OpCase c;
  c.op = op;
  c.run = [run](const Variables& in) { return Variables{run(in)}; };
  for (const std::vector<Shape>& parts : all_parts) {
    c.label = text(parts.size(), " parts, the last of ", parts.back());
    c.inputs.clear();
    std::int64_t total = 0;
    for (const Shape& part : parts) {
      c.inputs.push_back({.shape = part});
      total += part[axis];
    }
    c.definition = [axis, shape = parts.front().with(axis, total)](const HostArrays& in) {
      HostArray out(shape);
      std::int64_t place = 0;
      for (const HostArray& part : in) {
        naive_paste(part, out, axis, place);
        place += part.shape[axis];
      }
      return HostArrays{out};
    };
    cases.push_back(c);
  }
  cases.push_back(bench_of(c, {{.shape = kBenchShape}, {.shape = kBenchShape}}));
  return cases;
}

OpInput index_input(std::int64_t count, std::int64_t rows) {
  OpInput input{.shape = {count}};
  input.differentiable = false;
  input.classes = static_cast<std::int32_t>(rows);
  return input;
}

std::vector<OpCase> gather_cases() {
  struct Rows {
    const char* label;
    Shape x;
    std::int64_t count;
  };
  const std::vector<Rows> examples = {
      {"whole packs", {5, 3, 8}, 7},
      {"odd size", {7, 3}, 5},
      {"one row", {1, 5}, 3},
      {"a list of numbers", {11}, 5},
      {"no index", {3, 4}, 0},
      {"a long index", {3}, 5000},
      {"a long index, whole packs", {2, 8}, 1100},
  };
  std::vector<OpCase> cases;
  for (const Rows& e : examples) {
    const std::int64_t rows = e.x[0];
    const std::int64_t length = e.x.with(0, 1).numel();
    OpCase c;
    c.op = "gather_rows";
    c.label = e.label;
    c.inputs = {{.shape = e.x}, index_input(e.count, rows)};
    c.run = [](const Variables& in) { return Variables{gather_rows(in[0], in[1].value())}; };
    c.definition = [=, shape = e.x.with(0, e.count)](const HostArrays& in) {
      HostArray out(shape);
      for (std::int64_t i = 0; i < out.shape.numel(); ++i) {
        out[i] = in[0][static_cast<std::int64_t>(in[1][i / length]) * length + i % length];
      }
      return HostArrays{out};
    };
    cases.push_back(c);
    c.op = "scatter_add_rows";
    c.tolerance.f32 = 1e-5;  // of sums of some thousand terms
    c.inputs[0].shape = e.x.with(0, e.count);
    c.run = [rows](const Variables& in) {
      return Variables{scatter_add_rows(in[0], in[1].value(), rows)};
    };
    c.definition = [=, shape = e.x](const HostArrays& in) {
      HostArray out(shape);
      for (std::int64_t i = 0; i < in[0].shape.numel(); ++i) {
        out[static_cast<std::int64_t>(in[1][i / length]) * length + i % length] += in[0][i];
      }
      return HostArrays{out};
    };
    cases.push_back(c);
  }
  OpCase c = cases.front();
  cases.push_back(bench_of(c, {{.shape = {256, 32, 32, 8}}, index_input(256, 256)}));
  c = cases[1];
  c.run = [](const Variables& in) {
    return Variables{scatter_add_rows(in[0], in[1].value(), 256)};
  };
  cases.push_back(bench_of(c, {{.shape = {256, 32, 32, 8}}, index_input(256, 256)}));
  return cases;
}

const OpCases registered{[] {
  const std::vector<std::vector<OpCase>> families = {
      reshape_cases(),
      slice_cases("slice_rows", slice_rows, "embed_rows", embed_rows, 0,
                  {{"in the middle", {7, 2, 3}, 2, 5},
                   {"all", {3, 8}, 0, 3},
                   {"one row", {5}, 4, 5},
                   {"no rows", {5, 3}, 2, 2},
                   {"zero rows", {0, 3}, 0, 0}}),
      slice_cases("slice_channels", slice_channels, "embed_channels", embed_channels, -1,
                  {{"whole packs", {2, 3, 32}, 8, 24},
                   {"odd size", {3, 2, 7}, 1, 6},
                   {"off the packs", {3, 16}, 3, 11},
                   {"one row", {5}, 0, 2},
                   {"no channels", {3, 4}, 2, 2},
                   {"zero rows", {0, 5}, 1, 3}}),
      concat_cases("concat_rows", concat_rows, 0,
                   {{{3, 2, 5}, {1, 2, 5}, {2, 2, 5}}, {{3}}, {{0, 4}, {2, 4}}, {{0, 3}, {0, 3}}}),
      concat_cases("concat_channels", concat_channels, -1,
                   {{{3, 2, 8}, {3, 2, 16}}, {{5, 3}, {5, 1}, {5, 7}}, {{1, 4}}, {{0, 3}, {0, 2}}}),
      gather_cases(),
  };
  std::vector<OpCase> all;
  for (const auto& family : families) all.insert(all.end(), family.begin(), family.end());
  return all;
}};

}  // namespace

}  // namespace scimix

// Cases of reshape, slices, concatenations and gathered rows.
#include <span>
#include <utility>

#include "autograd/ops.hpp"
#include "cases/op_case.hpp"

namespace scimix {

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

OpCase bench_of(OpCase c, std::vector<OpInput> inputs) {
  c.label = "bench";
  c.inputs = std::move(inputs);
  return timed(std::move(c));
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

using Slice = Variable (*)(const Variable&, std::int64_t, std::int64_t);

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
  // Whole packs in a view that begins one element behind the start of a pack.
  OpCase unaligned;
  unaligned.op = "gather_rows";
  unaligned.label = "an unaligned view";
  unaligned.inputs = {{.shape = {17}}, index_input(5, 2)};
  unaligned.run = [](const Variables& in) {
    return Variables{gather_rows(reshape(slice_rows(in[0], 1, 17), {2, 8}), in[1].value())};
  };
  unaligned.definition = [](const HostArrays& in) {
    HostArray out({5, 8});
    for (std::int64_t i = 0; i < out.shape.numel(); ++i) {
      out[i] = in[0][1 + static_cast<std::int64_t>(in[1][i / 8]) * 8 + i % 8];
    }
    return HostArrays{out};
  };
  cases.push_back(unaligned);

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
                   {"unaligned", {3, 16}, 3, 11},
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

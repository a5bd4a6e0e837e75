// Cases of the pointwise operators.
#include <algorithm>
#include <cmath>
#include <utility>

#include "autograd/ops.hpp"
#include "cases/op_case.hpp"

namespace scimix {

namespace {

using Formula1 = std::function<double(double)>;
using Formula2 = std::function<double(double, double)>;

HostArrays defined_by(const Formula1& f, const HostArrays& in) {
  HostArray out = in[0];
  for (double& value : out.values) value = f(value);
  return {out};
}

HostArrays defined_by(const Formula2& f, const Shape& shape, const HostArrays& in) {
  HostArray out(shape);
  for (std::int64_t i = 0; i < shape.numel(); ++i) {
    out[i] = f(in[0][broadcast_index(in[0].shape, shape, i)],
               in[1][broadcast_index(in[1].shape, shape, i)]);
  }
  return {out};
}

struct UnaryExample {
  const char* op;
  std::function<Variable(const Variable&)> run;
  Formula1 definition;
  double lo = -2.0;
  double hi = 2.0;
  std::vector<double> kinks = {};
};

std::vector<UnaryExample> unary_examples() {
  const auto logistic = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
  return {
      {"scale", [](const Variable& x) { return scale(x, -1.75); },
       [](double x) { return -1.75 * x; }},
      {"add_scalar", [](const Variable& x) { return add_scalar(x, 0.375); },
       [](double x) { return x + 0.375; }},
      {"identity", identity, [](double x) { return x; }},
      {"exp", [](const Variable& x) { return exp(x); }, [](double x) { return std::exp(x); }},
      {"log", [](const Variable& x) { return log(x); }, [](double x) { return std::log(x); }, 0.25,
       4.0},
      {"sqrt", [](const Variable& x) { return sqrt(x); }, [](double x) { return std::sqrt(x); },
       0.25, 4.0},
      {"rsqrt", rsqrt, [](double x) { return std::pow(x, -0.5); }, 0.25, 4.0},
      {"square", square, [](double x) { return x * x; }},
      {"sigmoid", sigmoid, logistic, -6.0, 6.0},
      {"tanh", [](const Variable& x) { return tanh(x); }, [](double x) { return std::tanh(x); }},
      {"softplus", softplus, [](double x) { return std::log(1.0 + std::exp(x)); }, -6.0, 6.0},
      {"leaky_relu",
       [](const Variable& x) { return leaky_relu(x, 0.125); },
       [](double x) { return std::max(x, 0.125 * x); },
       -2.0,
       2.0,
       {0.0}},
      {"clamp_max",
       [](const Variable& x) { return clamp_max(x, 0.75); },
       [](double x) { return std::min(x, 0.75); },
       -2.0,
       2.0,
       {0.75}},
      // Alone, its gradient is not the slope of its value unless the factor is 1: two of them whose
      // factors add up to 2 make a slope that differences can see.
      {"scale_gradient",
       [](const Variable& x) { return add(scale_gradient(x, 0.25), scale_gradient(x, 1.75)); },
       [](double x) { return 2.0 * x; }},
  };
}

struct Example {
  const char* label;
  Shape shape;
};

const std::vector<Example>& examples() {
  static const std::vector<Example> list = {
      {"whole packs", {2, 3, 4, 16}}, {"odd size", {7, 13}}, {"one row", {1, 5}}, {"scalar", {}},
      {"zero rows", {0, 5}},
  };
  return list;
}

using Inputs = std::vector<OpInput>;

// Appends `c` with each example's shape. `inputs_of` returns the inputs of the case for a shape.
template <class F>
void add_examples(std::vector<OpCase>& cases, OpCase& c, F inputs_of) {
  for (const auto& [label, shape] : examples()) {
    c.label = label;
    c.inputs = inputs_of(shape);
    cases.push_back(c);
  }
}

OpCase benchmark(OpCase c, std::vector<Shape> shapes) {
  c.label = "bench";
  for (std::size_t i = 0; i < shapes.size(); ++i) c.inputs[i].shape = shapes[i];
  c.flops = static_cast<double>(kBenchShape.numel());
  return timed(std::move(c));
}

std::vector<OpCase> unary_cases() {
  std::vector<OpCase> cases;
  for (const UnaryExample& e : unary_examples()) {
    OpCase c;
    c.op = e.op;
    c.run = [run = e.run](const Variables& in) { return Variables{run(in[0])}; };
    c.definition = [f = e.definition](const HostArrays& in) { return defined_by(f, in); };
    add_examples(cases, c, [&](const Shape& shape) {
      return Inputs{{.shape = shape, .lo = e.lo, .hi = e.hi, .kinks = e.kinks}};
    });
    cases.push_back(benchmark(c, {kBenchShape}));
    if (c.op == "sigmoid" || c.op == "softplus") {  // naive forms overflow in f32 here
      c.label = "large arguments";
      c.inputs = {{.shape = {211}, .lo = -100.0, .hi = 100.0}};
      cases.push_back(c);
    }
  }
  return cases;
}

// There and back, through a wider type: in an f64 or f32 graph nothing happens.
std::vector<OpCase> cast_cases() {
  std::vector<OpCase> cases;
  OpCase c;
  c.op = "cast";
  c.run = [](const Variables& in) {
    const DType wider = in[0].dtype() == DType::bf16 ? DType::f32 : in[0].dtype();
    return Variables{cast(square(cast(in[0], wider)), in[0].dtype())};
  };
  c.definition = [](const HostArrays& in) {
    return defined_by([](double x) { return x * x; }, in);
  };
  add_examples(cases, c, [](const Shape& shape) { return Inputs{{.shape = shape}}; });
  c.run = [](const Variables& in) {
    return Variables{cast(in[0], in[0].dtype() == DType::bf16 ? DType::f32 : DType::bf16)};
  };
  cases.push_back(benchmark(c, {kBenchShape}));
  return cases;
}

struct BinaryExample {
  const char* op;
  Variable (*run)(const Variable&, const Variable&);
  Formula2 definition;
  double lo = -2.0;  // of the second input
};

std::vector<OpCase> binary_cases() {
  const std::vector<BinaryExample> ops = {
      {"add", add, [](double a, double b) { return a + b; }},
      {"sub", sub, [](double a, double b) { return a - b; }},
      {"mul", mul, [](double a, double b) { return a * b; }},
      {"div", div, [](double a, double b) { return a / b; }, 0.5},
  };
  struct Shapes {
    const char* label;
    Shape a;
    Shape b;
    Shape y;
  };
  const std::vector<Shapes> shapes = {
      {"whole packs", {2, 3, 4, 16}, {2, 3, 4, 16}, {2, 3, 4, 16}},
      {"odd size", {7, 13}, {7, 13}, {7, 13}},
      {"a row of channels", {5, 2, 3, 8}, {8}, {5, 2, 3, 8}},
      {"an odd row of channels", {11, 3}, {3}, {11, 3}},
      {"channels per sample", {3, 2, 5, 16}, {3, 1, 1, 16}, {3, 2, 5, 16}},
      {"a value per row", {5, 1}, {5, 13}, {5, 13}},
      {"a scalar", {}, {3, 8}, {3, 8}},
      {"both stretch", {3, 1, 2, 1, 3}, {1, 5, 2, 2, 1}, {3, 5, 2, 2, 3}},
      {"an outer product", {16}, {7, 1}, {7, 16}},
      {"one row", {1, 7}, {7}, {1, 7}},
      {"zero rows", {0, 4}, {4}, {0, 4}},
  };
  std::vector<OpCase> cases;
  for (const BinaryExample& e : ops) {
    OpCase c;
    c.op = e.op;
    c.run = [run = e.run](const Variables& in) { return Variables{run(in[0], in[1])}; };
    for (const Shapes& s : shapes) {
      c.label = s.label;
      c.inputs = {{.shape = s.a, .lo = -2.0, .hi = 2.0}, {.shape = s.b, .lo = e.lo, .hi = 2.0}};
      c.definition = [f = e.definition, y = s.y](const HostArrays& in) {
        return defined_by(f, y, in);
      };
      cases.push_back(c);
    }
    cases.push_back(benchmark(c, {kBenchShape, kBenchShape}));
  }
  OpCase rows = cases.back();  // the backward of a broadcast is a reduction: worth a line
  rows.op = "mul";
  rows.run = [](const Variables& in) { return Variables{mul(in[0], in[1])}; };
  rows = benchmark(rows, {kBenchShape, {32, 1, 1, 32}});
  rows.label = "bench, channels per sample";
  cases.push_back(rows);
  return cases;
}

// One operand is a view that begins off the 16 bytes of a pack: the rows of an input behind its
// first one, in another shape.
std::vector<OpCase> unaligned_cases() {
  struct View {
    const char* label;
    Shape whole;
    Shape view;
    Shape other;
    bool second = false;  // the view is the second operand
  };
  const std::vector<View> examples = {
      {"an unaligned view", {5, 3}, {4, 3}, {4, 3}},
      {"an unaligned view, broadcast", {9}, {8}, {3, 8}},
      {"an unaligned view, broadcast, second", {9}, {8}, {3, 8}, true},
  };
  std::vector<OpCase> cases;
  for (const View& e : examples) {
    const std::int64_t skipped = e.whole.numel() - e.view.numel();
    OpCase c;
    c.op = "add";
    c.label = e.label;
    c.inputs = {{.shape = e.whole}, {.shape = e.other}};
    c.run = [view = e.view, second = e.second](const Variables& in) {
      const Variable part = reshape(slice_rows(in[0], 1, in[0].dim(0)), view);
      return Variables{second ? add(in[1], part) : add(part, in[1])};
    };
    c.definition = [view = e.view, skipped](const HostArrays& in) {
      HostArray part(view);
      for (std::int64_t i = 0; i < view.numel(); ++i) part[i] = in[0][skipped + i];
      return defined_by([](double a, double b) { return a + b; }, in[1].shape, {part, in[1]});
    };
    cases.push_back(c);
  }
  return cases;
}

std::vector<OpCase> leaky_relu_grad_cases() {
  std::vector<OpCase> cases;
  OpCase c;
  c.op = "leaky_relu_grad";
  c.run = [](const Variables& in) { return Variables{leaky_relu_grad(in[0], in[1], 0.125)}; };
  c.definition = [](const HostArrays& in) {
    return defined_by([](double gy, double y) { return y > 0 ? gy : 0.125 * gy; }, in[0].shape, in);
  };
  add_examples(cases, c, [](const Shape& shape) {
    return Inputs{{.shape = shape}, {.shape = shape, .kinks = {0.0}, .differentiable = false}};
  });
  cases.push_back(benchmark(c, {kBenchShape, kBenchShape}));
  return cases;
}

const OpCases registered{[] {
  std::vector<OpCase> all;
  for (const auto& family :
       {unary_cases(), cast_cases(), binary_cases(), unaligned_cases(), leaky_relu_grad_cases()}) {
    all.insert(all.end(), family.begin(), family.end());
  }
  return all;
}};

}  // namespace

}  // namespace scimix

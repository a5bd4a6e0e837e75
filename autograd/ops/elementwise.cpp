// Pointwise operators. Formulas live in kernels/elementwise/elementwise.hpp.
#include "kernels/elementwise/elementwise.hpp"

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

Tensor unary(const char* op, Unary f, const Variable& x, double parameter) {
  SCIMIX_CHECK(is_floating(x.dtype()), op, " of ", name_of(x.dtype()));
  const Tensor y = like(x.value());
  map_unary(f, x.value(), y, parameter);
  return y;
}

// ---- two inputs ---------------------------------------------------------------------------------

Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape out = longer;
  for (int axis = -1; axis >= -shorter.rank(); --axis) {
    const std::int64_t m = longer[axis];
    const std::int64_t n = shorter[axis];
    SCIMIX_CHECK(m == n || m == 1 || n == 1, op, ": shapes ", a, " and ", b);
    out = out.with(axis, m == 1 ? n : m);
  }
  return out;
}

Tensor binary(const char* op, Binary f, const Variable& a, const Variable& b) {
  SCIMIX_CHECK(is_floating(a.dtype()) && a.dtype() == b.dtype(), op, ": ", name_of(a.dtype()),
               " and ", name_of(b.dtype()));
  const Tensor y = Tensor::empty(broadcast_shape(op, a.shape(), b.shape()), a.dtype(), a.device());
  map_binary(f, a.value(), b.value(), y, 0);
  return y;
}

}  // namespace

Variable add(const Variable& a, const Variable& b) {
  return record("add", binary("add", Binary::add, a, b), {a, b},
                [sa = a.shape(), sb = b.shape()](const Cotangents& g) {
                  return std::vector{g.wants(0) ? sum_to(g[0], sa) : Variable(),
                                     g.wants(1) ? sum_to(g[0], sb) : Variable()};
                });
}

Variable sub(const Variable& a, const Variable& b) {
  return record("sub", binary("sub", Binary::sub, a, b), {a, b},
                [sa = a.shape(), sb = b.shape()](const Cotangents& g) {
                  return std::vector{g.wants(0) ? sum_to(g[0], sa) : Variable(),
                                     g.wants(1) ? scale(sum_to(g[0], sb), -1.0) : Variable()};
                });
}

Variable mul(const Variable& a, const Variable& b) {
  return record("mul", binary("mul", Binary::mul, a, b), {a, b}, [a, b](const Cotangents& g) {
    return std::vector{g.wants(0) ? sum_to(mul(g[0], b), a.shape()) : Variable(),
                       g.wants(1) ? sum_to(mul(g[0], a), b.shape()) : Variable()};
  });
}

Variable div(const Variable& a, const Variable& b) {
  return record("div", binary("div", Binary::div, a, b), {a, b}, [a, b](const Cotangents& g) {
    const Variable g_over_b = div(g[0], b);
    Variable gb;
    if (g.wants(1)) gb = scale(sum_to(mul(g_over_b, div(a, b)), b.shape()), -1.0);
    return std::vector{g.wants(0) ? sum_to(g_over_b, a.shape()) : Variable(), gb};
  });
}

// ---- linear in one input ------------------------------------------------------------------------

Variable scale(const Variable& x, double factor) {
  return record("scale", unary("scale", Unary::scale, x, factor), {x},
                [factor](const Cotangents& g) { return std::vector{scale(g[0], factor)}; });
}

Variable add_scalar(const Variable& x, double term) {
  return record("add_scalar", unary("add_scalar", Unary::add_scalar, x, term), {x},
                [](const Cotangents& g) { return std::vector{g[0]}; });
}

Variable identity(const Variable& x) {
  return record("identity", x.value(), {x}, [](const Cotangents& g) { return std::vector{g[0]}; });
}

Variable cast(const Variable& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  SCIMIX_CHECK(is_floating(x.dtype()) && is_floating(dtype), "cast of ", name_of(x.dtype()), " to ",
               name_of(dtype));
  const Tensor y = Tensor::empty(x.shape(), dtype, x.device());
  convert(x.value(), y);
  return record("cast", y, {x},
                [from = x.dtype()](const Cotangents& g) { return std::vector{cast(g[0], from)}; });
}

void accumulate(const Tensor& value, const Tensor& target) {
  SCIMIX_CHECK(value.shape() == target.shape() && value.dtype() == target.dtype(),
               "accumulate: ", value.shape(), " ", name_of(value.dtype()), " into ", target.shape(),
               " ", name_of(target.dtype()));
  map_binary(Binary::add, target, value, target, 0);
}

// ---- nonlinear in one input ---------------------------------------------------------------------

namespace {

// gx for gy: as one kernel, and in terms of operators where it will be differentiated itself.
struct Derivative {
  Binary kernel;
  bool of_output;  // the kernel takes y rather than x
  Variable (*operators)(const Variable& gy, const Variable& x);
};

Variable nonlinear(const char* op, Unary f, const Variable& x, const Derivative& derivative) {
  const Tensor y = unary(op, f, x, 0);
  const Tensor saved = derivative.of_output ? y : x.value();
  return record(op, y, {x}, [x, saved, derivative](const Cotangents& g) {
    if (is_recording()) return std::vector{derivative.operators(g[0], x)};
    const Tensor gx = like(saved);
    map_binary(derivative.kernel, g[0].value(), saved, gx, 0);
    return std::vector{Variable(gx)};
  });
}

}  // namespace

Variable exp(const Variable& x) {
  return nonlinear(
      "exp", Unary::exp, x,
      {Binary::mul, true, [](const Variable& gy, const Variable& in) { return mul(gy, exp(in)); }});
}

Variable log(const Variable& x) {
  return nonlinear(
      "log", Unary::log, x,
      {Binary::div, false, [](const Variable& gy, const Variable& in) { return div(gy, in); }});
}

Variable sqrt(const Variable& x) {
  return nonlinear("sqrt", Unary::sqrt, x,
                   {Binary::sqrt_grad, true, [](const Variable& gy, const Variable& in) {
                      return scale(div(gy, sqrt(in)), 0.5);
                    }});
}

Variable rsqrt(const Variable& x) {
  return nonlinear("rsqrt", Unary::rsqrt, x,
                   {Binary::rsqrt_grad, true, [](const Variable& gy, const Variable& in) {
                      return scale(mul(gy, div(rsqrt(in), in)), -0.5);
                    }});
}

Variable square(const Variable& x) {
  return nonlinear("square", Unary::square, x,
                   {Binary::square_grad, false, [](const Variable& gy, const Variable& in) {
                      return scale(mul(gy, in), 2.0);
                    }});
}

Variable sigmoid(const Variable& x) {
  return nonlinear("sigmoid", Unary::sigmoid, x,
                   {Binary::sigmoid_grad, true, [](const Variable& gy, const Variable& in) {
                      const Variable y = sigmoid(in);
                      return mul(gy, sub(y, square(y)));
                    }});
}

Variable tanh(const Variable& x) {
  return nonlinear("tanh", Unary::tanh, x,
                   {Binary::tanh_grad, true, [](const Variable& gy, const Variable& in) {
                      return sub(gy, mul(gy, square(tanh(in))));
                    }});
}

Variable softplus(const Variable& x) {
  return nonlinear("softplus", Unary::softplus, x,
                   {Binary::softplus_grad, false,
                    [](const Variable& gy, const Variable& in) { return mul(gy, sigmoid(in)); }});
}

// Saves its output, of which the derivative needs the sign alone; that has no derivative itself.
Variable leaky_relu(const Variable& x, double slope) {
  SCIMIX_CHECK(slope > 0, "leaky_relu: slope ", slope, ", expected a positive one");
  const Tensor y = unary("leaky_relu", Unary::leaky_relu, x, slope);
  return record("leaky_relu", y, {x}, [y, slope](const Cotangents& g) {
    return std::vector{leaky_relu_grad(g[0], Variable(y), slope)};
  });
}

Variable leaky_relu_grad(const Variable& gy, const Variable& y, double slope) {
  SCIMIX_CHECK(gy.shape() == y.shape() && gy.dtype() == y.dtype(), "leaky_relu_grad: gy ",
               gy.shape(), " ", name_of(gy.dtype()), " and y ", y.shape(), " ", name_of(y.dtype()));
  const Tensor gx = like(y.value());
  map_binary(Binary::leaky_relu_grad, gy.value(), y.value(), gx, slope);
  return record("leaky_relu_grad", gx, {gy}, [saved = y.value(), slope](const Cotangents& g) {
    return std::vector{leaky_relu_grad(g[0], Variable(saved), slope)};
  });
}

namespace {

// gy where x <= highest, 0 above; linear in gy, and its own derivative in it.
Variable clamp_max_grad(const Variable& gy, const Tensor& x, double highest) {
  const Tensor gx = like(x);
  map_binary(Binary::clamp_max_grad, gy.value(), x, gx, highest);
  return record("clamp_max_grad", gx, {gy}, [x, highest](const Cotangents& g) {
    return std::vector{clamp_max_grad(g[0], x, highest)};
  });
}

}  // namespace

Variable clamp_max(const Variable& x, double highest) {
  return record("clamp_max", unary("clamp_max", Unary::clamp_max, x, highest), {x},
                [saved = x.value(), highest](const Cotangents& g) {
                  return std::vector{clamp_max_grad(g[0], saved, highest)};
                });
}

// Nothing flows back through a factor of 0, so nothing is recorded: the work below is saved too.
Variable scale_gradient(const Variable& x, double factor) {
  if (factor == 0.0) return x.detach();
  return record("scale_gradient", x.value(), {x},
                [factor](const Cotangents& g) { return std::vector{scale(g[0], factor)}; });
}

// ---- test cases ---------------------------------------------------------------------------------

namespace {

using Formula1 = std::function<double(double)>;
using Formula2 = std::function<double(double, double)>;

HostArrays defined_by(const Formula1& f, const HostArrays& in) {
  HostArray out = in[0];
  for (double& value : out.values) value = f(value);
  return {out};
}

// The value that broadcasting puts at a place of `shape`: axes align at the end, 1 stretches.
double broadcast_value(const HostArray& x, const Shape& shape, std::int64_t place) {
  std::int64_t at = 0;
  std::int64_t step = 1;
  for (int axis = -1; axis >= -shape.rank(); --axis) {
    const std::int64_t coordinate = place % shape[axis];
    place /= shape[axis];
    if (-axis > x.shape.rank()) break;
    if (x.shape[axis] != 1) at += coordinate * step;
    step *= x.shape[axis];
  }
  return x[at];
}

HostArrays defined_by(const Formula2& f, const Shape& shape, const HostArrays& in) {
  HostArray out(shape);
  for (std::int64_t i = 0; i < shape.numel(); ++i) {
    out[i] = f(broadcast_value(in[0], shape, i), broadcast_value(in[1], shape, i));
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

const Shape kBenchShape = {32, 32, 32, 32};  // the largest activation of a WRN-28-2, batch 32
const auto kBenchSize = static_cast<double>(kBenchShape.numel());

OpCase benchmark(OpCase c, std::vector<Shape> shapes) {
  c.label = "bench";
  for (std::size_t i = 0; i < shapes.size(); ++i) c.inputs[i].shape = shapes[i];
  c.test = false;
  c.bench = true;
  c.flops = kBenchSize;
  return c;
}

std::vector<OpCase> unary_cases() {
  std::vector<OpCase> cases;
  for (const UnaryExample& e : unary_examples()) {
    OpCase c;
    c.op = e.op;
    c.run = [run = e.run](const Variables& in) { return Variables{run(in[0])}; };
    c.definition = [f = e.definition](const HostArrays& in) { return defined_by(f, in); };
    for (const auto& [label, shape] : examples()) {
      c.label = label;
      c.inputs = {{.shape = shape, .lo = e.lo, .hi = e.hi, .kinks = e.kinks}};
      cases.push_back(c);
    }
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
  for (const auto& [label, shape] : examples()) {
    c.label = label;
    c.inputs = {{.shape = shape}};
    cases.push_back(c);
  }
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

std::vector<OpCase> leaky_relu_grad_cases() {
  std::vector<OpCase> cases;
  OpCase c;
  c.op = "leaky_relu_grad";
  c.run = [](const Variables& in) { return Variables{leaky_relu_grad(in[0], in[1], 0.125)}; };
  c.definition = [](const HostArrays& in) {
    return defined_by([](double gy, double y) { return y > 0 ? gy : 0.125 * gy; }, in[0].shape, in);
  };
  for (const auto& [label, shape] : examples()) {
    c.label = label;
    c.inputs = {{.shape = shape}, {.shape = shape, .kinks = {0.0}, .differentiable = false}};
    cases.push_back(c);
  }
  cases.push_back(benchmark(c, {kBenchShape, kBenchShape}));
  return cases;
}

const OpCases registered{[] {
  std::vector<OpCase> all;
  for (const auto& family :
       {unary_cases(), cast_cases(), binary_cases(), leaky_relu_grad_cases()}) {
    all.insert(all.end(), family.begin(), family.end());
  }
  return all;
}};

}  // namespace

}  // namespace scimix

// The tape against closed forms: how gradients add up, how far they go, what is kept and released.
#include <doctest/doctest.h>

#include <cmath>
#include <optional>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/allocator.hpp"
#include "core/work.hpp"
#include "kernels/conv/conv.hpp"

using namespace scimix;

namespace {

using Variables = std::vector<Variable>;

Variable leaf(std::vector<double> values, bool requires_grad = true) {
  const auto n = static_cast<std::int64_t>(values.size());
  return Variable(Tensor::from(values, {n}, DType::f64), requires_grad);
}

std::vector<double> values(const Variable& v) {
  return v.value().to_doubles();
}

void check_close(const Variable& got, const std::vector<double>& expected) {
  REQUIRE(got.defined());
  const std::vector<double> found = values(got);
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-12));
  }
}
void check_close(const Tensor& got, const std::vector<double>& expected) {
  REQUIRE(got.defined());
  check_close(Variable(got), expected);
}

Variable grad_of(const Variable& y, const Variable& x, const GradOptions& options = {}) {
  return grad({&y, 1}, {&x, 1}, {}, options).front();
}
Variable grad_of_sum(const Variable& y, const Variable& x, const GradOptions& options = {}) {
  return grad_of(sum(y), x, options);
}

// An operator of the test: y = x, whose vjp runs `seen` first.
template <class F>
Variable probe(const Variable& x, F seen, const char* op = "probe") {
  return record(op, x.value(), {x}, [seen](const Cotangents& gy) -> Variables {
    seen(gy);
    return {gy[0]};
  });
}

}  // namespace

TEST_SUITE_BEGIN("tape");

TEST_CASE("tape: gradients of a value that is used twice add up") {
  const Variable x = leaf({2, -3});
  const Variable y = mul(x, add(x, x));  // 2 x^2
  backward(sum(y));
  check_close(x.grad(), {8, -12});
}

TEST_CASE("tape: constants that lie one behind another are joined without a copy") {
  const Tensor whole = Tensor::from(std::vector<double>{1, 2, 3, 4, 5, 6}, {3, 2}, DType::f64);
  const Variable first(whole.rows(0, 1));
  const Variable rest(whole.rows(1, 3));
  const auto joined = [](const Variables& parts) { return concat_rows(parts); };
  CHECK(joined({first, rest}).value().raw() == whole.raw());
  CHECK(!joined({first, rest}).requires_grad());
  check_close(reshape(joined({rest, first}), {6}), {3, 4, 5, 6, 1, 2});
  // What has a gradient is recorded, and copied.
  const Variable learned(whole.rows(1, 3), true);
  const Variable y = joined({first, learned});
  CHECK(y.value().raw() != whole.raw());
  check_close(reshape(y, {6}), {1, 2, 3, 4, 5, 6});
  check_close(reshape(grad_of_sum(square(y), learned), {4}), {6, 8, 10, 12});
}

TEST_CASE("tape: a diamond is walked once through its bottom") {
  const Variable x = leaf({0.5});
  int visits = 0;
  const Variable shared = probe(square(x), [&](const Cotangents&) { ++visits; });
  const Variable y = mul(exp(shared), sigmoid(shared));
  check_close(grad_of(y, x), {[&] {
                const double s = 0.25;
                const double sig = 1 / (1 + std::exp(-s));
                return 2 * 0.5 * (std::exp(s) * sig + std::exp(s) * sig * (1 - sig));
              }()});
  CHECK(visits == 1);
}

TEST_CASE("tape: backward adds into grad, grad leaves it alone") {
  Variable x = leaf({3});
  CHECK_FALSE(x.grad().defined());
  check_close(grad_of(square(x), x), {6});
  CHECK_FALSE(x.grad().defined());
  backward(square(x));
  backward(square(x));
  check_close(x.grad(), {12});
  x.clear_grad();
  CHECK_FALSE(x.grad().defined());

  const Tensor slab = Tensor::from(std::vector<double>{100}, {1}, DType::f64);
  x.bind_grad(slab);
  backward(square(x));
  check_close(slab, {106});
}

TEST_CASE("tape: grad() of a leaf does not alias what flows on") {
  const Variable x = leaf({1, 2});
  const Variable seed = leaf({5, 7}, false);
  backward(identity(x), {.seed = seed});
  backward(identity(x), {.seed = seed});
  check_close(x.grad(), {10, 14});
  check_close(seed, {5, 7});
}

TEST_CASE("tape: a seed replaces the ones, and only a scalar does without") {
  const Variable x = leaf({2, 3});
  backward(square(x), {.seed = leaf({10, 100}, false)});
  check_close(x.grad(), {40, 600});
  CHECK_THROWS_WITH_AS(backward(square(x)), doctest::Contains("needs a seed"), Error);
  CHECK_THROWS_WITH_AS(backward(square(x), {.seed = leaf({1}, false)}), doctest::Contains("shape"),
                       Error);
}

TEST_CASE("tape: several outputs and several inputs at once") {
  const Variable a = leaf({2});
  const Variable b = leaf({5});
  const Variable unused = leaf({1});
  const Variables outputs{mul(a, b), square(a)};
  const Variables inputs{a, b, unused};
  const Variables seeds{leaf({3}, false), leaf({7}, false)};
  const Variables g = grad(outputs, inputs, seeds);
  check_close(g[0], {3 * 5 + 7 * 2 * 2});
  check_close(g[1], {3 * 2});
  CHECK_FALSE(g[2].defined());
  CHECK_THROWS_WITH_AS(static_cast<void>(grad(outputs, inputs, {seeds.data(), 1})),
                       doctest::Contains("1 seeds for 2 outputs"), Error);
  const Variable constant = leaf({1}, false);
  CHECK_THROWS_WITH_AS(static_cast<void>(grad_of(square(a), constant)),
                       doctest::Contains("with respect to a constant"), Error);
}

TEST_CASE("tape: the gradient of an output by itself is its seed") {
  const Variable x = leaf({4});
  check_close(grad_of(x, x), {1});
  const Variable y = square(x);
  check_close(grad_of(y, y), {1});
}

TEST_CASE("tape: grad by a value in the middle stops there") {
  const Variable x = leaf({0.5});
  int below = 0;
  const Variable middle = exp(probe(x, [&](const Cotangents&) { ++below; }));
  const Variable y = square(middle);
  check_close(grad_of(y, middle), {2 * std::exp(0.5)});
  CHECK(below == 0);
}

// Then the walk ends at the middle: what x adds on that path is the middle's business.
TEST_CASE("tape: where one input was computed from another, both are ends of the walk") {
  const Variable x = leaf({0.5});
  const Variable middle = exp(x);
  const Variable y = mul(middle, x);
  const Variables inputs{x, middle};
  const Variables g = grad({&y, 1}, inputs);
  check_close(g[0], {std::exp(0.5)});
  check_close(g[1], {0.5});
}

TEST_CASE("tape: several outputs of one node, of which only some are used") {
  const Variable x = leaf({3});
  std::vector<std::pair<bool, bool>> arrived;
  const auto split = [&] {
    return record_many("split", {square(x).value(), scale(x, 5).value()}, {x},
                       [&arrived, x](const Cotangents& gy) -> Variables {
                         arrived.emplace_back(gy[0].defined(), gy[1].defined());
                         Variable g;
                         if (gy[0].defined()) g = mul(gy[0], scale(x, 2));
                         if (gy[1].defined()) {
                           const Variable second = scale(gy[1], 5);
                           g = g.defined() ? add(g, second) : second;
                         }
                         return {g};
                       });
  };
  check_close(grad_of(split()[1], x), {5});
  const Variables both = split();
  check_close(grad_of(add(both[0], both[1]), x), {11});
  CHECK(arrived == std::vector<std::pair<bool, bool>>{{false, true}, {true, true}});
}

TEST_CASE("tape: what is not wanted is not asked for") {
  const Variable x = leaf({1});
  const Variable frozen = leaf({2}, false);
  const Variable other = leaf({3});
  std::vector<bool> wanted;
  const auto three = [&] {
    return record("three", x.value(), {x, frozen, other}, [&](const Cotangents& gy) -> Variables {
      wanted = gy.wanted;
      return {gy[0], Variable(), gy.wants(2) ? gy[0] : Variable()};
    });
  };
  backward(three());
  CHECK(wanted == std::vector<bool>{true, false, true});
  static_cast<void>(grad_of(three(), x));
  CHECK(wanted == std::vector<bool>{true, false, false});
  static_cast<void>(grad_of(three(), other));
  CHECK(wanted == std::vector<bool>{false, false, true});
}

TEST_CASE("tape: branches that reach no wanted input are not walked") {
  const Variable x = leaf({1});
  const Variable w = leaf({2});
  int walked = 0;
  const Variable branch = probe(square(w), [&](const Cotangents&) { ++walked; });
  const Variable y = add(square(x), branch);
  check_close(grad_of(y, x), {2});
  CHECK(walked == 0);
}

TEST_CASE("tape: d2/dx2 of exp(x^2) and of x exp(x)") {
  const Variable x = leaf({0.3, -0.7});
  const Variable first = grad_of_sum(exp(square(x)), x, {.create_graph = true});
  const Variable second = grad_of_sum(first, x);
  const auto expected = [](double t) { return (2 + 4 * t * t) * std::exp(t * t); };
  check_close(second, {expected(0.3), expected(-0.7)});

  const Variable g = grad_of_sum(mul(x, exp(x)), x, {.create_graph = true});
  check_close(grad_of_sum(g, x), {(2 + 0.3) * std::exp(0.3), (2 - 0.7) * std::exp(-0.7)});
}

TEST_CASE("tape: derivatives of x^5 up to the fifth") {
  const Variable x = leaf({1.5});
  Variable y = mul(mul(square(x), square(x)), x);
  double factor = 1;
  for (int order = 1; order <= 5; ++order) {
    y = grad_of(y, x, {.create_graph = true});
    factor *= 6 - order;
    check_close(y, {factor * std::pow(1.5, 5 - order)});
  }
  CHECK((!y.requires_grad() || !grad_of(y, x, {.create_graph = true}).defined() ||
         values(grad_of(y, x, {.create_graph = true})).front() == 0.0));
}

// The gradient penalty of a critic: backward through a gradient, into other leaves.
TEST_CASE("tape: backward through a gradient reaches the parameters") {
  const Variable x = leaf({2});
  const Variable w = leaf({3});
  const Variable y = mul(w, square(x));  // dy/dx = 2 w x
  const Variable penalty = square(grad_of(y, x, {.create_graph = true}));
  backward(penalty);  // (2 w x)^2: by w 8 w x^2, by x 8 w^2 x
  check_close(w.grad(), {8 * 3 * 4});
  check_close(x.grad(), {8 * 9 * 2});
}

TEST_CASE("tape: create_graph differentiates by the seed too") {
  const Variable x = leaf({2});
  const Variable seed = leaf({5});
  const Variable y = square(x);
  const Variable g = grad({&y, 1}, {&x, 1}, {&seed, 1}, {.create_graph = true}).front();
  check_close(grad_of(g, seed, {.retain_graph = true}), {4});
  check_close(grad_of(g, x), {10});
}

TEST_CASE("tape: without create_graph a gradient is a constant") {
  const Variable x = leaf({2});
  CHECK_FALSE(grad_of(square(x), x).requires_grad());
  CHECK_FALSE(grad_of(square(x), x, {.retain_graph = true}).requires_grad());
}

TEST_CASE("tape: nothing is recorded under NoGrad, of constants, and behind detach") {
  const Variable x = leaf({2});
  CHECK(is_recording());
  {
    const NoGrad outer;
    CHECK_FALSE(is_recording());
    { const NoGrad inner; }
    CHECK_FALSE(is_recording());
    CHECK_FALSE(square(x).requires_grad());
  }
  CHECK(is_recording());
  CHECK_FALSE(square(leaf({2}, false)).requires_grad());
  const Variable y = mul(x, square(x).detach());
  check_close(grad_of(y, x), {4});
}

TEST_CASE("tape: an exception in a vjp leaves the recording flag as it was") {
  const Variable x = leaf({2});
  const Variable y = probe(x, [](const Cotangents&) { throw std::runtime_error("nope"); });
  CHECK_THROWS_AS(backward(y), std::runtime_error);
  CHECK(is_recording());
  CHECK_THROWS_AS(static_cast<void>(grad_of(y, x)), std::runtime_error);
  CHECK(is_recording());
}

TEST_CASE("tape: a released graph says so, with the operator's name") {
  const Variable x = leaf({2});
  Variable y = probe(
      x, [](const Cotangents&) {}, "the_probe");
  backward(y);
  CHECK_THROWS_WITH_AS(backward(y), doctest::Contains("the_probe: its graph was released"), Error);
  y = probe(
      x, [](const Cotangents&) {}, "the_probe");
  static_cast<void>(grad_of(y, x, {.retain_graph = true}));
  static_cast<void>(grad_of(y, x));
  CHECK_THROWS_WITH_AS(static_cast<void>(grad_of(y, x)), doctest::Contains("the_probe"), Error);
}

TEST_CASE("tape: a vjp that gives the wrong number or shape of gradients is named") {
  const Variable x = leaf({2, 3});
  const auto op_with = [&](Variables gradients) {
    return sum(
        record("the_op", x.value(), {x}, [gradients](const Cotangents&) { return gradients; }));
  };
  CHECK_THROWS_WITH_AS(backward(op_with({})), doctest::Contains("the_op: 0 gradients for 1"),
                       Error);
  CHECK_THROWS_WITH_AS(backward(op_with({leaf({1, 2, 3}, false)})),
                       doctest::Contains("a gradient of shape [3] for a value of shape [2]"),
                       Error);
}

TEST_CASE("tape: an operator without a second derivative throws with its name") {
  const Variable x = leaf({2});
  const Variable y = probe(x, [](const Cotangents&) { require_first_order("the_probe"); });
  check_close(grad_of(y, x, {.retain_graph = true}), {1});
  CHECK_THROWS_WITH_AS(static_cast<void>(grad_of(y, x, {.create_graph = true})),
                       doctest::Contains("the_probe has no second derivative"), Error);
}

namespace {

// y = x^2 exp(c): a fused operator whose vjp is that of its composite form.
Variables composite(const Variables& in) {
  return {mul(square(in[0]), exp(in[1]))};
}
Variable fused(const Variable& x, const Variable& c) {
  const NoGrad no_grad;
  const Tensor y = composite({x, c}).front().value();
  return Variable(y);
}
Variable fused_recorded(const Variable& x, const Variable& c) {
  return record("fused", fused(x, c).value(), {x, c}, [x, c](const Cotangents& gy) {
    return vjp_of_composite(composite, {x, c}, gy);
  });
}

}  // namespace

TEST_CASE("tape: the vjp of a composite form is differentiable") {
  const Variable x = leaf({3});
  const Variable c = leaf({0.5});
  const double e = std::exp(0.5);
  const Variables inputs{x, c};
  const Variable y = fused_recorded(x, c);
  const Variables g = grad({&y, 1}, inputs, {}, {.create_graph = true});
  check_close(g[0], {6 * e});
  check_close(g[1], {9 * e});
  const Variables by_x = grad({&g[0], 1}, inputs, {}, {.retain_graph = true});
  check_close(by_x[0], {2 * e});
  check_close(by_x[1], {6 * e});
  check_close(grad({&g[1], 1}, inputs).at(1), {9 * e});
}

TEST_CASE("tape: a composite whose inputs depend on each other or are the same") {
  const Variable x = leaf({0.5});
  const auto check = [&](auto make_y, double expected_first, double expected_second) {
    const Variable g = grad_of(make_y(), x, {.create_graph = true});
    check_close(g, {expected_first});
    check_close(grad_of(g, x), {expected_second});
  };
  // c = x: y = x^2 e^x.
  check([&] { return fused_recorded(x, x); }, (0.25 + 1) * std::exp(0.5),
        (0.25 + 4 * 0.5 + 2) * std::exp(0.5));
  // c = x^2: y = x^2 e^(x^2); with s = x^2: y' = 2x (1+s) e^s, y'' = (2 + 10 s + 4 s^2) e^s.
  check([&] { return fused_recorded(x, square(x)); }, (1 + 0.25) * std::exp(0.25),
        (2 + 10 * 0.25 + 4 * 0.0625) * std::exp(0.25));
}

TEST_CASE("tape: a composite of which one input is wanted") {
  const Variable x = leaf({3});
  const Variable frozen = leaf({0.5}, false);
  const Variable g = grad_of(fused_recorded(x, frozen), x, {.create_graph = true});
  check_close(g, {6 * std::exp(0.5)});
  check_close(grad_of(g, x), {2 * std::exp(0.5)});
}

TEST_CASE("tape: a chain of 100,000 nodes is walked and freed without deep recursion") {
  const Variable x = leaf({1});
  const auto chain = [&] {
    Variable y = x;
    for (int i = 0; i < 100'000; ++i) y = identity(y);
    return y;
  };
  backward(chain());
  check_close(x.grad(), {1});
  // Freed unwalked, which nothing unlinks beforehand.
  static_cast<void>(chain());
  // And the graph of a gradient.
  check_close(grad_of(chain(), x, {.create_graph = true}), {1});
}

TEST_CASE("tape: a chain is freed where a vjp holds the only handle to what lies below") {
  const Variable x = leaf({1});
  Variable y = x;
  for (int i = 0; i < 100'000; ++i) y = mul(y, y);
  CHECK(y.requires_grad());
  y = Variable();
}

TEST_CASE("tape: backward releases what it has passed") {
  constexpr std::int64_t kElements = 1 << 20;
  constexpr int kLayers = 20;
  Variable x(Tensor::zeros({kElements}, DType::f32), true);
  const std::size_t bytes = x.value().bytes();
  const std::size_t before = memory_stats(kCpu).in_use;
  Variable y = x;
  for (int i = 0; i < kLayers; ++i) y = exp(scale(y, 0.1));
  const std::size_t held = memory_stats(kCpu).in_use;
  CHECK(held >= before + kLayers * bytes);
  Variable loss = sum(y);
  y = Variable();
  reset_peak(kCpu);
  std::size_t lowest = memory_stats(kCpu).in_use;
  // The probe sits at the bottom: by then the layers above it must be gone.
  loss = Variable();
  std::size_t at_the_bottom = 0;
  y = probe(x, [&](const Cotangents&) { at_the_bottom = memory_stats(kCpu).in_use; });
  for (int i = 0; i < kLayers; ++i) y = exp(scale(y, 0.1));
  loss = sum(y);
  y = Variable();
  lowest = std::min(lowest, memory_stats(kCpu).in_use);
  backward(loss);
  CHECK(at_the_bottom <= before + 4 * bytes);
  CHECK(memory_stats(kCpu).peak <= lowest + (kLayers + 8) * bytes);
  loss = Variable();
  x.clear_grad();
  CHECK(memory_stats(kCpu).in_use == before);
}

TEST_CASE("tape: an abandoned graph holds nothing") {
  const Variable x = leaf({1, 2, 3});
  const std::size_t before = memory_stats(kCpu).in_use;
  {
    const Variable y = sum(exp(mul(x, x)));
    const Variable g = grad_of(y, x, {.create_graph = true});
    CHECK(memory_stats(kCpu).in_use > before);
  }
  CHECK(memory_stats(kCpu).in_use == before);
}

TEST_CASE("variable: rebind replaces a leaf's value, of the same shape and type") {
  Variable x = leaf({1, 2});
  x.rebind(Tensor::from(std::vector<double>{3, 4}, {2}, DType::f64));
  check_close(x, {3, 4});
  CHECK_THROWS_WITH_AS(x.rebind(Tensor::zeros({3}, DType::f64)), doctest::Contains("rebind of [2]"),
                       Error);
  CHECK_THROWS_WITH_AS(x.rebind(Tensor::zeros({2}, DType::f32)), doctest::Contains("rebind"),
                       Error);
  CHECK_THROWS_WITH_AS(square(x).rebind(Tensor::zeros({2}, DType::f64)),
                       doctest::Contains("rebind"), Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(Variable().value()), doctest::Contains("undefined"),
                       Error);
  CHECK_THROWS_WITH_AS(x.bind_grad(Tensor::zeros({3}, DType::f64)), doctest::Contains("[3]"),
                       Error);
}

TEST_CASE("tape: a leaf is reported when all of its gradient is there, and not before") {
  Variable early = leaf({1, 2});
  Variable late = leaf({3, 4});
  Variable unreached = leaf({5, 6});
  std::vector<std::vector<double>> reported;
  std::vector<const std::byte*> order;
  const auto note = [&](const Tensor& grad) {
    order.push_back(grad.raw());
    reported.push_back(grad.to_doubles());
  };
  for (Variable* const v : {&early, &late, &unreached}) {
    v->bind_grad(Tensor::zeros({2}, DType::f64));
  }
  // `early` is used in two places, `late` at the end alone. The probe that gives nothing back keeps
  // `unreached` from ever being complete.
  const Variable lost = record("lost", unreached.value(), {unreached},
                               [](const Cotangents&) { return Variables{Variable()}; });
  const Variable y = mul(add(mul(early, early), lost), late);
  backward(sum(y), {.on_complete = note});
  REQUIRE(order.size() == 2);
  CHECK(order[0] == late.grad().raw());
  CHECK(order[1] == early.grad().raw());
  CHECK(reported[0] == std::vector<double>{1 * 1 + 5, 2 * 2 + 6});
  CHECK(reported[1] == std::vector<double>{2 * 1 * 3, 2 * 2 * 4});
}

TEST_SUITE_END();

// ---- gradients written in their place -----------------------------------------------------------

namespace {

// A parameter as a network has it: its gradient lives in a given tensor, of zeros.
Variable parameter(const Tensor& value) {
  Variable p(value, true);
  p.bind_grad(Tensor::zeros(value.shape(), value.dtype()));
  return p;
}

Tensor ramp(const Shape& shape, DType dtype) {
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = 0.125 * static_cast<double>(i % 13) - 0.7;
  return Tensor::from(values, shape, dtype);
}

}  // namespace

TEST_CASE("gradients that are zero are written over, with what adding would have given") {
  const Tensor x = ramp({3, 5, 5, 4}, DType::f64);
  const auto gradient_of = [&](bool zero, int uses) {
    const Variable w = parameter(ramp({6, 3, 3, 4}, DType::f64));
    Variable loss;
    for (int i = 0; i < uses; ++i) {
      const Variable one = sum(square(conv2d(Variable(x), w, {})));
      loss = loss.defined() ? add(loss, scale(one, 0.5)) : one;
    }
    const std::byte* const place = w.grad().raw();
    backward(loss, {.grads_are_zero = zero});
    CHECK(w.grad().raw() == place);
    return w.grad().to_doubles();
  };
  for (const int uses : {1, 2, 3}) {  // the first use is written, the others are added
    CAPTURE(uses);
    CHECK(gradient_of(true, uses) == gradient_of(false, uses));
  }
}

TEST_CASE("a leaf that comes twice into one call gets both gradients") {
  const Variable w = parameter(ramp({4, 4}, DType::f64));
  backward(sum(matmul(w, w)), {.grads_are_zero = true});
  const Variable v = parameter(ramp({4, 4}, DType::f64));
  backward(sum(matmul(v, v)));
  CHECK(w.grad().to_doubles() == v.grad().to_doubles());
}

TEST_CASE("writing in place costs no launch of its own") {
  const Variable w = parameter(ramp({6, 3, 3, 4}, DType::f32));
  const Variable x(ramp({2, 4, 4, 4}, DType::f32));
  const auto launches = [&](bool zero) {
    const Variable y = conv2d(x, w, {});
    const Variable seed(ramp(y.shape(), DType::f32));
    const WorkCounts before = work_counts();
    backward(y, {.seed = seed, .grads_are_zero = zero});
    return (work_counts() - before).launches();
  };
  CHECK(launches(true) == 1);   // the weight gradient
  CHECK(launches(false) == 2);  // and an addition
}

TEST_CASE("what is computed from a rounded copy of a leaf teaches the leaf, unrounded") {
  const Variable w = parameter(ramp({6, 3, 3, 4}, DType::f32));
  const auto rounded = [](const Tensor& t) { return cast(Variable(t), DType::bf16).value(); };
  const Tensor x = rounded(ramp({2, 5, 5, 4}, DType::f32));
  const Variable y = conv2d(Variable(x), w.by_copy(rounded(w.value())), {});
  CHECK(y.dtype() == DType::bf16);
  const Tensor gy = rounded(ramp(y.shape(), DType::f32));
  backward(y, {.seed = Variable(gy), .grads_are_zero = true});
  Tensor expected = Tensor::empty(w.shape(), DType::f32);
  conv_wgrad(gy, x, expected, conv2d_geometry(x.shape(), w.shape(), {}));
  CHECK(w.grad().to_doubles() == expected.to_doubles());
  CHECK_THROWS_WITH_AS(static_cast<void>(w.by_copy(x)), doctest::Contains("a copy of shape"),
                       Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(y.by_copy(y.value())),
                       doctest::Contains("a copy of shape"), Error);
}

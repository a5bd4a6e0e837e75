// The operator harness under test: each check must pass a right operator and catch the mistake it
// is there for. The wrong operators live here alone, outside the registry.
#include <doctest/doctest.h>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "kernels/launch/launch.hpp"
#include "tests/op_harness.hpp"

using namespace scimix;

namespace {

// y = x^3, whole or with one mistake.
enum class Mistake {
  none,
  forward_off,         // by 1e-5
  forward_off_narrow,  // by 3%, in bf16 alone
  gradient_off,        // by 0.1%
  gradient_off_f32,    // by 0.1%, in f32 alone
  second_missing,      // the derivative is a constant for the second pass
  second_refused,      // throws, with the operator's name
  second_refused_nameless,
  graph_gradient_off,  // another gradient with create_graph than without
  write_past_end,
  write_before_start,
  unwritten,
  phase_race,
  nothing_when_alone,  // the gradient depends on who else wants one
  leak,
};

// y = f(x), element by element, on the CPU.
template <class F>
void map(const Tensor& x, const Output& y, std::int64_t begin, std::int64_t end, F f) {
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* from = x.data<T>();
    T* to = y.data<T>();
    cpu::for_each(end - begin, [=](std::int64_t i) {
      to[begin + i] = static_cast<T>(f(static_cast<compute_t<T>>(from[begin + i])));
    });
  });
}

Tensor cube_forward(const Tensor& x, Mistake mistake) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  double factor = mistake == Mistake::forward_off ? 1.00001 : 1.0;
  if (mistake == Mistake::forward_off_narrow && x.dtype() == DType::bf16) factor = 1.03;
  const std::int64_t end = x.numel() - (mistake == Mistake::unwritten ? 1 : 0);
  map(x, y, 0, end, [factor](auto v) { return v * v * v * static_cast<decltype(v)>(factor); });
  return y;
}

// Writes one element next to the array, where only a fence can see it.
void spoil_neighbour(const Output& y, std::int64_t where) {
  dispatch_floating(y.dtype(), [&]<class T>(TypeTag<T>) {
    T* to = y.data<T>();
    cpu::for_each(1, [=](std::int64_t i) { to[where + i] = static_cast<T>(1.0F); });
  });
}

// A phase in which each item adds what its left neighbour wrote, times nearly nothing.
void race(const Output& y) {
  dispatch_floating(y.dtype(), [&]<class T>(TypeTag<T>) {
    T* to = y.data<T>();
    cpu::for_each_block(1, 0, [=](cpu::Block& b) {
      b.each(y.numel() - 1, [&](std::int64_t i) {
        to[i + 1] = static_cast<T>(static_cast<compute_t<T>>(to[i + 1]) +
                                   compute_t<T>(0.01) * static_cast<compute_t<T>>(to[i]));
      });
    });
  });
}

Variable cube_gradient(const Variable& gy, const Variable& x, Mistake mistake) {
  const bool f32 = x.dtype() == DType::f32;
  double factor = 3.0;
  if (mistake == Mistake::gradient_off) factor *= 1.001;
  if (mistake == Mistake::gradient_off_f32 && f32) factor *= 1.001;
  if (mistake == Mistake::graph_gradient_off && is_recording()) factor *= 1.001;
  const Variable base = mistake == Mistake::second_missing ? x.detach() : x;
  return mul(gy, scale(mul(base, base), factor));
}

// Holds one tensor of the last call for ever, as a cache without a limit would.
void leak(const Tensor& tensor) {
  static std::vector<Tensor> held;
  held.push_back(tensor);
}

Variable cube(const Variable& x, Mistake mistake) {
  Tensor y = cube_forward(x.value(), mistake);
  if (mistake == Mistake::write_past_end) spoil_neighbour(y, y.numel());
  if (mistake == Mistake::write_before_start) spoil_neighbour(y, -1);
  if (mistake == Mistake::phase_race) race(y);
  if (mistake == Mistake::leak) leak(y);
  return record("cube", y, {x}, [x, mistake](const Cotangents& gy) -> Variables {
    if (mistake == Mistake::second_refused) require_first_order("cube");
    SCIMIX_CHECK(mistake != Mistake::second_refused_nameless || !is_recording(), "no");
    return {cube_gradient(gy[0], x, mistake)};
  });
}

OpCase cube_case(Mistake mistake) {
  OpCase c;
  c.op = "cube";
  c.label = "self-test";
  c.inputs = {{.shape = {3, 37}}};
  c.run = [mistake](const Variables& in) { return Variables{cube(in[0], mistake)}; };
  c.definition = [](const HostArrays& in) {
    HostArray y(in[0].shape);
    for (std::int64_t i = 0; i < y.shape.numel(); ++i) y[i] = in[0][i] * in[0][i] * in[0][i];
    return HostArrays{y};
  };
  return c;
}

// A product of two inputs; with the mistake, a gradient is zero unless both are wanted.
OpCase product_case(Mistake mistake) {
  OpCase c;
  c.op = "product";
  c.label = "self-test";
  c.inputs = {{.shape = {5, 4}}, {.shape = {5, 4}}};
  c.run = [mistake](const Variables& in) {
    const Variable a = in[0];
    const Variable b = in[1];
    const Tensor y = mul(a.detach(), b.detach()).value();
    return Variables{
        record("product", y, {a, b}, [a, b, mistake](const Cotangents& gy) -> Variables {
          const bool alone = !gy.wants(0) || !gy.wants(1);
          const double factor = mistake == Mistake::nothing_when_alone && alone ? 0.0 : 1.0;
          return {gy.wants(0) ? scale(mul(gy[0], b), factor) : Variable(),
                  gy.wants(1) ? scale(mul(gy[0], a), factor) : Variable()};
        })};
  };
  c.definition = [](const HostArrays& in) {
    HostArray y(in[0].shape);
    for (std::int64_t i = 0; i < y.shape.numel(); ++i) y[i] = in[0][i] * in[1][i];
    return HostArrays{y};
  };
  return c;
}

Findings all_checks(const OpCase& c) {
  Findings all;
  const auto append = [&](Findings found) { all.insert(all.end(), found.begin(), found.end()); };
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) append(check_forward(c, dtype));
  append(check_gradient(c));
  append(check_second_gradient(c));
  for (const DType dtype : {DType::f32, DType::bf16}) append(check_gradient_in(c, dtype));
  for (const DType dtype : {DType::f32, DType::bf16}) append(check_memory(c, dtype));
  append(check_phase_order(c));
  append(check_wanted(c));
  append(check_released(c));
  return all;
}

std::string joined(const Findings& findings) {
  std::string out;
  for (const std::string& finding : findings) out += finding + "\n";
  return out;
}

// One finding that names the operator, the case and what is wrong.
void check_caught(const Findings& findings, const char* words) {
  INFO(joined(findings));
  REQUIRE_FALSE(findings.empty());
  CHECK(findings.front().find("'self-test'") != std::string::npos);
  CHECK(joined(findings).find(words) != std::string::npos);
}

}  // namespace

TEST_SUITE_BEGIN("operator harness");

TEST_CASE("harness: right operators pass every check") {
  CHECK_MESSAGE(all_checks(cube_case(Mistake::none)).empty(),
                joined(all_checks(cube_case(Mistake::none))));
  CHECK_MESSAGE(all_checks(product_case(Mistake::none)).empty(),
                joined(all_checks(product_case(Mistake::none))));
}

TEST_CASE("harness: right operators pass without rows") {
  OpCase c = cube_case(Mistake::none);
  c.inputs[0].shape = {0, 5};
  CHECK_MESSAGE(all_checks(c).empty(), joined(all_checks(c)));
}

TEST_CASE("harness: a kink inside the operator does not upset the difference quotients") {
  OpCase c = cube_case(Mistake::none);
  c.inputs[0].shape = {64};
  // The kink stands at the mean of the input, which no list of kinks can name.
  c.run = [](const Variables& in) {
    return Variables{leaky_relu(sub(in[0], mean(in[0], {{}, true})), 0.1)};
  };
  CHECK_MESSAGE(check_gradient(c).empty(), joined(check_gradient(c)));
  CHECK_MESSAGE(check_second_gradient(c).empty(), joined(check_second_gradient(c)));
}

TEST_CASE("harness: a wrong result is caught") {
  check_caught(check_forward(cube_case(Mistake::forward_off), DType::f64), "output 0");
  check_caught(check_forward(cube_case(Mistake::forward_off), DType::f32), "output 0");
  CHECK(check_forward(cube_case(Mistake::forward_off_narrow), DType::f32).empty());
  check_caught(check_forward(cube_case(Mistake::forward_off_narrow), DType::bf16), "bf16");
}

TEST_CASE("harness: a result of the wrong shape is caught") {
  OpCase c = cube_case(Mistake::none);
  c.run = [](const Variables& in) { return Variables{reshape(cube(in[0], Mistake::none), {111})}; };
  check_caught(check_forward(c, DType::f64), "shape [111], expected [3,37]");
}

TEST_CASE("harness: a gradient that is 0.1% off is caught") {
  check_caught(check_gradient(cube_case(Mistake::gradient_off)), "gradient of input 0");
}

TEST_CASE("harness: a case whose inputs cannot be differentiated is caught") {
  OpCase c = cube_case(Mistake::none);
  c.inputs[0].differentiable = false;
  check_caught(check_gradient(c), "no input is differentiable");
}

TEST_CASE("harness: a gradient that is wrong in f32 alone is caught") {
  const OpCase c = cube_case(Mistake::gradient_off_f32);
  CHECK(check_gradient(c).empty());
  check_caught(check_gradient_in(c, DType::f32), "gradient of input 0");
}

TEST_CASE("harness: a missing term of the second derivative is caught") {
  const OpCase c = cube_case(Mistake::second_missing);
  CHECK(check_gradient(c).empty());
  check_caught(check_second_gradient(c), "second derivative by input 0");
}

TEST_CASE("harness: another gradient with create_graph is caught") {
  const OpCase c = cube_case(Mistake::graph_gradient_off);
  CHECK(check_gradient(c).empty());
  check_caught(check_second_gradient(c), "with create_graph");
}

TEST_CASE("harness: a second derivative that is refused must be declared, and named") {
  OpCase c = cube_case(Mistake::second_refused);
  check_caught(check_second_gradient(c), "cube has no second derivative");
  c.second_gradient = false;
  CHECK(check_second_gradient(c).empty());

  c = cube_case(Mistake::second_refused_nameless);
  c.second_gradient = false;
  check_caught(check_second_gradient(c), "without its name");

  c = cube_case(Mistake::none);
  c.second_gradient = false;
  check_caught(check_second_gradient(c), "did not throw");
}

TEST_CASE("harness: a write outside the output is caught") {
  check_caught(check_memory(cube_case(Mistake::write_past_end), DType::f32), "overwritten");
  check_caught(check_memory(cube_case(Mistake::write_past_end), DType::bf16), "overwritten");
  check_caught(check_memory(cube_case(Mistake::write_before_start), DType::f32), "overwritten");
}

TEST_CASE("harness: an element left unwritten is caught") {
  check_caught(check_memory(cube_case(Mistake::unwritten), DType::f32), "element 110 of [3,37]");
  check_caught(check_memory(cube_case(Mistake::unwritten), DType::bf16), "element 110 of [3,37]");
}

TEST_CASE("harness: an item that reads what another wrote in its phase is caught") {
  check_caught(check_phase_order(cube_case(Mistake::phase_race)), "with shuffled phases");
}

TEST_CASE("harness: a gradient that depends on who else wants one is caught") {
  const OpCase c = product_case(Mistake::nothing_when_alone);
  CHECK(check_gradient(c).empty());
  check_caught(check_wanted(c), "wanted alone");
}

TEST_CASE("harness: memory that is held for ever is caught") {
  check_caught(check_released(cube_case(Mistake::leak)), "bytes are still held");
}

TEST_CASE("harness: an operator that throws is a finding, not the end of the run") {
  OpCase c = cube_case(Mistake::none);
  c.run = [](const Variables&) -> Variables { throw std::runtime_error("nope"); };
  check_caught(check_forward(c, DType::f64), "threw: nope");
  check_caught(check_gradient(c), "threw: nope");
}

TEST_SUITE_END();

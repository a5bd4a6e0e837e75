// R1's gradient, which is a second derivative of the critic, against central differences and
// against a derivation that never differentiates twice.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/random.hpp"
#include "losses/r1.hpp"
#include "models/discriminator.hpp"
#include "tests/dot.hpp"

using namespace scimix;
using scimix::test::dot;

namespace {

using Variables = std::vector<Variable>;
using Critic = std::function<Variable(const Variable&)>;

Tensor draw(const Shape& shape, std::uint32_t item, double size = 1.0, DType dtype = DType::f64) {
  Random random(5, Purpose::test, 0, item);
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  for (double& value : values) value = size * random.uniform(-1.0F, 1.0F);
  return Tensor::from(values, shape, dtype);
}

double value_of(const Variable& v) {
  return v.value().to_doubles().at(0);
}

// f along `direction` at 0, by the five-point rule (error of order h^4), while `parameter` moves.
// Two steps: the penalty jumps where a leaky ReLU switches, and their disagreement shows that.
struct Slope {
  double value;
  double uncertainty;
};
Slope slope_along(const std::function<double()>& f, Tensor& parameter, const Tensor& direction) {
  const std::vector<double> start = parameter.to_doubles();
  const std::vector<double> step = direction.to_doubles();
  const auto at = [&](double t) {
    std::vector<double> moved = start;
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += t * step[i];
    parameter.copy_from_host(moved.data());
    return f();
  };
  const auto rule = [&](double h) {
    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  };
  const double coarse = rule(2e-5);
  const double fine = rule(1e-5);
  parameter.copy_from_host(start.data());
  return {fine, std::abs(fine - coarse)};
}

// Compares `gradient` with differences of the penalty along random directions of the parameter:
// to 1e-6 of what such a direction typically sees, beside the rounding of the penalty (1e-14 of it)
// over the step of 1e-5.
void check_by_differences(const std::function<double()>& penalty, Tensor& parameter,
                          const Tensor& gradient) {
  const double typical = std::sqrt(dot(gradient, gradient) / 3.0);  // |direction|^2 is about n/3
  const double allowed = 1e-6 * typical + 1e-9 * penalty();
  for (std::uint32_t i = 0; i < 3; ++i) {
    const Tensor direction = draw(parameter.shape(), 100 + i);
    const double expected = dot(gradient, direction);
    const Slope slope = slope_along(penalty, parameter, direction);
    CAPTURE(i);
    CAPTURE(expected);
    CAPTURE(slope.value);
    CHECK(slope.uncertainty <= allowed);
    CHECK(std::abs(slope.value - expected) <= allowed);
  }
}

// ---- a critic of which every layer is in sight --------------------------------------------------

constexpr BiasAct kAct{.slope = 0.2, .gain = 1.4142135623730951};
constexpr Conv2d kSame{.stride = 1, .pad = 1};
constexpr Conv2d kHalve{.stride = 2, .pad = 0};

// x [N,6,6,3] -> conv 3x3, bias, leaky ReLU (of single operators); filter; conv 3x3 stride 2, fused
// bias_act; mean over pixels; linear -> [N].
struct SmallCritic {
  std::vector<std::string> names = {"w1", "b1", "w2", "b2", "w3", "b3"};
  Variables parameters = {Variable(draw({4, 3, 3, 3}, 1, 0.5), true),
                          Variable(draw({4}, 2, 0.3), true),
                          Variable(draw({5, 3, 3, 4}, 3, 0.5), true),
                          Variable(draw({5}, 4, 0.3), true),
                          Variable(draw({1, 5}, 5), true),
                          Variable(draw({1}, 6), true)};
  Tensor filter = Tensor::from(std::vector<double>{1, 3, 3, 1, 3, 9, 9, 3, 3, 9, 9, 3, 1, 3, 3, 1},
                               {4, 4}, DType::f64);
  UpFirDn blur{.pad = {2, 2, 2, 2}, .gain = 1.0 / 64};

  struct Pass {
    Variable act1, act2, logits;
  };
  [[nodiscard]] Pass primal(const Variable& x) const {
    const Variables& p = parameters;
    Pass out;
    out.act1 = leaky_relu(add(conv2d(x, p[0], kSame), p[1]), kAct.slope);
    const Variable blurred = upfirdn2d(out.act1, filter, blur);
    out.act2 = bias_act(conv2d(blurred, p[2], kHalve), p[3], kAct);
    out.logits = reshape(linear(global_average_pool(out.act2), p[4], p[5]), {x.dim(0)});
    return out;
  }

  // The derivative of the logits along v: v through the same linear layers without biases, with the
  // slopes that the primal's activations had.
  [[nodiscard]] Variable tangent(const Pass& at, const Variable& v) const {
    const Variables& p = parameters;
    Variable t = leaky_relu_grad(conv2d(v, p[0], kSame), at.act1.detach(), kAct.slope);
    t = conv2d(upfirdn2d(t, filter, blur), p[2], kHalve);
    t = scale(leaky_relu_grad(t, at.act2.detach(), kAct.slope), kAct.gain);
    return reshape(linear(global_average_pool(t), p[4], {}), {v.dim(0)});
  }

  [[nodiscard]] Critic logits() const {
    return [this](const Variable& x) { return primal(x).logits; };
  }
};

constexpr double kGamma = 3.0;
const Shape kImages{3, 6, 6, 3};

}  // namespace

TEST_SUITE_BEGIN("r1");

TEST_CASE("r1_penalty of a linear critic is gamma/2 |w|^2, with gradient gamma w") {
  const Variable w(draw({1, 12}, 1), true);
  const Critic critic = [&](const Variable& x) {
    return reshape(linear(reshape(x, {x.dim(0), 12}), w, {}), {x.dim(0)});
  };
  const Variable penalty = r1_penalty(critic, draw({4, 2, 2, 3}, 2), kGamma);
  CHECK(penalty.shape() == Shape{});
  CHECK(value_of(penalty) == doctest::Approx(kGamma / 2 * dot(w.value(), w.value())));
  backward(penalty);
  const std::vector<double> at = w.value().to_doubles();
  const std::vector<double> found = w.grad().to_doubles();
  for (std::size_t i = 0; i < at.size(); ++i) CHECK(found[i] == doctest::Approx(kGamma * at[i]));
}

// D = x^2 w per row: the penalty is gamma/2 mean (2 x w)^2, and so differs by row.
TEST_CASE("r1_penalty is the mean over rows of their own squared gradients") {
  const Variable w(Tensor::from(std::vector<double>{0.5}, {1}, DType::f64), true);
  const Tensor x = Tensor::from(std::vector<double>{1, 2, 3}, {3, 1, 1, 1}, DType::f64);
  const auto critic = [&](const Variable& in) { return mul(reshape(square(in), {3}), w); };
  const Variable penalty = r1_penalty(critic, x, 2.0);
  CHECK(value_of(penalty) == doctest::Approx((1.0 + 4 + 9) / 3));
  backward(penalty);
  CHECK(w.grad().to_doubles()[0] == doctest::Approx((4.0 + 16 + 36) / 3));
}

TEST_CASE("r1_penalty of a critic that ignores its input is a bug") {
  const Variable w(draw({3}, 1), true);
  CHECK_THROWS_WITH_AS(
      static_cast<void>(r1_penalty([&](const Variable&) { return w; }, draw({3, 2, 2, 3}, 2), 1.0)),
      doctest::Contains("r1_penalty"), Error);
}

TEST_CASE("r1_penalty: its gradient by double backward is that of the tangent network") {
  const SmallCritic critic;
  const Tensor real = draw(kImages, 7);
  const auto rows = static_cast<double>(real.dim(0));

  const Variable penalty = r1_penalty(critic.logits(), real, kGamma);
  const Variables double_backward = grad({&penalty, 1}, critic.parameters);

  // With v = grad_x sum D as a constant: d(|g|^2 / 2) = d<g, v> = d(the derivative of D along v).
  const Variable x(real, true);
  const SmallCritic::Pass pass = critic.primal(x);
  const Variable total = sum(pass.logits);
  const Variable v = grad({&total, 1}, {&x, 1}, {}, {.retain_graph = true}).front();
  const Variable along = sum(critic.tangent(pass, v));
  CHECK(value_of(along) == doctest::Approx(dot(v.value(), v.value())).epsilon(1e-12));
  CHECK(value_of(penalty) == doctest::Approx(kGamma / 2 / rows * value_of(along)).epsilon(1e-12));
  const Variable objective = scale(along, kGamma / rows);
  const Variables by_tangent = grad({&objective, 1}, critic.parameters);

  for (std::size_t i = 0; i < critic.parameters.size(); ++i) {
    CAPTURE(critic.names[i]);
    const bool is_bias = critic.names[i][0] == 'b';
    CHECK(by_tangent[i].defined() == !is_bias);
    if (is_bias) {
      // Moving a bias moves no slope: no gradient, or one of zeros.
      if (double_backward[i].defined()) {
        CHECK(dot(double_backward[i].value(), double_backward[i].value()) == 0);
      }
      continue;
    }
    REQUIRE(double_backward[i].defined());
    const std::vector<double> got = double_backward[i].value().to_doubles();
    const std::vector<double> expected = by_tangent[i].value().to_doubles();
    double largest = 0;
    double worst = 0;
    for (std::size_t j = 0; j < got.size(); ++j) {
      largest = std::max(largest, std::abs(expected[j]));
      worst = std::max(worst, std::abs(got[j] - expected[j]));
    }
    CHECK(largest > 1e-3);
    CHECK(worst <= 1e-8 * largest);
  }
}

TEST_CASE("r1_penalty: its gradient against central differences, small critic") {
  const SmallCritic critic;
  const Tensor real = draw(kImages, 7);
  const auto penalty = [&] { return r1_penalty(critic.logits(), real, kGamma); };
  backward(penalty());
  for (std::size_t i = 0; i < critic.parameters.size(); ++i) {
    CAPTURE(critic.names[i]);
    const Variable& p = critic.parameters[i];
    if (critic.names[i][0] == 'b') continue;  // moves no slope: see above
    REQUIRE(p.grad().defined());
    Tensor value = p.value();
    check_by_differences([&] { return value_of(penalty()); }, value, p.grad());
  }
}

TEST_CASE("r1_penalty: its gradient against central differences, the discriminator") {
  struct Choice {
    DiscriminatorArch arch;
    std::int64_t minibatch_std;
  };
  const std::vector<Choice> choices = {
      {DiscriminatorArch::orig, 0}, {DiscriminatorArch::resnet, 0}, {DiscriminatorArch::orig, 2}};
  for (const Choice& choice : choices) {
    CAPTURE(static_cast<int>(choice.arch));
    CAPTURE(choice.minibatch_std);
    Discriminator critic({.image_size = 8,
                          .base_channels = 3,
                          .max_channels = 5,
                          .arch = choice.arch,
                          .minibatch_std = choice.minibatch_std},
                         3, kCpu, DType::f64);
    const Tensor real = draw({4, 8, 8, 3}, 8);
    const auto penalty = [&] {
      return r1_penalty([&](const Variable& x) { return critic.forward(x); }, real, kGamma);
    };
    ParameterStore& store = critic.parameters();
    store.zero_grad();
    backward(penalty());
    std::vector<ParameterStore::Named> parameters = store.parameters();
    const std::vector<ParameterStore::Named> gradients = store.gradients();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::string& name = parameters[i].name;
      CAPTURE(name);
      const double size = dot(gradients[i].value(), gradients[i].value());
      // A bias moves no slope, so it matters only below the deviation of the batch, which is not
      // linear in what it sees.
      const bool matters =
          !name.ends_with("bias") || (choice.minibatch_std > 0 && !name.starts_with("epilogue"));
      CHECK((size > 0) == matters);
      parameters[i].change([&](Tensor& parameter) {
        check_by_differences([&] { return value_of(penalty()); }, parameter, gradients[i].value());
      });
    }
  }
}

TEST_CASE("r1_penalty in f32 and of bf16 images is that of f64") {
  const Tensor real = draw({4, 8, 8, 3}, 8, 1.0, DType::bf16);
  const auto penalty_in = [&](DType parameters, DType images) {
    Discriminator critic({.image_size = 8, .base_channels = 8, .max_channels = 8}, 3, kCpu,
                         parameters);
    const Tensor x = Tensor::from(real.to_doubles(), real.shape(), images);
    const Variable penalty =
        r1_penalty([&](const Variable& in) { return critic.forward(in); }, x, kGamma);
    CHECK(penalty.dtype() == parameters);
    critic.parameters().zero_grad();
    backward(penalty);
    const Tensor g = critic.parameters().gradient_slab().flat();
    CHECK(dot(g, g) > 0);
    return value_of(penalty);
  };
  const double expected = penalty_in(DType::f64, DType::f64);
  CHECK(penalty_in(DType::f32, DType::f32) == doctest::Approx(expected).epsilon(1e-5));
  CHECK(penalty_in(DType::f32, DType::bf16) == doctest::Approx(expected).epsilon(5e-2));
}

TEST_SUITE_END();

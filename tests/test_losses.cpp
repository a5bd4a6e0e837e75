// Every loss against its formula in plain numbers, its gradient against central differences, and
// what must get no gradient.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "losses/adversarial.hpp"
#include "losses/consistency.hpp"
#include "losses/distance.hpp"
#include "losses/hybridization.hpp"
#include "losses/reconstruction.hpp"
#include "tests/loss_checks.hpp"

using namespace scimix;
using scimix::test::check_loss;
using scimix::test::probability;
using scimix::test::scalar;

namespace {

// ---- the formulas, in plain numbers -------------------------------------------------------------

using Formula = std::function<double(double, double)>;

std::int64_t row_length(const HostArray& x) {
  return x.shape[0] == 0 ? 0 : x.shape.numel() / x.shape[0];
}

// Mean of f over the elements of row n.
double row_mean(const HostArray& a, const HostArray& b, std::int64_t n, const Formula& f) {
  const std::int64_t length = row_length(a);
  double sum = 0;
  for (std::int64_t i = n * length; i < (n + 1) * length; ++i) sum += f(a[i], b[i]);
  return sum / static_cast<double>(length);
}

double squared_difference(double a, double b) {
  return (a - b) * (a - b);
}

double distance_of_row(const HostArray& a, const HostArray& b, std::int64_t n) {
  return std::sqrt(row_mean(a, b, n, squared_difference) + 1e-8);
}

double batch_mean(const HostArray& a, const std::function<double(std::int64_t)>& of_row) {
  double sum = 0;
  for (std::int64_t n = 0; n < a.shape[0]; ++n) sum += of_row(n);
  return sum / static_cast<double>(a.shape[0]);
}

// ---- small inputs -------------------------------------------------------------------------------

Variable leaf(const std::vector<double>& values, const Shape& shape, DType dtype = DType::f64) {
  return Variable(Tensor::from(values, shape, dtype), true);
}

double value_of(const Variable& v) {
  REQUIRE(v.value().numel() == 1);
  return v.value().to_doubles()[0];
}

std::vector<double> gradient_of(const Variable& v) {
  REQUIRE(v.grad().defined());
  return v.grad().to_doubles();
}

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> list = {{4, 3, 5, 3}, {7, 13}, {1, 5}, {3, 1}};
  return list;
}

}  // namespace

TEST_SUITE_BEGIN("losses");

// ---- the two operators that losses alone use ----------------------------------------------------

TEST_CASE("scale_gradient: the value stays, the gradient is multiplied") {
  Variable x = leaf({1, -2, 3}, {3});
  const Variable y = scale_gradient(x, 0.25);
  CHECK(y.value().raw() == x.value().raw());
  backward(sum(square(y)));
  CHECK(gradient_of(x) == std::vector<double>{0.5, -1, 1.5});
  x.clear_grad();
  backward(sum(scale_gradient(x, -2.0)));
  CHECK(gradient_of(x) == std::vector<double>{-2, -2, -2});
}

TEST_CASE("scale_gradient: a factor of 0 leaves no gradient at all, beside a path that has one") {
  const Variable x = leaf({1, -2}, {2});
  const Variable cut = scale_gradient(x, 0.0);
  CHECK(cut.value().raw() == x.value().raw());
  CHECK_FALSE(cut.requires_grad());
  backward(sum(add(scale(x, 3.0), square(cut))));
  CHECK(gradient_of(x) == std::vector<double>{3, 3});
}

TEST_CASE("clamp_max: no gradient above the cap, all of it at the cap and below") {
  const Variable x = leaf({0.5, 1.0, 1.5, -7.0}, {4});
  const Variable y = clamp_max(x, 1.0);
  CHECK(y.value().to_doubles() == std::vector<double>{0.5, 1.0, 1.0, -7.0});
  backward(y, {.seed = leaf({2, 3, 5, 7}, {4})});
  CHECK(gradient_of(x) == std::vector<double>{2, 3, 0, 7});
}

TEST_CASE("clamp_max: a NaN is not hidden by the cap") {
  const Variable x = leaf({std::numeric_limits<double>::quiet_NaN()}, {1});
  CHECK(std::isnan(value_of(clamp_max(x, 1.0))));
}

// ---- distance and reconstruction ----------------------------------------------------------------

TEST_CASE("rms_distance against its formula, and its gradient") {
  for (const Shape& shape : shapes()) {
    OpCase c;
    c.op = "rms_distance";
    c.label = text(shape);
    c.inputs = {{.shape = shape}, {.shape = shape}};
    c.run = [](const Variables& in) { return Variables{rms_distance(in[0], in[1])}; };
    c.definition = [](const HostArrays& in) {
      HostArray out(Shape{in[0].shape[0]});
      for (std::int64_t n = 0; n < in[0].shape[0]; ++n) out[n] = distance_of_row(in[0], in[1], n);
      return HostArrays{out};
    };
    check_loss(c);
  }
}

TEST_CASE("rms_distance of equal rows is 1e-4, with a gradient of zero and not NaN") {
  const Variable a = leaf({1, 2, 3, 4}, {2, 2});
  const Variable b = leaf({1, 2, 5, 4}, {2, 2});
  const Variable d = rms_distance(a, b);
  CHECK(d.value().to_doubles()[0] == doctest::Approx(1e-4));
  CHECK(d.value().to_doubles()[1] == doctest::Approx(std::sqrt(2 + 1e-8)));
  backward(sum(d));
  CHECK(gradient_of(a)[0] == 0);
  CHECK(gradient_of(a)[1] == 0);
  CHECK(gradient_of(a)[2] == doctest::Approx(-1 / std::sqrt(2.0)));
  CHECK(gradient_of(b)[2] == doctest::Approx(1 / std::sqrt(2.0)));
}

TEST_CASE("reconstruction_loss in each norm against its formula, and its gradient") {
  struct Choice {
    const char* label;
    ReconstructionNorm norm;
    std::function<double(const HostArray&, const HostArray&, std::int64_t)> of_row;
  };
  const std::vector<Choice> choices = {
      {"rms", ReconstructionNorm::rms, distance_of_row},
      {"mse", ReconstructionNorm::mse,
       [](const HostArray& a, const HostArray& b, std::int64_t n) {
         return row_mean(a, b, n, squared_difference);
       }},
      {"l1", ReconstructionNorm::l1,
       [](const HostArray& a, const HostArray& b, std::int64_t n) {
         return row_mean(a, b, n, [](double x, double y) { return std::abs(x - y); });
       }},
  };
  for (const Choice& choice : choices) {
    for (const Shape& shape : {Shape{4, 6, 6, 3}, Shape{1, 5, 3, 3}}) {
      OpCase c;
      c.op = "reconstruction_loss";
      c.label = text(choice.label, " ", shape);
      c.inputs = {{.shape = shape}, {.shape = shape}};
      c.run = [norm = choice.norm](const Variables& in) {
        return Variables{reconstruction_loss(in[0], in[1], norm)};
      };
      c.definition = [of_row = choice.of_row](const HostArrays& in) {
        return HostArrays{
            scalar(batch_mean(in[0], [&](std::int64_t n) { return of_row(in[0], in[1], n); }))};
      };
      check_loss(c);
    }
  }
}

TEST_CASE("reconstruction_loss: a reconstruction that is right is left alone") {
  for (const auto norm :
       {ReconstructionNorm::rms, ReconstructionNorm::mse, ReconstructionNorm::l1}) {
    const Variable x = leaf({0.5, -0.25, 1}, {1, 3, 1, 1});
    const Variable x_hat = leaf({0.5, -0.25, 1}, {1, 3, 1, 1});
    backward(reconstruction_loss(x, x_hat, norm));
    CHECK(gradient_of(x_hat) == std::vector<double>{0, 0, 0});
  }
}

TEST_CASE("losses name themselves where shapes differ") {
  const Variable a = leaf({1, 2}, {1, 2});
  const Variable b = leaf({1, 2}, {2, 1});
  CHECK_THROWS_WITH_AS(static_cast<void>(rms_distance(a, b)), doctest::Contains("rms_distance"),
                       Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(reconstruction_loss(a, b, ReconstructionNorm::mse)),
                       doctest::Contains("reconstruction_loss"), Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(consistency_loss(a, b)),
                       doctest::Contains("consistency_loss"), Error);
}

// ---- adversarial --------------------------------------------------------------------------------

TEST_CASE("the adversarial losses against -log of the sigmoid, and their gradients") {
  const auto sigmoid_of = [](double x) { return 1 / (1 + std::exp(-x)); };
  struct Choice {
    const char* op;
    Variable (*run)(const Variable&);
    std::function<double(double)> of_logit;
  };
  const std::vector<Choice> choices = {
      {"generator_loss", generator_loss, [&](double d) { return -std::log(sigmoid_of(d)); }},
      {"critic_loss_real", critic_loss_real, [&](double d) { return -std::log(sigmoid_of(d)); }},
      {"critic_loss_fake", critic_loss_fake,
       [&](double d) { return -std::log(1 - sigmoid_of(d)); }},
  };
  for (const Choice& choice : choices) {
    for (const std::int64_t n : {17, 1}) {
      OpCase c;
      c.op = choice.op;
      c.label = text(choice.op, " of ", n);
      c.inputs = {{.shape = {n}, .lo = -4.0, .hi = 4.0}};
      c.run = [run = choice.run](const Variables& in) { return Variables{run(in[0])}; };
      c.definition = [f = choice.of_logit](const HostArrays& in) {
        return HostArrays{scalar(batch_mean(in[0], [&](std::int64_t i) { return f(in[0][i]); }))};
      };
      check_loss(c);
    }
  }
}

TEST_CASE("the adversarial losses of far too sure logits stay finite, and push the right way") {
  Variable logits = leaf({-200, 200}, {2}, DType::f32);
  backward(generator_loss(logits));
  CHECK(value_of(generator_loss(logits)) == doctest::Approx(100));
  CHECK(gradient_of(logits) == std::vector<double>{-0.5, 0});  // towards real, where it seems fake
  logits.clear_grad();
  backward(critic_loss_real(logits));
  CHECK(gradient_of(logits) == std::vector<double>{-0.5, 0});
  logits.clear_grad();
  CHECK(value_of(critic_loss_fake(logits)) == doctest::Approx(100));
  backward(critic_loss_fake(logits));
  CHECK(gradient_of(logits) == std::vector<double>{0, 0.5});
}

// ---- consistency --------------------------------------------------------------------------------

TEST_CASE("consistency_loss against its formula, and the student's gradient") {
  for (const Shape& shape : {Shape{8, 10}, Shape{5, 3}, Shape{1, 2}}) {
    OpCase c;
    c.op = "consistency_loss";
    c.label = text(shape);
    c.inputs = {{.shape = shape, .lo = -3.0, .hi = 3.0},
                {.shape = shape, .lo = -3.0, .hi = 3.0, .differentiable = false}};
    c.run = [](const Variables& in) { return Variables{consistency_loss(in[0], in[1])}; };
    c.definition = [](const HostArrays& in) {
      const std::int64_t classes = in[0].shape[1];
      return HostArrays{scalar(batch_mean(in[0], [&](std::int64_t n) {
        double sum = 0;
        for (std::int64_t k = 0; k < classes; ++k) {
          sum += squared_difference(probability(in[0], n, k), probability(in[1], n, k));
        }
        return sum / static_cast<double>(classes);
      }))};
    };
    check_loss(c);
  }
}

// Public code has trained for years on a consistency of a thing with itself.
TEST_CASE("consistency_loss teaches the student, and never the teacher") {
  Variable student = leaf({1, 0, -1, 2}, {2, 2});
  const Variable teacher = leaf({0, 1, 1, 1}, {2, 2});
  backward(consistency_loss(student, teacher));
  double largest = 0;
  for (const double g : gradient_of(student)) largest = std::max(largest, std::abs(g));
  CHECK(largest > 0.05);
  CHECK_FALSE(teacher.grad().defined());
  // A teacher that is the student itself still is a constant.
  student.clear_grad();
  const Variable loss = consistency_loss(student, student);
  CHECK(value_of(loss) == 0);
  backward(loss);
  CHECK(gradient_of(student) == std::vector<double>{0, 0, 0, 0});
}

// ---- hybridization ------------------------------------------------------------------------------

namespace {

struct CodeShapes {
  Shape logits;
  Shape z_r;
};

// Inputs: logits and z_r of the hybrid, of the semantic parent, of the scene parent.
OpCase hybridization_case(const CodeShapes& shapes, const HybridizationCaps& caps, bool frozen) {
  OpCase c;
  c.op = "hybridization_terms";
  for (int whose = 0; whose < 3; ++whose) {
    const bool learns = whose == 0 || !frozen;
    c.inputs.push_back({.shape = shapes.logits, .lo = -4, .hi = 4, .differentiable = learns});
    c.inputs.push_back({.shape = shapes.z_r, .differentiable = learns});
  }
  c.run = [caps, frozen](const Variables& in) {
    const HybridizationTerms terms =
        hybridization_terms({in[0], in[1]}, {in[2], in[3]}, {in[4], in[5]}, caps, frozen);
    return Variables{terms.class_plus, terms.cont_plus, terms.class_minus, terms.cont_minus};
  };
  c.definition = [caps](const HostArrays& in) {
    const auto mean_distance = [&](int a, int b, double cap) {
      return scalar(batch_mean(in[0], [&](std::int64_t n) {
        return std::min(
            distance_of_row(in[static_cast<std::size_t>(a)], in[static_cast<std::size_t>(b)], n),
            cap);
      }));
    };
    constexpr double kNone = std::numeric_limits<double>::infinity();
    return HostArrays{mean_distance(0, 2, kNone), mean_distance(1, 5, kNone),
                      mean_distance(0, 4, caps.class_minus), mean_distance(1, 3, caps.cont_minus)};
  };
  return c;
}

}  // namespace

TEST_CASE("hybridization_terms against their formulas, and their gradients") {
  const std::vector<CodeShapes> cases = {
      {{6, 10}, {6, 3, 3, 4}}, {{5, 3}, {5, 1, 1, 7}}, {{1, 2}, {1, 2, 2, 1}}};
  for (const CodeShapes& s : cases) {
    for (const bool frozen : {true, false}) {
      // Distances of these inputs are about 3 and 0.8: the second caps cut some rows off.
      for (const HybridizationCaps& caps :
           {HybridizationCaps{100, 100}, HybridizationCaps{3.2, 0.8}}) {
        OpCase c = hybridization_case(s, caps, frozen);
        c.label = text(s.z_r, frozen ? ", frozen" : ", unfrozen", ", caps ", caps.class_minus);
        check_loss(c);
      }
    }
  }
}

namespace {

// Two rows, whose distances to the other parent are below and above the default caps.
struct Pair {
  Codes hybrid{leaf({1, 1, 9, 9}, {2, 2}), leaf({0.5, 3}, {2, 1, 1, 1})};
  Codes semantic{leaf({0, 1, 9, 8}, {2, 2}), leaf({0, 0}, {2, 1, 1, 1})};
  Codes scene{leaf({0, 0, 0, 0}, {2, 2}), leaf({0, 1}, {2, 1, 1, 1})};

  [[nodiscard]] HybridizationTerms terms(bool frozen) const {
    return hybridization_terms(hybrid, semantic, scene, {}, frozen);
  }
};

}  // namespace

TEST_CASE("hybridization_terms: each compares with the right parent") {
  const HybridizationTerms terms = Pair().terms(true);
  CHECK(value_of(terms.class_plus) == doctest::Approx(std::sqrt(0.5)).epsilon(1e-6));
  CHECK(value_of(terms.cont_plus) == doctest::Approx((0.5 + 2) / 2).epsilon(1e-6));
  CHECK(value_of(terms.class_minus) == doctest::Approx((1.0 + 5) / 2).epsilon(1e-6));
  CHECK(value_of(terms.cont_minus) == doctest::Approx((0.5 + 1) / 2).epsilon(1e-6));
}

TEST_CASE("hybridization_terms: past the cap the gradient is exactly zero, below it is not") {
  const Pair p;
  const HybridizationTerms terms = p.terms(true);
  backward(terms.class_minus);
  const std::vector<double> of_logits = gradient_of(p.hybrid.logits);
  CHECK(of_logits[0] == doctest::Approx(0.25));
  CHECK(of_logits[1] == doctest::Approx(0.25));
  CHECK(of_logits[2] == 0);
  CHECK(of_logits[3] == 0);
  backward(terms.cont_minus);
  CHECK(gradient_of(p.hybrid.z_r)[0] == doctest::Approx(0.5));
  CHECK(gradient_of(p.hybrid.z_r)[1] == 0);
}

TEST_CASE("hybridization_terms: frozen parents get no gradient, the hybrid gets all of it") {
  for (const bool frozen : {true, false}) {
    const Pair p;
    const HybridizationTerms terms = p.terms(frozen);
    const Variable plus = add(terms.class_plus, terms.cont_plus);
    backward(sub(plus, add(terms.class_minus, terms.cont_minus)));
    for (const Variable& of_hybrid : {p.hybrid.logits, p.hybrid.z_r}) {
      double largest = 0;
      for (const double g : gradient_of(of_hybrid)) largest = std::max(largest, std::abs(g));
      CHECK(largest > 0.1);
    }
    for (const Codes* parent : {&p.semantic, &p.scene}) {
      CHECK(parent->logits.grad().defined() == !frozen);
      CHECK(parent->z_r.grad().defined() == !frozen);
    }
  }
}

TEST_SUITE_END();

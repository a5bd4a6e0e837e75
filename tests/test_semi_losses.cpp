// The losses of semi-supervised training and of training on hybrids: against PyTorch's numbers,
// against their formulas, what they teach and what they must leave alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/safetensors.hpp"
#include "losses/classification.hpp"
#include "losses/consistency.hpp"
#include "losses/contradict.hpp"
#include "losses/hybrid_labels.hpp"
#include "losses/masked_mean.hpp"
#include "losses/pseudo_label.hpp"
#include "tests/loss_checks.hpp"
#include "tests/paths.hpp"

using namespace scimix;
using scimix::test::check_loss;
using scimix::test::probability;
using scimix::test::scalar;

namespace {

using Values = std::vector<double>;
using Labels = std::vector<std::int32_t>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Tensor f32(const Values& values) {
  return Tensor::from(values, {std::ssize(values)}, DType::f32);
}

Tensor i32(const Labels& values) {
  return Tensor::from_host(std::span<const std::int32_t>(values), {std::ssize(values)});
}

Variable leaf(const Values& values, const Shape& shape, DType dtype = DType::f64) {
  return Variable(Tensor::from(values, shape, dtype), true);
}

double value_of(const Variable& loss) {
  REQUIRE(loss.shape() == Shape{});
  return loss.value().to_doubles()[0];
}

Values gradient_of(const Variable& loss, Variable x) {
  backward(loss);
  REQUIRE(x.grad().defined());
  Values gradient = x.grad().to_doubles();
  x.clear_grad();
  return gradient;
}

double largest(const Values& values) {
  double out = 0;
  for (const double v : values) out = std::max(out, std::abs(v));
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("semi-supervised losses");

// ---- against PyTorch ----------------------------------------------------------------------------

namespace {

// tests/golden/semi_losses.py says what is in the file.
class Reference {
 public:
  [[nodiscard]] Values values(const std::string& name) const {
    const TensorEntry& entry = file_.entry(name);
    if (entry.dtype == "F32") return read<float>(entry);
    REQUIRE(entry.dtype == "F64");
    return read<double>(entry);
  }
  [[nodiscard]] Tensor tensor(const std::string& name, DType dtype) const {
    return Tensor::from(values(name), Shape(file_.entry(name).shape), dtype);
  }
  [[nodiscard]] Tensor labels() const {
    const TensorEntry& entry = file_.entry("labels");
    REQUIRE(entry.dtype == "I32");
    Labels out(entry.bytes.size() / sizeof(std::int32_t));
    std::memcpy(out.data(), entry.bytes.data(), entry.bytes.size());
    return i32(out);
  }

 private:
  template <class T>
  static Values read(const TensorEntry& entry) {
    std::vector<T> out(entry.bytes.size() / sizeof(T));
    std::memcpy(out.data(), entry.bytes.data(), entry.bytes.size());
    return {out.begin(), out.end()};
  }

  SafetensorsFile file_{source_dir() / "tests" / "golden" / "semi_losses.safetensors"};
};

// The inputs are f32 numbers, so f64 shows the formula and differs by the order of sums alone. f32
// adds a few roundings of 6e-8, of logits up to 20 (a logit's error is its softmax's relative one).
double tolerance(DType dtype) {
  return dtype == DType::f64 ? 1e-13 : 2e-6;
}

// Both relative: the loss to itself, the gradient to its largest element.
void check_against(const Reference& reference, const std::string& name, const Variable& loss,
                   const Variable& taught) {
  CAPTURE(name);
  CAPTURE(name_of(taught.dtype()));
  const double wanted = reference.values(name + ".loss").at(0);
  CHECK(std::abs(value_of(loss) - wanted) <= tolerance(taught.dtype()) * std::abs(wanted));
  const Values wanted_gradient = reference.values(name + ".gradient");
  const Values gradient = gradient_of(loss, taught);
  REQUIRE(gradient.size() == wanted_gradient.size());
  const double scale = largest(wanted_gradient);
  CHECK(scale > 1e-3);  // a reference that teaches nothing would show nothing
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    CHECK(std::abs(gradient[i] - wanted_gradient[i]) <= tolerance(taught.dtype()) * scale);
  }
}

}  // namespace

TEST_CASE("Mean Teacher's and the supervised loss are PyTorch's") {
  const Reference reference;
  for (const DType dtype : {DType::f64, DType::f32}) {
    const Variable student(reference.tensor("student", dtype), true);
    const Variable teacher(reference.tensor("teacher", dtype));
    check_against(reference, "consistency", consistency_loss(student, teacher), student);
    check_against(reference, "classification",
                  classification_loss(student, reference.labels()).mean, student);
  }
}

TEST_CASE("FixMatch's loss is PyTorch's") {
  const Reference reference;
  for (const DType dtype : {DType::f64, DType::f32}) {
    const Variable weak(reference.tensor("weak", dtype));
    const Variable strong(reference.tensor("strong", dtype), true);
    for (const auto& [name, threshold] : {std::pair{"pseudo_label.0.95", 0.95},
                                          {"pseudo_label.0.50", 0.5},
                                          {"pseudo_label.0.00", 0.0}}) {
      check_against(reference, name, pseudo_label_loss(weak, strong, threshold).mean, strong);
    }
  }
}

TEST_CASE("the losses of hybrids are PyTorch's") {
  const Reference reference;
  for (const DType dtype : {DType::f64, DType::f32}) {
    const Variable hybrid(reference.tensor("hybrid", dtype), true);
    const Tensor kept = reference.tensor("kept", DType::f32);
    for (const std::string share : {"alpha", "lambda"}) {
      HybridTargets targets{.p_c = reference.tensor("p_c", dtype),
                            .p_r = reference.tensor("p_r", dtype),
                            .share = reference.tensor(share, DType::f32),
                            .kept = kept};
      check_against(reference, "contradict." + share, contradict_loss(hybrid, targets), hybrid);
      targets.kept = {};
      check_against(reference, "contradict." + share + ".all", contradict_loss(hybrid, targets),
                    hybrid);
    }
    const Tensor labels = reference.labels();
    check_against(reference, "hybrid_label", hybrid_label_loss(hybrid, labels, kept), hybrid);
    check_against(reference, "hybrid_label.all", hybrid_label_loss(hybrid, labels, {}), hybrid);
  }
}

// ---- against their formulas, with central differences -------------------------------------------

namespace {

std::int64_t best_class(const HostArray& logits, std::int64_t n) {
  const std::int64_t classes = logits.shape[1];
  std::int64_t best = 0;
  for (std::int64_t c = 1; c < classes; ++c) {
    if (logits[n * classes + c] > logits[n * classes + best]) best = c;
  }
  return best;
}

OpInput logits_of(const Shape& shape, bool taught) {
  return {.shape = shape, .lo = -3.0, .hi = 3.0, .differentiable = taught};
}

// A square, where rows could be taken for classes unnoticed; odd sizes; one row; one class.
const std::vector<Shape>& shapes() {
  static const std::vector<Shape> list = {{6, 6}, {7, 13}, {1, 5}, {3, 1}, {4, 40}};
  return list;
}

// Every third row is rejected, but never the first.
Values kept_rows(std::int64_t rows) {
  Values kept;
  for (std::int64_t n = 0; n < rows; ++n) kept.push_back(n % 3 == 2 ? 0 : 1);
  return kept;
}

// f32 numbers between 1/2 and 1, each row its own.
Values shares(std::int64_t rows) {
  Values out;
  for (std::int64_t n = 0; n < rows; ++n) out.push_back(0.5 + static_cast<double>(n) / 16);
  return out;
}

}  // namespace

TEST_CASE("pseudo_label_loss against its formula, and the gradient of the strong view") {
  for (const Shape& shape : shapes()) {
    for (const double threshold : {0.0, 0.25, 0.4}) {
      OpCase c;
      c.op = "pseudo_label_loss";
      c.label = text(shape, " threshold ", threshold);
      c.inputs = {logits_of(shape, false), logits_of(shape, true)};
      c.run = [threshold](const Variables& in) {
        return Variables{pseudo_label_loss(in[0], in[1], threshold).mean};
      };
      c.definition = [threshold](const HostArrays& in) {
        double sum = 0;
        for (std::int64_t n = 0; n < in[0].shape[0]; ++n) {
          const std::int64_t label = best_class(in[0], n);
          if (probability(in[0], n, label) < threshold) continue;
          sum -= std::log(probability(in[1], n, label));
        }
        return HostArrays{scalar(sum / static_cast<double>(in[0].shape[0]))};
      };
      check_loss(c);
    }
  }
}

TEST_CASE("contradict_loss against its formula, and the gradient of the hybrids") {
  for (const Shape& shape : shapes()) {
    for (const bool filtered : {false, true}) {
      const Values share = shares(shape[0]);
      const Values kept =
          filtered ? kept_rows(shape[0]) : Values(static_cast<std::size_t>(shape[0]), 1.0);
      OpCase c;
      c.op = "contradict_loss";
      c.label = text(shape, filtered ? " filtered" : "");
      const OpInput probabilities{.shape = shape, .lo = 0, .hi = 1, .differentiable = false};
      c.inputs = {logits_of(shape, true), probabilities, probabilities};
      c.run = [=](const Variables& in) {
        return Variables{contradict_loss(in[0], {.p_c = in[1].value(),
                                                 .p_r = in[2].value(),
                                                 .share = f32(share),
                                                 .kept = filtered ? f32(kept) : Tensor()})};
      };
      c.definition = [=](const HostArrays& in) {
        double sum = 0;
        for (std::int64_t i = 0; i < in[0].shape.numel(); ++i) {
          const auto n = static_cast<std::size_t>(i / in[0].shape[1]);
          const double target = share[n] * in[1][i] + (1 - share[n]) * in[2][i];
          const double p = probability(in[0], i / in[0].shape[1], i % in[0].shape[1]);
          sum += kept[n] * std::pow(p - target, 2);
        }
        return HostArrays{scalar(sum / static_cast<double>(in[0].shape.numel()))};
      };
      check_loss(c);
    }
  }
}

TEST_CASE("hybrid_label_loss against its formula, and the gradient of the hybrids") {
  for (const Shape& shape : shapes()) {
    for (const bool filtered : {false, true}) {
      const Values kept =
          filtered ? kept_rows(shape[0]) : Values(static_cast<std::size_t>(shape[0]), 1.0);
      OpCase c;
      c.op = "hybrid_label_loss";
      c.label = text(shape, filtered ? " filtered" : "");
      OpInput labels{.shape = {shape[0]}, .differentiable = false};
      labels.classes = static_cast<std::int32_t>(shape[1]);
      c.inputs = {logits_of(shape, true), labels};
      c.run = [=](const Variables& in) {
        return Variables{hybrid_label_loss(in[0], in[1].value(), filtered ? f32(kept) : Tensor())};
      };
      c.definition = [=](const HostArrays& in) {
        double sum = 0;
        for (std::int64_t n = 0; n < in[0].shape[0]; ++n) {
          const auto label = static_cast<std::int64_t>(in[1][n]);
          sum -= kept[static_cast<std::size_t>(n)] * std::log(probability(in[0], n, label));
        }
        return HostArrays{scalar(sum / static_cast<double>(in[0].shape[0]))};
      };
      check_loss(c);
    }
  }
}

// ---- what is taught, and what is not ------------------------------------------------------------

// A loss that is identically zero trains nobody, and a curve of it looks like success.
TEST_CASE("every loss teaches the side that learns, and never the other") {
  const Variable taught = leaf({1, 0, -1, 0.5, 2, 0}, {2, 3});
  const Variable other = leaf({0, 1, 3, 4, -1, 0}, {2, 3});
  const Tensor labels = i32({2, 0});
  const Tensor p = softmax(other).value();
  const HybridTargets targets{.p_c = p, .p_r = p, .share = f32({0.9, 0.9}), .kept = f32({1, 1})};
  struct Choice {
    const char* name;
    Variable loss;
  };
  const std::vector<Choice> choices = {
      {"classification_loss", classification_loss(taught, labels).mean},
      {"consistency_loss", consistency_loss(taught, other)},
      {"pseudo_label_loss", pseudo_label_loss(other, taught, 0.5).mean},
      {"contradict_loss", contradict_loss(taught, targets)},
      {"hybrid_label_loss", hybrid_label_loss(taught, labels, f32({1, 1}))},
  };
  for (const Choice& choice : choices) {
    CAPTURE(choice.name);
    CHECK(value_of(choice.loss) > 0.01);
    const Values before = gradient_of(choice.loss, taught);
    for (const std::size_t row : {0, 1}) {
      CHECK(largest({before.begin() + static_cast<std::ptrdiff_t>(3 * row),
                     before.begin() + static_cast<std::ptrdiff_t>(3 * row + 3)}) > 0.01);
    }
    CHECK_FALSE(other.grad().defined());
  }
}

// Gradient descent has to lead where the loss says: both rows towards the class of the other side.
TEST_CASE("a step against each gradient makes the wanted class more likely") {
  const Variable taught = leaf({1, 0, -1, 0.5, 2, 0}, {2, 3});
  const Variable other = leaf({0, 1, 6, 6, -1, 0}, {2, 3});
  const Tensor wanted = i32({2, 0});
  const Tensor p = softmax(other).value();
  const HybridTargets targets{.p_c = p, .p_r = p, .share = f32({0.9, 0.9}), .kept = {}};
  for (const Variable& loss :
       {consistency_loss(taught, other), pseudo_label_loss(other, taught, 0.5).mean,
        contradict_loss(taught, targets), hybrid_label_loss(taught, wanted, {})}) {
    const Values gradient = gradient_of(loss, taught);
    CHECK(gradient[2] < 0);
    CHECK(gradient[3] < 0);
  }
}

TEST_CASE("a view that is its own weak view still is a constant there") {
  const Variable x = leaf({2, 0, 0, 1}, {2, 2});
  const Values gradient = gradient_of(pseudo_label_loss(x, x, 0.0).mean, x);
  // (softmax - one_hot) / 2, and nothing through the choice of the label.
  const double p = std::exp(2.0) / (std::exp(2.0) + 1);
  CHECK(gradient[0] == doctest::Approx((p - 1) / 2));
  CHECK(gradient[1] == doctest::Approx((1 - p) / 2));
}

// ---- which rows count ---------------------------------------------------------------------------

TEST_CASE("pseudo_label_loss says which rows count, and divides by all of them") {
  // Softmax of the weak view: 0.98, 0.5 (a tie), 0.73.
  const Variable weak = leaf({4, 0, 1, 1, 0, 1}, {3, 2}, DType::f32);
  const Variable strong = leaf({0, 0, 0, 0, 0, 0}, {3, 2}, DType::f32);
  const PseudoLabelLoss loss = pseudo_label_loss(weak, strong, 0.7);
  CHECK(loss.labels.to_host<std::int32_t>() == Labels{0, 0, 1});
  CHECK(loss.confident.to_host<float>() == std::vector<float>{1, 0, 1});
  CHECK(value_of(loss.mean) == doctest::Approx(2 * std::log(2.0) / 3));
  const Values gradient = gradient_of(loss.mean, strong);
  const Values wanted = {-0.5 / 3, 0.5 / 3, 0, 0, 0.5 / 3, -0.5 / 3};
  for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(gradient[i] == doctest::Approx(wanted[i]));
}

TEST_CASE("where no row counts, loss and gradient are exactly zero") {
  const Variable x = leaf({1, -2, 3, 0.5}, {2, 2}, DType::f32);
  const Variable weak = leaf({0, 1, 1, 0}, {2, 2}, DType::f32);
  const Tensor p = softmax(weak).value();
  const Tensor none = f32({0, 0});
  for (const Variable& loss :
       {pseudo_label_loss(weak, x, 0.95).mean, hybrid_label_loss(x, i32({0, 1}), none),
        contradict_loss(x, {.p_c = p, .p_r = p, .share = f32({0.9, 0.9}), .kept = none})}) {
    CHECK(value_of(loss) == 0);
    CHECK(gradient_of(loss, x) == Values{0, 0, 0, 0});
  }
}

TEST_CASE("rows that are all kept are the same as no filter, bit for bit") {
  const Variable x = leaf({1, -2, 3, 0.5, 0.25, 1}, {3, 2}, DType::f32);
  const Tensor p_c = Tensor::from(Values{0.5, 0.5, 1, 0, 0.25, 0.75}, {3, 2}, DType::f32);
  const Tensor p_r = Tensor::from(Values{1, 0, 0.5, 0.5, 0, 1}, {3, 2}, DType::f32);
  const Tensor share = f32({0.9, 0.5, 1});
  const Tensor all = f32({1, 1, 1});
  CHECK(value_of(contradict_loss(x, {p_c, p_r, share, all})) ==
        value_of(contradict_loss(x, {p_c, p_r, share, {}})));
  CHECK(value_of(hybrid_label_loss(x, i32({0, 1, 0}), all)) ==
        value_of(hybrid_label_loss(x, i32({0, 1, 0}), {})));
}

TEST_CASE("contradict_loss: a share of 1 is the consistency with the semantic parent alone") {
  const Variable x = leaf({1, -2, 3, 0.5}, {2, 2}, DType::f32);
  const Variable parent = leaf({0, 1, 1, 0}, {2, 2}, DType::f32);
  const Tensor p_c = softmax(parent).value();
  const Tensor p_r = Tensor::from(Values{1, 0, 0, 1}, {2, 2}, DType::f32);
  const HybridTargets targets{.p_c = p_c, .p_r = p_r, .share = f32({1, 1}), .kept = {}};
  CHECK(value_of(contradict_loss(x, targets)) ==
        doctest::Approx(value_of(consistency_loss(x, parent))).epsilon(1e-6));
  // And a prediction that is the target is left alone, to the last bit.
  CHECK(value_of(contradict_loss(parent, targets)) == 0);
  CHECK(gradient_of(contradict_loss(parent, targets), parent) == Values{0, 0, 0, 0});
}

TEST_CASE("contradict_loss: each row has its own share, and each parent its own place") {
  // Even logits: softmax 1/2, 1/2. The parents are sure, of class 0 and of class 1.
  const Variable x = leaf({0, 0, 0, 0}, {2, 2});
  const Tensor p_c = Tensor::from(Values{1, 0, 1, 0}, {2, 2}, DType::f64);
  const Tensor p_r = Tensor::from(Values{0, 1, 0, 1}, {2, 2}, DType::f64);
  const Variable loss =
      contradict_loss(x, {.p_c = p_c, .p_r = p_r, .share = f32({1, 0.75}), .kept = {}});
  CHECK(value_of(loss) == doctest::Approx((0.25 + 0.0625) / 2));
  const Values gradient = gradient_of(loss, x);
  CHECK(gradient[0] < 0);  // towards class 0, the semantic parent's
  CHECK(gradient[0] == doctest::Approx(2 * gradient[2]));
}

TEST_CASE("masked_mean divides by the whole batch") {
  const Variable rows = leaf({2, 4, 6, 8}, {4});
  CHECK(value_of(masked_mean(rows, f32({1, 0, 0, 1}))) == 2.5);
  CHECK(value_of(masked_mean(rows, {})) == 5);
  CHECK(gradient_of(masked_mean(rows, f32({1, 0, 0, 1})), rows) == Values{0.25, 0, 0, 0.25});
}

// ---- faults -------------------------------------------------------------------------------------

TEST_CASE("NaN: a weak view that has one does not count, every other stays visible") {
  const Variable weak = leaf({kNaN, 0, 5, 0}, {2, 2}, DType::f32);
  const Variable strong = leaf({1, 0, 1, 0}, {2, 2}, DType::f32);
  const PseudoLabelLoss loss = pseudo_label_loss(weak, strong, 0.0);
  CHECK(loss.confident.to_host<float>() == std::vector<float>{0, 1});
  CHECK(std::isfinite(value_of(loss.mean)));
  const Values gradient = gradient_of(loss.mean, strong);
  CHECK(gradient[0] == 0);
  CHECK(gradient[2] != 0);
  // The weak view is sound: the strong one's NaN is a fault of training and must be seen, also
  // where its row does not count.
  const Tensor p = softmax(strong).value();
  const Tensor rejected = f32({0, 1});
  CHECK(std::isnan(value_of(pseudo_label_loss(strong, weak, 0.0).mean)));
  CHECK(std::isnan(value_of(hybrid_label_loss(weak, i32({0, 0}), rejected))));
  CHECK(std::isnan(value_of(
      contradict_loss(weak, {.p_c = p, .p_r = p, .share = f32({0.9, 0.9}), .kept = rejected}))));
}

TEST_CASE("a mean over no rows is NaN, as every mean of nothing") {
  const Variable x = leaf({}, {0, 3}, DType::f32);
  Tensor none = Tensor::empty({0}, DType::f32);
  Tensor labels = Tensor::empty({0}, DType::i32);
  CHECK(std::isnan(value_of(pseudo_label_loss(x, x, 0.95).mean)));
  CHECK(std::isnan(value_of(hybrid_label_loss(x, labels, none))));
  CHECK(std::isnan(value_of(contradict_loss(x, {x.value(), x.value(), none, none}))));
}

TEST_CASE("losses name themselves where shapes differ") {
  const Variable a = leaf({1, 2, 3, 4}, {2, 2}, DType::f32);
  const Variable b = leaf({1, 2}, {1, 2}, DType::f32);
  const Tensor p = a.value();
  const Tensor two = f32({1, 1});
  const Tensor three = f32({1, 1, 1});
  const auto contradict = [&](const HybridTargets& targets) {
    static_cast<void>(contradict_loss(a, targets));
  };
  CHECK_THROWS_WITH_AS(static_cast<void>(pseudo_label_loss(b, a, 0.5)),
                       doctest::Contains("pseudo_label_loss"), Error);
  CHECK_THROWS_WITH_AS(contradict({b.value(), p, two, {}}), doctest::Contains("contradict_loss"),
                       Error);
  CHECK_THROWS_WITH_AS(contradict({p, b.value(), two, {}}), doctest::Contains("contradict_loss"),
                       Error);
  CHECK_THROWS_WITH_AS(contradict({p, p, three, {}}), doctest::Contains("contradict_loss"), Error);
  CHECK_THROWS_WITH_AS(contradict({p, p, two, three}), doctest::Contains("masked_mean"), Error);
  CHECK_THROWS_WITH_AS(contradict({p, p, two, i32({1, 1})}), doctest::Contains("masked_mean"),
                       Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(hybrid_label_loss(a, i32({0, 1}), three)),
                       doctest::Contains("masked_mean"), Error);
}

TEST_SUITE_END();

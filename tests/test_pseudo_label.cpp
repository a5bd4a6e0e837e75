// Pseudo-labels and the filter of hybrids against naive definitions in double, and what happens at
// ties, thresholds and NaN.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "kernels/launch/phase_order.hpp"
#include "kernels/softmax/pseudo_label.hpp"
#include "tests/skip.hpp"

using namespace scimix;

namespace {

using Values = std::vector<double>;
using Labels = std::vector<std::int32_t>;
using Flags = std::vector<float>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor i32(const Labels& values, Device device = kCpu) {
  return Tensor::from_host(std::span<const std::int32_t>(values), {std::ssize(values)}, device);
}

struct PseudoLabels {
  Labels labels;
  Flags confident;
};

// Outputs start with what no kernel writes.
Tensor flags_of(std::int64_t rows, Device device) {
  return Tensor::from(Values(static_cast<std::size_t>(rows), -5), {rows}, DType::f32, device);
}

PseudoLabels label_rows(const Tensor& logits, double threshold) {
  Tensor labels = i32(Labels(static_cast<std::size_t>(logits.dim(0)), -5)).to(logits.device());
  Tensor confident = flags_of(logits.dim(0), logits.device());
  pseudo_labels(logits, threshold, labels, confident);
  return {labels.to_host<std::int32_t>(), confident.to_host<float>()};
}

Flags agreeing(const Tensor& logits, const Labels& labels) {
  Tensor out = flags_of(logits.dim(0), logits.device());
  agreeing_rows(logits, i32(labels, logits.device()), out);
  return out.to_host<float>();
}

// From +-0.2 to +-16: rows of little and of much confidence.
Values random_logits(const Shape& shape, std::uint32_t item) {
  Random random(11, Purpose::test, 0, item);
  Values values;
  for (std::int64_t n = 0; n < shape[0]; ++n) {
    const float spread = random.uniform(0.2F, 16.0F);
    for (std::int64_t c = 0; c < shape[1]; ++c) values.push_back(random.uniform(-spread, spread));
  }
  return values;
}

std::int32_t naive_best(const Values& logits, const Shape& shape, std::int64_t n) {
  const auto row = logits.begin() + n * shape[1];
  return static_cast<std::int32_t>(std::max_element(row, row + shape[1]) - row);
}

double naive_softmax(const Values& logits, const Shape& shape, std::int64_t n, std::int32_t label) {
  double sum = 0;
  for (std::int64_t c = 0; c < shape[1]; ++c) {
    sum += std::exp(logits[static_cast<std::size_t>(n * shape[1] + c)]);
  }
  return std::exp(logits[static_cast<std::size_t>(n * shape[1] + label)]) / sum;
}

PseudoLabels naive_labels(const Values& logits, const Shape& shape, double threshold) {
  PseudoLabels out;
  for (std::int64_t n = 0; n < shape[0]; ++n) {
    const std::int32_t best = naive_best(logits, shape, n);
    const double p = naive_softmax(logits, shape, n, best);
    REQUIRE(std::abs(p - threshold) > 1e-6);  // else the rounding of f32 decides
    out.labels.push_back(best);
    out.confident.push_back(p >= threshold ? 1.0F : 0.0F);
  }
  return out;
}

// 37 classes and 300 rows: more than one block's items, no multiples of anything.
const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {{300, 10}, {7, 37}, {1, 5}, {5, 2}};
  return all;
}

std::vector<Device> devices() {
  if (cuda_device_count() > 0) return {kCpu, {Device::Kind::cuda, 0}};
  skip_gpu_check("pseudo-labels on the GPU against their definition");
  return {kCpu};
}

void check_same(const PseudoLabels& found, const PseudoLabels& wanted) {
  CHECK(found.labels == wanted.labels);
  CHECK(found.confident == wanted.confident);
}

}  // namespace

TEST_CASE("pseudo_labels against their definition") {
  for (const Shape& shape : shapes()) {
    for (const double threshold : {0.0, 0.3, 0.5, 0.95}) {
      for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
        CAPTURE(shape);
        CAPTURE(threshold);
        CAPTURE(name_of(dtype));
        const Tensor logits = Tensor::from(random_logits(shape, 1), shape, dtype);
        // Of the values that the dtype holds: in bf16 two logits may become equal.
        const PseudoLabels wanted = naive_labels(logits.to_doubles(), shape, threshold);
        check_same(label_rows(logits, threshold), wanted);
        const ShufflePhases shuffle;
        check_same(label_rows(logits, threshold), wanted);
      }
    }
  }
}

// Every seventh row has a NaN, in any column. Of the labels given, a third are the classes of the
// largest logits, a third other classes, and a third none.
TEST_CASE("pseudo_labels and agreeing_rows are the same on every device") {
  const Shape shape{300, 10};
  const std::vector<Device> all = devices();
  for (const DType dtype : {DType::f32, DType::bf16}) {
    Values values = Tensor::from(random_logits(shape, 2), shape, dtype).to_doubles();
    PseudoLabels wanted = naive_labels(values, shape, 0.95);
    for (std::size_t n = 3; n < 300; n += 7) {
      values[10 * n + n % 10] = kNaN;
      wanted.labels[n] = 0;
      wanted.confident[n] = 0;
    }
    Labels given = wanted.labels;
    Flags agrees(300, 0.0F);
    for (std::size_t n = 0; n < 300; ++n) {
      const bool has_nan = n % 7 == 3;  // then not even the pseudo-label 0 agrees
      if (n % 3 == 0) agrees[n] = has_nan ? 0.0F : 1.0F;
      if (n % 3 == 1) given[n] = (given[n] + 1) % 10;
      if (n % 3 == 2) given[n] = -1;
    }
    for (const Device device : all) {
      CAPTURE(device);
      CAPTURE(name_of(dtype));
      const Tensor logits = Tensor::from(values, shape, dtype, device);
      check_same(label_rows(logits, 0.95), wanted);
      CHECK(agreeing(logits, given) == agrees);
    }
  }
}

TEST_CASE("a random batch has rows on both sides of each threshold") {
  for (const double threshold : {0.3, 0.5, 0.95}) {
    const Shape shape{300, 10};
    const Flags sure = naive_labels(random_logits(shape, 1), shape, threshold).confident;
    const auto count = std::ranges::count(sure, 1.0F);
    CHECK(count > 20);
    CHECK(count < 280);
  }
}

TEST_CASE("of equal logits the first gives the pseudo-label") {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    const Tensor logits = Tensor::from(Values{1, 3, 3, 2, 2, 2, -1, 0, 0}, {3, 3}, dtype);
    CHECK(label_rows(logits, 0.0).labels == Labels{1, 0, 1});
    CHECK(agreeing(logits, {1, 0, 1}) == Flags{1, 1, 1});
    CHECK(agreeing(logits, {2, 1, 2}) == Flags{0, 0, 0});
  }
}

// Two equal logits of two have 1/2 each, to the last bit.
TEST_CASE("a row at the threshold is confident") {
  const Tensor logits = Tensor::from(Values{2, 2}, {1, 2}, DType::f32);
  CHECK(label_rows(logits, 0.5).confident == Flags{1});
  CHECK(label_rows(logits, std::nextafter(0.5F, 1.0F)).confident == Flags{0});
}

TEST_CASE("thresholds of 0 and 1, and above") {
  // The second row is so sure that its softmax is 1.
  const Tensor logits = Tensor::from(Values{0, 0.1, 0.2, -90, 90, -90}, {2, 3}, DType::f32);
  CHECK(label_rows(logits, 0.0).confident == Flags{1, 1});
  CHECK(label_rows(logits, 1.0).confident == Flags{0, 1});
  CHECK(label_rows(logits, 1.01).confident == Flags{0, 0});
}

TEST_CASE("one class alone is always sure") {
  const Tensor logits = Tensor::from(Values{-3, 7}, {2, 1}, DType::f32);
  const PseudoLabels found = label_rows(logits, 1.0);
  CHECK(found.labels == Labels{0, 0});
  CHECK(found.confident == Flags{1, 1});
  CHECK(agreeing(logits, {0, 0}) == Flags{1, 1});
}

TEST_CASE("logits far out of the range of exp") {
  const Tensor logits =
      Tensor::from(Values{1000, 1001, -1000, -2000, -5000, -2001}, {2, 3}, DType::f32);
  const PseudoLabels found = label_rows(logits, 0.72);  // softmax 0.7311 in both rows
  CHECK(found.labels == Labels{1, 0});
  CHECK(found.confident == Flags{1, 1});
  CHECK(label_rows(logits, 0.74).confident == Flags{0, 0});
}

TEST_CASE("a row with a NaN logit is neither confident nor agrees, wherever the NaN stands") {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    const Tensor logits = Tensor::from(
        Values{kNaN, 9, 1, 0, kNaN, 9, 0, 9, kNaN, kNaN, kNaN, kNaN, 0, 9, 0}, {5, 3}, dtype);
    const PseudoLabels found = label_rows(logits, 0.0);
    CHECK(found.labels == Labels{0, 0, 0, 0, 1});
    CHECK(found.confident == Flags{0, 0, 0, 0, 1});
    CHECK(agreeing(logits, {1, 2, 1, 0, 1}) == Flags{0, 0, 0, 0, 1});
    CHECK(agreeing(logits, {0, 0, 0, 0, 0}) == Flags{0, 0, 0, 0, 0});
  }
}

TEST_CASE("an infinite logit has no softmax, a minus infinite one has 0") {
  const Tensor logits =
      Tensor::from(Values{0, kInfinity, 0, 0, 5, -kInfinity, -kInfinity, -kInfinity, -kInfinity},
                   {3, 3}, DType::f32);
  const PseudoLabels found = label_rows(logits, 0.0);
  CHECK(found.labels == Labels{1, 1, 0});
  CHECK(found.confident == Flags{0, 1, 0});
}

TEST_CASE("agreeing_rows against its definition; a label that is no class agrees with none") {
  for (const Shape& shape : shapes()) {
    for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
      const Tensor logits = Tensor::from(random_logits(shape, 3), shape, dtype);
      const Values held = logits.to_doubles();
      Random random(5, Purpose::test, 0, 0);
      Labels labels;
      Flags wanted;
      for (std::int64_t n = 0; n < shape[0]; ++n) {
        const std::int32_t best = naive_best(held, shape, n);
        // A third each: right, any class, none.
        const auto any =
            static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(shape[1])));
        labels.push_back(n % 3 == 0 ? best : n % 3 == 1 ? any : -1);
        wanted.push_back(labels.back() == best ? 1.0F : 0.0F);
      }
      CHECK(agreeing(logits, labels) == wanted);
      const ShufflePhases shuffle;
      CHECK(agreeing(logits, labels) == wanted);
    }
  }
}

TEST_CASE("no rows") {
  Tensor none = Tensor::empty({0, 10}, DType::f32);
  CHECK(label_rows(none, 0.95).labels.empty());
  CHECK(agreeing(none, {}).empty());
}

TEST_CASE("pseudo_labels and agreeing_rows refuse what does not fit") {
  const Tensor logits = Tensor::zeros({3, 4}, DType::f32);
  Tensor flags = Tensor::zeros({3}, DType::f32);
  Tensor labels = Tensor::zeros({3}, DType::i32);
  Tensor two = Tensor::zeros({2}, DType::i32);
  CHECK_THROWS_AS(pseudo_labels(logits, 0.5, two, flags), Error);
  CHECK_THROWS_AS(pseudo_labels(logits, 0.5, flags, flags), Error);    // labels that are not i32
  CHECK_THROWS_AS(pseudo_labels(logits, 0.5, labels, labels), Error);  // flags that are not f32
  CHECK_THROWS_AS(pseudo_labels(flags, 0.5, labels, flags), Error);
  CHECK_THROWS_AS(pseudo_labels(Tensor::zeros({3, 0}, DType::f32), 0.5, labels, flags), Error);
  CHECK_THROWS_AS(pseudo_labels(logits, -0.1, labels, flags), Error);
  CHECK_THROWS_AS(pseudo_labels(logits, kNaN, labels, flags), Error);
  CHECK_THROWS_AS(agreeing_rows(logits, two, flags), Error);
  CHECK_THROWS_AS(agreeing_rows(logits, labels, Tensor::zeros({4}, DType::f32)), Error);
}

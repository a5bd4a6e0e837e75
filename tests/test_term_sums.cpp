// Sums of loss terms on the device, and the step at which one went wrong.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "core/device.hpp"
#include "kernels/metrics/term_sums.hpp"
#include "kernels/optim/schedule.hpp"
#include "tests/skip.hpp"

using namespace scimix;

namespace {

Tensor integers(const std::vector<std::int32_t>& values, Device device = kCpu) {
  return Tensor::from_host(std::span<const std::int32_t>(values), {std::ssize(values)}, device);
}

struct Sums {
  Device device = kCpu;
  Tensor sums = Tensor::zeros({3}, DType::f32, device);
  Tensor counts = Tensor::zeros({3}, DType::f32, device);
  Tensor first_bad = integers({-1, -1, -1}, device);
  Tensor step = integers({10}, device);

  void add(std::int64_t slot, double value) {
    add(slot, Tensor::from({&value, 1}, {}, DType::f32, device));
  }
  void add(std::int64_t slot, const Tensor& value) {
    TermValues terms;
    terms.add(value, slot);
    add_terms(step, terms, sums, counts, first_bad);
  }
  [[nodiscard]] std::vector<std::int32_t> bad() const { return first_bad.to_host<std::int32_t>(); }
};

}  // namespace

TEST_CASE("term sums: each slot adds up by itself") {
  Sums s;
  s.add(0, 0.5);
  s.add(2, -1.25);
  s.add(0, 2.0);
  CHECK(s.sums.to_doubles() == std::vector<double>{2.5, 0, -1.25});
  CHECK(s.counts.to_doubles() == std::vector<double>{2, 0, 1});
  CHECK(s.bad() == std::vector<std::int32_t>{-1, -1, -1});
}

namespace {

// Two slots get values that are not finite, one of them twice.
void check_first_bad_steps(Device device) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  Sums s{.device = device};
  s.add(1, 1.0);
  advance_step(s.step);
  s.add(1, kInf);
  s.add(0, -kInf);
  advance_step(s.step);
  s.add(1, std::numeric_limits<double>::quiet_NaN());
  s.add(2, std::numeric_limits<float>::max());
  CHECK(s.bad() == std::vector<std::int32_t>{11, 11, -1});
  const std::vector<double> sums = s.sums.to_doubles();
  CHECK(sums[0] == -kInf);
  CHECK(std::isnan(sums[1]));
  CHECK(sums[2] == std::numeric_limits<float>::max());
  CHECK(s.counts.to_doubles() == std::vector<double>{1, 3, 1});
}

}  // namespace

TEST_CASE("term sums: the first step with a value that is not finite stays, and shows in the sum") {
  check_first_bad_steps(kCpu);
}

TEST_CASE("term sums: the GPU keeps the first step with a value that is not finite, too") {
  if (cuda_device_count() == 0) return skip_gpu_check("steps that are not finite, on the GPU");
  check_first_bad_steps({Device::Kind::cuda, 0});
}

TEST_CASE("term sums: step 0 is a step like any other") {
  Sums s;
  s.step = integers({0});
  s.add(0, std::numeric_limits<double>::quiet_NaN());
  advance_step(s.step);
  s.add(0, std::numeric_limits<double>::quiet_NaN());
  CHECK(s.bad()[0] == 0);
}

TEST_CASE("term sums: a slot that is not there, or more than one value, is a bug") {
  Sums s;
  CHECK_THROWS_WITH_AS(s.add(3, 1.0), doctest::Contains("add_terms"), Error);
  CHECK_THROWS_WITH_AS(s.add(-1, 1.0), doctest::Contains("slot -1"), Error);
  CHECK_THROWS_WITH_AS(s.add(0, Tensor::zeros({2}, DType::f32)), doctest::Contains("[2]"), Error);
}

TEST_CASE("term sums: all terms of a step in one launch") {
  Sums s;
  TermValues terms;
  const std::vector<double> values{1.5, -2.0, std::numeric_limits<double>::infinity()};
  for (const int slot : {2, 0, 1}) {
    terms.add(Tensor::from({&values[static_cast<std::size_t>(slot)], 1}, {}, DType::f32), slot);
  }
  add_terms(s.step, terms, s.sums, s.counts, s.first_bad);
  CHECK(s.sums.to_doubles() == values);
  CHECK(s.counts.to_doubles() == std::vector<double>{1, 1, 1});
  CHECK(s.bad() == std::vector<std::int32_t>{-1, -1, 10});
  for (int i = 3; i < TermValues::kMost; ++i) terms.add(s.sums, 0);
  CHECK_THROWS_WITH_AS(terms.add(s.sums, 0), doctest::Contains("more than 16"), Error);
}

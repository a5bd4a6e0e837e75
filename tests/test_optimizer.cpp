// SGD, Adam, the schedules and the EMA, against scalar recurrences written from their definitions
// and against numbers of PyTorch.
#include <doctest/doctest.h>

#include <cmath>

#include "kernels/optim.hpp"
#include "kernels/schedule.hpp"
#include "trainers/optimizer.hpp"

using namespace scimix;

namespace {

Tensor f32(const std::vector<double>& values) {
  return Tensor::from(values, {std::ssize(values)}, DType::f32);
}

Tensor counter(std::int32_t value) {
  return Tensor::from_host(std::span<const std::int32_t>(&value, 1), {1});
}

// Adam in double, from algorithm 1 of Kingma and Ba 2015.
struct HostAdam {
  AdamUpdate o;
  std::vector<double> p, m, v, ema;
  int made = 0;

  HostAdam(const AdamUpdate& options, const std::vector<double>& start)
      : o(options), p(start), m(start.size()), v(start.size()), ema(start) {}

  void update(const std::vector<double>& g) {
    ++made;
    for (std::size_t i = 0; i < p.size(); ++i) {
      m[i] = o.beta1 * m[i] + (1 - o.beta1) * g[i];
      v[i] = o.beta2 * v[i] + (1 - o.beta2) * g[i] * g[i];
      const double m_hat = m[i] / (1 - std::pow(o.beta1, made));
      const double v_hat = v[i] / (1 - std::pow(o.beta2, made));
      p[i] -= o.lr * m_hat / (std::sqrt(v_hat) + o.eps);
      ema[i] = o.ema_decay * ema[i] + (1 - o.ema_decay) * p[i];
    }
  }
};

// Exact in f32: an odd pattern of multiples of 1/4, some of them 0.
std::vector<double> adam_gradient(std::size_t n, int t) {
  std::vector<double> g(n);
  for (std::size_t i = 0; i < n; ++i) {
    g[i] = static_cast<double>((7 * t + 3 * static_cast<int>(i)) % 11 - 5) / 4;
  }
  return g;
}

// f32 numbers of magnitude 1 after some updates: each rounds a few times.
void check_close(const Tensor& got, const std::vector<double>& expected) {
  const std::vector<double> found = got.to_doubles();
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(found[i] - expected[i]) <= 2e-6 * (1 + std::abs(expected[i])));
  }
}

// The slabs of one run of the kernel.
struct AdamRun {
  Tensor p, m, v, ema, count = counter(0);
  AdamUpdate options;

  AdamRun(const AdamUpdate& o, const std::vector<double>& start)
      : p(f32(start)),
        m(Tensor::zeros(p.shape(), DType::f32)),
        v(m.clone()),
        ema(p.clone()),
        options(o) {}

  void update(const std::vector<double>& g) const {
    adam_update(f32(g), count, options, p, m, v, ema);
    advance_step(count);
  }
};

}  // namespace

TEST_CASE("the cosine schedule starts at the base rate and ends at cos(7 pi / 16)") {
  const CosineSchedule schedule{.base = 0.03, .total_steps = 1000};
  CHECK(cosine_7_16(schedule, 0) == 0.03);
  CHECK(cosine_7_16(schedule, 1000) == doctest::Approx(0.03 * 0.19509032201612828));
  const Tensor lr = Tensor::zeros({1}, DType::f32);
  const std::vector<std::int32_t> now{500};
  const Tensor step = Tensor::from_host(std::span<const std::int32_t>(now), {1});
  set_learning_rate(step, schedule, lr);
  CHECK(lr.to_doubles()[0] == static_cast<double>(static_cast<float>(0.03 * 0.7730104533627370)));
  advance_step(step);
  CHECK(step.to_host<std::int32_t>()[0] == 501);
}

TEST_CASE("Nesterov SGD follows PyTorch's recurrence, with decay on the first elements only") {
  const SgdUpdate options{.momentum = 0.9F,
                          .nesterov = true,
                          .weight_decay = 0.1F,
                          .decayed_count = 1,
                          .ema_decay = 0.75F};
  const Tensor p = f32({1.0, -2.0});
  const Tensor m = f32({0.0, 0.0});
  const Tensor ema = f32({1.0, -2.0});
  const Tensor lr = f32({0.5});
  double expected_p[2] = {1.0, -2.0};
  double expected_m[2] = {0.0, 0.0};
  double expected_ema[2] = {1.0, -2.0};
  for (int step = 0; step < 5; ++step) {
    const double g[2] = {0.25 * step - 0.5, 1.0};
    sgd_update(f32({g[0], g[1]}), lr, options, p, m, ema);
    for (int i = 0; i < 2; ++i) {
      const double d = g[i] + (i == 0 ? 0.1 * expected_p[i] : 0.0);
      expected_m[i] = 0.9 * expected_m[i] + d;
      expected_p[i] -= 0.5 * (d + 0.9 * expected_m[i]);
      expected_ema[i] = 0.75 * expected_ema[i] + 0.25 * expected_p[i];
      CHECK(p.to_doubles()[i] == doctest::Approx(expected_p[i]).epsilon(1e-6));
      CHECK(m.to_doubles()[i] == doctest::Approx(expected_m[i]).epsilon(1e-6));
      CHECK(ema.to_doubles()[i] == doctest::Approx(expected_ema[i]).epsilon(1e-6));
    }
  }
}

TEST_CASE("without Nesterov the update is the moment itself") {
  const Tensor p = f32({1.0});
  const Tensor m = f32({2.0});
  sgd_update(f32({1.0}), f32({0.1}), {.momentum = 0.5F, .nesterov = false, .weight_decay = 0.0F}, p,
             m, f32({0.0}));
  CHECK(m.to_doubles()[0] == 2.0);
  CHECK(p.to_doubles()[0] == doctest::Approx(0.8));
}

TEST_CASE("the linear ramp grows from 0 to its highest value and stays there") {
  const LinearRamp ramp{.highest = 50, .total_steps = 1000, .share = 0.4};
  CHECK(linear_ramp(ramp, 0) == 0);
  CHECK(linear_ramp(ramp, 100) == doctest::Approx(12.5));
  CHECK(linear_ramp(ramp, 399) < 50);
  CHECK(linear_ramp(ramp, 400) == 50);
  CHECK(linear_ramp(ramp, 1'000'000) == 50);
  CHECK(linear_ramp({.highest = 3, .total_steps = 10, .share = 0}, 0) == 3);
  const Tensor weight = Tensor::zeros({1}, DType::f32);
  set_ramp(counter(100), ramp, weight);
  CHECK(weight.to_doubles()[0] == 12.5);
}

TEST_CASE("Adam follows its definition over 50 updates, and so does the EMA") {
  const std::vector<AdamUpdate> choices = {
      {.lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .ema_decay = 0.9},
      {.lr = 0.002, .beta1 = 0.0, .beta2 = 0.99, .eps = 1e-8, .ema_decay = 0.999},
      {.lr = 0.01, .beta1 = 0.5, .beta2 = 0.9, .eps = 0.1, .ema_decay = 0.0},
  };
  constexpr std::size_t kCount = 37;  // no multiple of a vector
  std::vector<double> start(kCount);
  for (std::size_t i = 0; i < kCount; ++i) start[i] = static_cast<double>(i % 9) / 8 - 0.5;
  for (const AdamUpdate& options : choices) {
    CAPTURE(options.beta1);
    HostAdam expected(options, start);
    const AdamRun run(options, start);
    for (int t = 1; t <= 50; ++t) {
      CAPTURE(t);
      expected.update(adam_gradient(kCount, t));
      run.update(adam_gradient(kCount, t));
      check_close(run.p, expected.p);
      check_close(run.m, expected.m);
      check_close(run.v, expected.v);
      check_close(run.ema, expected.ema);
    }
  }
}

// Made by PyTorch 2.15:
//   p = torch.nn.Parameter(torch.tensor([1.0, -0.5, 0.25], dtype=torch.float64))
//   adam = torch.optim.Adam([p], lr=0.1, betas=betas, eps=eps)
//   for t in range(1, 51):
//     g = [((7 * t + 3 * i) % 11 - 5) / 4 for i in range(3)]
//     p.grad = torch.tensor(g, dtype=torch.float64); adam.step()
//     if t in (1, 5, 50): print(p.tolist())
TEST_CASE("Adam gives the numbers of torch.optim.Adam") {
  struct Golden {
    AdamUpdate options;
    std::vector<std::vector<double>> after;  // 1, 5 and 50 updates
  };
  const std::vector<Golden> all = {
      {{.lr = 0.1, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8},
       {{0.900000002, -0.5999999992, 0.34999999866666665},
        {0.7833960404284535, -0.7878619273964509, 0.3397709121403739},
        {0.645912805450436, -0.8657512802197835, 0.41132105450738}}},
      {{.lr = 0.1, .beta1 = 0.0, .beta2 = 0.99, .eps = 1e-8},
       {{0.900000002, -0.5999999992, 0.3499999986666667},
        {0.9176722652919742, -0.6518924596275479, 0.2669743356037523},
        {0.8082429591279411, -0.5157998288254613, 0.3165234490304232}}},
      {{.lr = 0.1, .beta1 = 0.5, .beta2 = 0.9, .eps = 0.1},
       {{0.9166666666666666, -0.5925925925925926, 0.3382352941176471},
        {0.8464858705963525, -0.7037443339139444, 0.3048386731585489},
        {0.804334538799256, -0.6554445988609578, 0.317047625652025}}},
  };
  for (const Golden& golden : all) {
    CAPTURE(golden.options.beta1);
    const AdamRun run(golden.options, {1.0, -0.5, 0.25});
    std::size_t next = 0;
    for (int t = 1; t <= 50; ++t) {
      run.update(adam_gradient(3, t));
      if (t == 1 || t == 5 || t == 50) {
        CAPTURE(t);
        check_close(run.p, golden.after[next++]);
      }
    }
  }
}

TEST_CASE("Adam: with beta1 = 0 the first moment is the gradient, and the first step is lr") {
  const AdamRun run({.lr = 0.25, .beta1 = 0.0, .beta2 = 0.99, .eps = 0}, {1.0, 1.0});
  run.update({1e-6, -3.0});
  CHECK(run.m.to_doubles() == f32({1e-6, -3.0}).to_doubles());
  CHECK(run.p.to_doubles()[0] == doctest::Approx(0.75).epsilon(1e-6));
  CHECK(run.p.to_doubles()[1] == doctest::Approx(1.25).epsilon(1e-6));
}

TEST_CASE("Adam: the bias correction is right after a million updates") {
  // beta2^t is 0.368. In f32 beta2 itself is off by 1e-8, and its power by 1 %.
  const AdamUpdate options{.lr = 0.1, .beta1 = 0.9, .beta2 = 0.999999, .eps = 1e-8};
  const Tensor p = f32({1.0});
  const Tensor m = f32({0.5});
  const Tensor v = f32({0.25});
  adam_update(f32({0.5}), counter(999'999), options, p, m, v, {});
  const double v_hat = 0.25 / (1 - std::pow(0.999999, 1e6));
  CHECK(p.to_doubles()[0] == doctest::Approx(1 - 0.1 * 0.5 / std::sqrt(v_hat)).epsilon(1e-6));
}

TEST_CASE("Adam: without an EMA the update is the same, and a slab of another size is a bug") {
  const AdamRun with({.lr = 0.1}, {1.0, 2.0, 3.0});
  const AdamRun without({.lr = 0.1}, {1.0, 2.0, 3.0});
  const Tensor g = f32({0.5, -1.0, 0.0});
  with.update({0.5, -1.0, 0.0});
  adam_update(g, without.count, without.options, without.p, without.m, without.v, {});
  CHECK(with.p.to_doubles() == without.p.to_doubles());
  CHECK(without.ema.to_doubles() == std::vector<double>{1, 2, 3});
  CHECK(without.count.to_host<std::int32_t>()[0] == 0);
  CHECK_THROWS_WITH_AS(adam_update(g, with.count, with.options, with.p, with.m, with.v, f32({1.0})),
                       doctest::Contains("adam_update"), Error);
}

namespace {

// A network of two parameters.
struct TwoLayers {
  ParameterStore store{7};
  TwoLayers() {
    static_cast<void>(store.add("a.weight", {3, 5}, gaussian(1.0), false));
    static_cast<void>(store.add("b.bias", {7}, gaussian(1.0), false));
    store.place(kCpu);
  }
  void set_gradient(int t) const {
    const Tensor& flat = store.gradient_slab().flat();
    flat.copy_(f32(adam_gradient(static_cast<std::size_t>(flat.numel()), t)));
  }
  [[nodiscard]] const Tensor& values() const { return store.parameter_slab().flat(); }
};

std::vector<float> bits(const Tensor& t) {
  return t.to_host<float>();
}

}  // namespace

TEST_CASE("Adam over a network: updates, average, and a counter of its own") {
  const TwoLayers model;
  const TwoLayers average;
  average.values().zero_();
  AdamOptions options;
  options.ema_decay = 0.5;
  Adam adam(model.store, &average.store, options);
  CHECK(bits(average.values()) == bits(model.values()));
  HostAdam expected({.lr = 2e-3, .beta1 = 0, .beta2 = 0.99, .eps = 1e-8, .ema_decay = 0.5},
                    model.values().to_doubles());
  for (int t = 1; t <= 10; ++t) {
    model.set_gradient(t);
    adam.update();
    expected.update(adam_gradient(expected.p.size(), t));
  }
  check_close(model.values(), expected.p);
  check_close(average.values(), expected.ema);
  check_close(adam.moments2().flat(), expected.v);
  CHECK(adam.count().to_host<std::int32_t>()[0] == 10);
}

TEST_CASE("Adam's lazy correction: lr c and beta^c, c = k/(k+1)") {
  const TwoLayers model;
  AdamOptions options;
  options.beta1 = 0.5;
  options.lazy_interval = 16;
  Adam adam(model.store, nullptr, options);
  const double c = 16.0 / 17.0;
  HostAdam expected(
      {.lr = 2e-3 * c, .beta1 = std::pow(0.5, c), .beta2 = std::pow(0.99, c), .eps = 1e-8},
      model.values().to_doubles());
  for (int t = 1; t <= 17; ++t) {
    model.set_gradient(t);
    adam.update();
    expected.update(adam_gradient(expected.p.size(), t));
  }
  check_close(model.values(), expected.p);
  check_close(adam.moments1().flat(), expected.m);
  check_close(adam.moments2().flat(), expected.v);

  options.lazy_interval = -1;
  CHECK_THROWS_WITH_AS(Adam(model.store, nullptr, options), doctest::Contains("lazy interval"),
                       Error);
}

TEST_CASE("Adam resumes with the same bits from its moments, its counter and the parameters") {
  const TwoLayers model;
  const TwoLayers average;
  const AdamOptions options{.beta1 = 0.9, .lazy_interval = 4};
  Adam adam(model.store, &average.store, options);
  const auto updates = [](Adam& optimizer, const TwoLayers& network, int begin, int end) {
    for (int t = begin; t < end; ++t) {
      network.set_gradient(t);
      optimizer.update();
    }
  };
  updates(adam, model, 0, 5);

  const TwoLayers resumed;
  const TwoLayers resumed_average;
  Adam again(resumed.store, &resumed_average.store, options);
  resumed.store.copy_parameters_from(model.store);
  resumed_average.store.copy_parameters_from(average.store);
  again.moments1().flat().copy_(adam.moments1().flat());
  again.moments2().flat().copy_(adam.moments2().flat());
  again.count().copy_(adam.count());

  updates(adam, model, 5, 12);
  updates(again, resumed, 5, 12);
  CHECK(bits(resumed.values()) == bits(model.values()));
  CHECK(bits(resumed_average.values()) == bits(average.values()));
  CHECK(bits(again.moments1().flat()) == bits(adam.moments1().flat()));
  CHECK(bits(again.moments2().flat()) == bits(adam.moments2().flat()));
  CHECK(again.count().to_host<std::int32_t>()[0] == 12);
}

// SGD, Adam and the EMA, against scalar recurrences written from their definitions and against
// numbers of PyTorch.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include "kernels/optim/optim.hpp"
#include "kernels/optim/schedule.hpp"
#include "skip.hpp"
#include "temp_folder.hpp"
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
  Tensor scalars = Tensor::zeros({kAdamScalars}, DType::f32);
  AdamUpdate options;

  AdamRun(const AdamUpdate& o, const std::vector<double>& start)
      : p(f32(start)),
        m(Tensor::zeros(p.shape(), DType::f32)),
        v(m.clone()),
        ema(p.clone()),
        options(o) {}

  void update(const std::vector<double>& g) {
    set_adam_scalars(count, options, scalars);
    adam_update(f32(g), scalars, p, m, v, ema, {});
    advance_step(count);
  }
};

// Five updates in f32 against PyTorch's recurrence in double, with decay on the first element only.
// An update rounds numbers of up to 10 a few times, each time to 6e-8 of them.
void check_sgd(bool nesterov, Device device) {
  CAPTURE(nesterov);
  const auto on_device = [&](const std::vector<double>& values) { return f32(values).to(device); };
  const SgdUpdate options{.momentum = 0.9F,
                          .nesterov = nesterov,
                          .weight_decay = 0.1F,
                          .decayed_count = 1,
                          .ema_decay = 0.75F};
  Tensor p = on_device({1.0, -2.0});
  Tensor m = on_device({0.0, 0.0});
  Tensor ema = on_device({1.0, -2.0});
  const Tensor lr = on_device({0.5});
  double expected_p[2] = {1.0, -2.0};
  double expected_m[2] = {0.0, 0.0};
  double expected_ema[2] = {1.0, -2.0};
  for (int step = 0; step < 5; ++step) {
    const double g[2] = {0.25 * step - 0.5, 1.0};
    sgd_update(on_device({g[0], g[1]}), lr, options, p, m, ema, {});
    for (int i = 0; i < 2; ++i) {
      const double d = g[i] + (i == 0 ? 0.1 * expected_p[i] : 0.0);
      expected_m[i] = 0.9 * expected_m[i] + d;
      expected_p[i] -= 0.5 * (nesterov ? d + 0.9 * expected_m[i] : expected_m[i]);
      expected_ema[i] = 0.75 * expected_ema[i] + 0.25 * expected_p[i];
      CHECK(p.to_doubles()[i] == doctest::Approx(expected_p[i]).epsilon(1e-6));
      CHECK(m.to_doubles()[i] == doctest::Approx(expected_m[i]).epsilon(1e-6));
      CHECK(ema.to_doubles()[i] == doctest::Approx(expected_ema[i]).epsilon(1e-6));
    }
  }
}

}  // namespace

TEST_CASE("SGD follows PyTorch's recurrence, with decay on the first elements only") {
  for (const bool nesterov : {true, false}) check_sgd(nesterov, kCpu);
}

TEST_CASE("SGD: the GPU follows PyTorch's recurrence, too") {
  if (cuda_device_count() == 0) return skip_gpu_check("updates of SGD on the GPU");
  for (const bool nesterov : {true, false}) check_sgd(nesterov, {Device::Kind::cuda, 0});
}

TEST_CASE("without Nesterov the update is the moment itself") {
  Tensor p = f32({1.0});
  Tensor m = f32({2.0});
  sgd_update(f32({1.0}), f32({0.1}), {.momentum = 0.5F, .nesterov = false, .weight_decay = 0.0F}, p,
             m, f32({0.0}), {});
  CHECK(m.to_doubles()[0] == 2.0);
  CHECK(p.to_doubles()[0] == doctest::Approx(0.8));
}

TEST_CASE("SGD: an EMA decay of 0 keeps the model itself, one of 1 never changes") {
  for (const float decay : {0.0F, 1.0F}) {
    Tensor p = f32({0.1, -2.7});
    Tensor ema = f32({5.0, 0.3});
    for (int step = 0; step < 3; ++step) {
      sgd_update(f32({0.7, 1.3}), f32({0.1}), {.ema_decay = decay}, p, f32({0.0, 0.0}), ema, {});
    }
    CHECK(ema.to_doubles() == (decay == 0.0F ? p : f32({5.0, 0.3})).to_doubles());
    CHECK(p.to_doubles()[0] != doctest::Approx(0.1));
  }
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
    AdamRun run(options, start);
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
    AdamRun run(golden.options, {1.0, -0.5, 0.25});
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
  AdamRun run({.lr = 0.25, .beta1 = 0.0, .beta2 = 0.99, .eps = 0}, {1.0, 1.0});
  run.update({1e-6, -3.0});
  CHECK(run.m.to_doubles() == f32({1e-6, -3.0}).to_doubles());
  CHECK(run.p.to_doubles()[0] == doctest::Approx(0.75).epsilon(1e-6));
  CHECK(run.p.to_doubles()[1] == doctest::Approx(1.25).epsilon(1e-6));
}

TEST_CASE("Adam: the bias correction is right after a million updates") {
  // beta2^t is 0.368. In f32 beta2 itself is off by 1e-8, and its power by 1 %.
  const AdamUpdate options{.lr = 0.1, .beta1 = 0.9, .beta2 = 0.999999, .eps = 1e-8};
  Tensor p = f32({1.0});
  Tensor m = f32({0.5});
  Tensor v = f32({0.25});
  Tensor scalars = Tensor::zeros({kAdamScalars}, DType::f32);
  set_adam_scalars(counter(999'999), options, scalars);
  adam_update(f32({0.5}), scalars, p, m, v, {}, {});
  const double v_hat = 0.25 / (1 - std::pow(0.999999, 1e6));
  CHECK(p.to_doubles()[0] == doctest::Approx(1 - 0.1 * 0.5 / std::sqrt(v_hat)).epsilon(1e-6));
}

TEST_CASE("Adam: a parameter that rests is its own average") {
  const std::vector<double> one{1.0};
  const auto slab = [&] { return Tensor::from_host(std::span<const double>(one), {1}, kCpu); };
  Tensor p = slab();
  Tensor ema = slab();
  Tensor m = Tensor::zeros({1}, DType::f64);
  Tensor v = Tensor::zeros({1}, DType::f64);
  const Tensor g = Tensor::zeros({1}, DType::f64);
  Tensor scalars = Tensor::zeros({kAdamScalars}, DType::f32);
  set_adam_scalars(counter(0), {.lr = 0.1, .ema_decay = 0.9999}, scalars);
  for (int i = 0; i < 1000; ++i) adam_update(g, scalars, p, m, v, ema, {});
  CHECK(ema.to_doubles()[0] == doctest::Approx(1).epsilon(1e-12));
}

TEST_CASE("Adam: without an EMA the update is the same, and a slab of another size is a bug") {
  AdamRun with({.lr = 0.1}, {1.0, 2.0, 3.0});
  AdamRun without({.lr = 0.1}, {1.0, 2.0, 3.0});
  const Tensor g = f32({0.5, -1.0, 0.0});
  with.update({0.5, -1.0, 0.0});
  set_adam_scalars(without.count, without.options, without.scalars);
  adam_update(g, without.scalars, without.p, without.m, without.v, {}, {});
  CHECK(with.p.to_doubles() == without.p.to_doubles());
  CHECK(without.ema.to_doubles() == std::vector<double>{1, 2, 3});
  CHECK(without.count.to_host<std::int32_t>()[0] == 0);
  CHECK_THROWS_WITH_AS(adam_update(g, with.scalars, with.p, with.m, with.v, f32({1.0}), {}),
                       doctest::Contains("adam_update"), Error);
  CHECK_THROWS_WITH_AS(adam_update(g, f32({1.0}), with.p, with.m, with.v, {}, {}),
                       doctest::Contains("scalars"), Error);
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
  void set_gradient(int t) {
    Tensor& flat = store.gradient_slab().flat();
    flat.copy_(f32(adam_gradient(static_cast<std::size_t>(flat.numel()), t)));
  }
  [[nodiscard]] const Tensor& values() const { return store.parameter_slab().flat(); }
  void clear() { store.updated_slabs().parameters.zero_(); }
};

// The first updates of a network and of what is expected of it.
void update_both(TwoLayers& model, Adam& adam, HostAdam& expected, int count) {
  for (int t = 1; t <= count; ++t) {
    model.set_gradient(t);
    adam.update();
    expected.update(adam_gradient(expected.p.size(), t));
  }
}

}  // namespace

TEST_CASE("Adam over a network: updates, average, and a counter of its own") {
  TwoLayers model;
  TwoLayers average;
  average.clear();
  AdamOptions options;
  options.ema_decay = 0.5;
  Adam adam(model.store, &average.store, options);
  CHECK(average.values().to_doubles() == model.values().to_doubles());
  HostAdam expected({.lr = 2e-3, .beta1 = 0, .beta2 = 0.99, .eps = 1e-8, .ema_decay = 0.5},
                    model.values().to_doubles());
  update_both(model, adam, expected, 10);
  check_close(model.values(), expected.p);
  check_close(average.values(), expected.ema);
  check_close(adam.moments2().flat(), expected.v);
  CHECK(adam.count().to_host<std::int32_t>()[0] == 10);
}

TEST_CASE("Adam's lazy correction: lr c and beta^c, c = k/(k+1)") {
  TwoLayers model;
  AdamOptions options;
  options.beta1 = 0.5;
  options.lazy_interval = 16;
  Adam adam(model.store, nullptr, options);
  const double c = 16.0 / 17.0;
  HostAdam expected(
      {.lr = 2e-3 * c, .beta1 = std::pow(0.5, c), .beta2 = std::pow(0.99, c), .eps = 1e-8},
      model.values().to_doubles());
  update_both(model, adam, expected, 17);
  check_close(model.values(), expected.p);
  check_close(adam.moments1().flat(), expected.m);
  check_close(adam.moments2().flat(), expected.v);

  options.lazy_interval = -1;
  CHECK_THROWS_WITH_AS(Adam(model.store, nullptr, options), doctest::Contains("lazy interval"),
                       Error);
}

namespace {

// All settings change within 50 updates, and the run goes 10 beyond.
constexpr AdamSchedule kShortSchedule{.total_steps = 50,
                                      .ramp_up_steps = 15,
                                      .ramp_down_steps = 20,
                                      .max_learning_rate = 0.05,
                                      .ema_decay_during_ramp_up = 0.5,
                                      .ema_decay_after_ramp_up = 0.9};

// Adam with settings that change, in double. A moment is a weighted sum of the past gradients; its
// bias is that the weights, added up here, do not make 1.
struct HostScheduledAdam {
  std::vector<double> p, m, v, ema;
  double weights1 = 0, weights2 = 0;

  explicit HostScheduledAdam(const std::vector<double>& start)
      : p(start), m(start.size()), v(start.size()), ema(start) {}

  void update(const std::vector<double>& g, int step) {
    const double missing = step < 15 ? 1 - step / 15.0 : 0;
    const double phase = step > 30 ? std::fmin((step - 30) / 20.0, 1) : 0;
    const double up = std::exp(-5 * missing * missing);
    const double down = std::exp(-12.5 * phase * phase);
    const double lr = 0.05 * up * down;
    const double beta1 = 0.9 * down + 0.5 * (1 - down);
    const double beta2 = step < 15 ? 0.99 : 0.999;
    const double decay = step < 15 ? 0.5 : 0.9;
    weights1 = beta1 * weights1 + (1 - beta1);
    weights2 = beta2 * weights2 + (1 - beta2);
    for (std::size_t i = 0; i < p.size(); ++i) {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
      p[i] -= lr * (m[i] / weights1) / (std::sqrt(v[i] / weights2) + 1e-8);
      ema[i] = decay * ema[i] + (1 - decay) * p[i];
    }
  }
};

}  // namespace

TEST_CASE("Adam on a schedule follows its definition across the ends of the ramps") {
  TwoLayers model;
  TwoLayers average;
  ScheduledAdam adam(model.store, &average.store, kShortSchedule);
  HostScheduledAdam expected(model.values().to_doubles());
  Tensor step = counter(0);
  for (int t = 0; t < 60; ++t) {
    CAPTURE(t);
    model.set_gradient(t);
    adam.update(step);
    advance_step(step);
    expected.update(adam_gradient(expected.p.size(), t), t);
    check_close(model.values(), expected.p);
    check_close(average.values(), expected.ema);
    check_close(adam.moments1().flat(), expected.m);
    check_close(adam.moments2().flat(), expected.v);
    // In double: 60 roundings.
    const std::vector<double> products = adam.products().to_doubles();
    CHECK(std::abs(1 - products[0] - expected.weights1) < 1e-13);
    CHECK(std::abs(1 - products[1] - expected.weights2) < 1e-13);
  }
}

TEST_CASE("Adam on a schedule: the GPU has the CPU's settings at every step") {
  if (cuda_device_count() == 0) return skip_gpu_check("Adam's settings on the GPU");
  const auto settings = [](Device device) {
    Tensor products = Tensor::from(std::vector<double>{1, 1}, {2}, DType::f64, device);
    Tensor scalars = Tensor::zeros({kAdamScalars}, DType::f32, device);
    std::vector<double> out;
    for (int t = 0; t < 60; t += 3) {
      set_adam_scalars_on_schedule(counter(t).to(device), kShortSchedule, products, scalars);
      for (const double value : scalars.to_doubles()) out.push_back(value);
    }
    for (const double value : products.to_doubles()) out.push_back(value);
    return out;
  };
  const std::vector<double> expected = settings(kCpu);
  const std::vector<double> found = settings({Device::Kind::cuda, 0});
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-6));
  }
}

TEST_CASE("Adam on a schedule without ramps is Adam") {
  TwoLayers model;
  TwoLayers scheduled_model;
  Adam adam(model.store, nullptr, {.learning_rate = 0.01, .beta1 = 0.9, .beta2 = 0.999});
  ScheduledAdam scheduled(
      scheduled_model.store, nullptr,
      {.total_steps = 30, .ramp_up_steps = 0, .ramp_down_steps = 0, .max_learning_rate = 0.01});
  Tensor step = counter(0);
  for (int t = 0; t < 30; ++t) {
    model.set_gradient(t);
    scheduled_model.set_gradient(t);
    adam.update(step);
    scheduled.update(step);
    advance_step(step);
  }
  check_close(scheduled_model.values(), model.values().to_doubles());
}

TEST_CASE("Adam on a schedule: ramps of negative length, and products of another size, are bugs") {
  TwoLayers model;
  CHECK_THROWS_WITH_AS(ScheduledAdam(model.store, nullptr, {.ramp_up_steps = -1}),
                       doctest::Contains("ramps of -1"), Error);
  CHECK_THROWS_WITH_AS(set_adam_scalars_on_schedule(counter(0), {}, Tensor::zeros({1}, DType::f64),
                                                    Tensor::zeros({kAdamScalars}, DType::f32)),
                       doctest::Contains("products"), Error);
}

namespace {

using MakeOptimizer =
    std::function<std::unique_ptr<Optimizer>(ParameterStore& model, ParameterStore& ema)>;

struct Choice {
  std::string name;
  MakeOptimizer make;
};

const std::vector<Choice>& optimizers() {
  static const std::vector<Choice> all = {
      {"sgd",
       [](ParameterStore& model, ParameterStore& ema) {
         return std::make_unique<Sgd>(model, ema, SgdOptions{.schedule = {.total_steps = 50}});
       }},
      {"adam",
       [](ParameterStore& model, ParameterStore& ema) {
         return std::make_unique<Adam>(model, &ema, AdamOptions{.beta1 = 0.9, .lazy_interval = 4});
       }},
      {"scheduled adam",
       [](ParameterStore& model, ParameterStore& ema) {
         return std::make_unique<ScheduledAdam>(model, &ema, kShortSchedule);
       }},
  };
  return all;
}

// A model in training: what a trainer holds of it.
struct Training {
  TwoLayers model, average;
  Tensor step = counter(0);
  std::unique_ptr<Optimizer> optimizer;

  explicit Training(const MakeOptimizer& make) : optimizer(make(model.store, average.store)) {}

  void updates(int begin, int end) {
    for (int t = begin; t < end; ++t) {
      model.set_gradient(t);
      optimizer->update(step);
      advance_step(step);
    }
  }

  [[nodiscard]] CheckpointTensors state() const {
    CheckpointTensors all = optimizer->state("");
    append(all, "model.", model.store.parameters());
    append(all, "ema.", average.store.parameters());
    return all;
  }
};

std::vector<std::byte> bytes(const Tensor& t) {
  const std::byte* first = t.raw();
  return {first, first + t.bytes()};
}

}  // namespace

TEST_CASE("any optimiser resumes with the same bits from a checkpoint") {
  const test::TempFolder folder;
  for (const Choice& choice : optimizers()) {
    CAPTURE(choice.name);
    for (const int saved_at : {5, 15, 33}) {  // before, at and after the ends of the ramps
      CAPTURE(saved_at);
      Training whole(choice.make);
      whole.updates(0, saved_at);
      const auto path = folder / "step.safetensors";
      save_checkpoint(path, whole.state(), {});
      whole.updates(saved_at, 40);

      Training resumed(choice.make);
      load_checkpoint(path, resumed.state());
      resumed.step.copy_(counter(saved_at));
      resumed.updates(saved_at, 40);
      const CheckpointTensors expected = whole.state();
      const CheckpointTensors found = resumed.state();
      for (std::size_t i = 0; i < expected.size(); ++i) {
        CAPTURE(expected[i].name);
        CHECK(bytes(found[i].value()) == bytes(expected[i].value()));
      }
    }
  }
}

TEST_CASE("the state of an optimiser has the names of its network's parameters") {
  const std::vector<std::vector<std::string>> expected = {
      {"momentum.a.weight", "momentum.b.bias"},
      {"adam1.a.weight", "adam1.b.bias", "adam2.a.weight", "adam2.b.bias", "adam_count"},
      {"adam1.a.weight", "adam1.b.bias", "adam2.a.weight", "adam2.b.bias", "adam_products"}};
  const auto names_of = [](const CheckpointTensors& tensors) {
    std::vector<std::string> names;
    for (const auto& tensor : tensors) names.push_back(tensor.name);
    return names;
  };
  for (std::size_t i = 0; i < optimizers().size(); ++i) {
    const Training training(optimizers()[i].make);
    CHECK(names_of(training.optimizer->state("")) == expected[i]);
    std::vector<std::string> of_network = expected[i];
    for (std::string& name : of_network) {
      const std::size_t kind = std::min(name.find('.'), name.size());
      name.insert(kind, ".e_r");
    }
    CHECK(names_of(training.optimizer->state("e_r")) == of_network);
  }
}

TEST_CASE("an optimiser says its learning rate of any step") {
  const auto rate = [](std::size_t choice, double step) {
    return Training(optimizers()[choice].make).optimizer->learning_rate(step);
  };
  CHECK(rate(0, 0) == 0.03);
  CHECK(rate(0, 50) == doctest::Approx(0.03 * 0.19509032201612828));
  CHECK(rate(1, 7) == doctest::Approx(2e-3 * 4 / 5));  // the lazy interval's k/(k+1)
  CHECK(rate(2, 0) == doctest::Approx(0.05 * std::exp(-5.0)));
  CHECK(rate(2, 20) == 0.05);
  CHECK(rate(2, 40) == doctest::Approx(0.05 * std::exp(-12.5 / 4)));
}

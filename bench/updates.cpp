// Optimiser updates with the average of the parameters, which scimix_bench times: one pass over
// slabs as large as those of a WRN-28-2 and of the generator.

#include "bench/step.hpp"
#include "kernels/optim/optim.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kWrnParameters = 1'467'610;
constexpr std::int64_t kGeneratorParameters = 2'478'985;  // width 128, codes of 128

Tensor slab(std::int64_t count, Device device) {
  const std::vector<double> values(static_cast<std::size_t>(count), 0.01);
  return Tensor::from(values, {count}, DType::f32, device);
}

// Returns the step of an update of `parameters` parameters that reads and writes `slabs` slabs.
BenchStep update_step(const char* name, const char* label, int slabs, std::int64_t parameters) {
  BenchStep step{.name = name, .label = label};
  step.bytes = 4.0 * slabs * static_cast<double>(parameters);
  step.suite = Suite::gpu;
  return step;
}

BenchStep sgd() {
  constexpr int kSlabs = 7;  // reads gradient, parameter, moment and EMA; writes the last three
  BenchStep step = update_step("SGD update with EMA", "wrn-28-2", kSlabs, kWrnParameters);
  step.prepare = [](Device device, DType /*dtype*/) {
    const Tensor gradient = slab(kWrnParameters, device);
    Tensor parameter = slab(kWrnParameters, device);
    Tensor moment = slab(kWrnParameters, device);
    Tensor ema = slab(kWrnParameters, device);
    const Tensor rate = Tensor::from(std::vector{1e-3}, {1}, DType::f32, device);
    const SgdUpdate options{.decayed_count = kWrnParameters};
    return one_by_one(
        [=]() mutable { sgd_update(gradient, rate, options, parameter, moment, ema, {}); });
  };
  return step;
}

BenchStep adam() {
  constexpr int kSlabs = 9;  // reads gradient, parameter, two moments and EMA; writes the last four
  BenchStep step =
      update_step("Adam update with EMA", "G of width 128", kSlabs, kGeneratorParameters);
  step.prepare = [](Device device, DType /*dtype*/) {
    const Tensor gradient = slab(kGeneratorParameters, device);
    Tensor parameter = slab(kGeneratorParameters, device);
    Tensor first = slab(kGeneratorParameters, device);
    Tensor second = slab(kGeneratorParameters, device);
    Tensor ema = slab(kGeneratorParameters, device);
    Tensor scalars = Tensor::zeros({kAdamScalars}, DType::f32, device);
    set_adam_scalars(Tensor::zeros({1}, DType::i32, device), {.beta1 = 0, .beta2 = 0.99}, scalars);
    return one_by_one(
        [=]() mutable { adam_update(gradient, scalars, parameter, first, second, ema, {}); });
  };
  return step;
}

const BenchSteps registered{[] { return std::vector{sgd(), adam()}; }};

}  // namespace

}  // namespace scimix

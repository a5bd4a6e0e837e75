// The training steps that scimix_bench times.

#include <memory>
#include <optional>

#include "tools/bench_step.hpp"
#include "trainers/classifier_trainer.hpp"

namespace scimix {

namespace {

// Forward and backward convolutions and the linear layer: three times the forward's 0.429 GFLOP per
// image of 32x32, less the stem's data gradient.
constexpr double kFlopsPerImage = 1.285e9;

ClassifierConfig wrn_28_2(std::int64_t batch, DType dtype) {
  ClassifierConfig config;
  config.batch = batch;
  config.precision = dtype == DType::bf16 ? "bf16" : "f32";
  config.data.digits_train = 2000;  // what the images show does not change the time
  config.data.digits_test = 10;
  return config;
}

BenchStep supervised(std::int64_t batch) {
  BenchStep step{.name = "wrn-28-2 supervised", .label = "batch " + std::to_string(batch)};
  step.images = batch;
  step.flops = kFlopsPerImage * static_cast<double>(batch);
  step.prepare = [batch](Device device, DType dtype) {
    const ClassifierConfig config = wrn_28_2(batch, dtype);
    const Dataset digits = load_dataset(
        config.data.dataset, "",
        {.digits_train = config.data.digits_train, .digits_test = config.data.digits_test});
    const Split split = make_split(digits, std::nullopt, 0);
    auto trainer = std::make_shared<ClassifierTrainer>(config, digits, split, device);
    return [trainer] { trainer->step(); };
  };
  return step;
}

const BenchSteps registered{[] { return std::vector{supervised(32), supervised(64)}; }};

}  // namespace

}  // namespace scimix

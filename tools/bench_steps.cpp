// The training steps that scimix_bench times.
#include "tools/bench_steps.hpp"

#include <memory>
#include <optional>

#include "tools/bench_step.hpp"
#include "trainers/classifier_trainer.hpp"
#include "trainers/generator_trainer.hpp"

namespace scimix {

RunInputs bench_digits(std::int64_t image_size, const std::string& labels, Device device) {
  constexpr std::int64_t kTrainImages = 2000;
  Dataset set = load_dataset("digits", "",
                             {.size = image_size, .digits_train = kTrainImages, .digits_test = 10});
  Split split = make_split(set, parse_label_count(labels), 0);
  return {.device = device, .dataset = std::move(set), .split = std::move(split)};
}

GeneratorRunConfig bench_small_generator() {
  GeneratorRunConfig config;
  config.encoder.depth = 10;
  config.encoder.width = 1;
  config.g_channels = config.g_max_channels = 32;
  config.d_channels = config.d_max_channels = 32;
  config.weights.encoder_grad = 0;
  config.semantic_loss = "cross-entropy";
  config.batch = 32;
  return config;
}

namespace {

// Forward and backward convolutions and the linear layer: three times the forward's 0.429 GFLOP per
// image of 32x32, less the stem's data gradient.
constexpr double kFlopsPerImage = 1.285e9;

std::string precision_name(DType dtype) {
  return dtype == DType::bf16 ? "bf16" : "f32";
}

BenchStep supervised(std::int64_t batch) {
  BenchStep step{.name = "wrn-28-2 supervised", .label = "batch " + std::to_string(batch)};
  step.images = batch;
  step.flops = kFlopsPerImage * static_cast<double>(batch);
  step.prepare = [batch](Device device, DType dtype) {
    ClassifierConfig config;
    config.batch = batch;
    config.precision = precision_name(dtype);
    const RunInputs inputs = bench_digits(0, "all", device);
    auto trainer =
        std::make_shared<ClassifierTrainer>(config, inputs.dataset, inputs.split, device);
    return [trainer] { trainer->step(); };
  };
  return step;
}

// The whole step: critic, R1 every 16th time, E_c, C, E_r and G. 250 labels: with Mean Teacher.
BenchStep generator(const std::string& label, std::int64_t image_size,
                    const GeneratorRunConfig& config) {
  BenchStep step{.name = "scimix generator", .label = label};
  step.images = config.batch;
  step.prepare = [image_size, config](Device device, DType dtype) {
    GeneratorRunConfig mine = config;
    mine.precision = precision_name(dtype);
    auto trainer = std::make_shared<GeneratorTrainer>(
        mine,
        bench_digits(image_size, mine.semantic_loss == "cross-entropy" ? "all" : "250", device));
    return [trainer] { trainer->step(); };
  };
  return step;
}

GeneratorRunConfig default_networks(std::int64_t batch) {
  GeneratorRunConfig config;
  config.batch = batch;
  return config;
}

const BenchSteps registered{[] {
  return std::vector{supervised(32), supervised(64),
                     generator("batch 32, 16 px, small", 16, bench_small_generator()),
                     generator("batch 64, 32 px", 32, default_networks(64))};
}};

}  // namespace

}  // namespace scimix

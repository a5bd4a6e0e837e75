// The training steps that scimix_bench times.
#include "bench/steps.hpp"

#include <memory>
#include <optional>

#include "bench/step.hpp"
#include "core/error.hpp"
#include "models/autoencoder.hpp"
#include "trainers/classifier_trainer.hpp"
#include "trainers/generator_trainer.hpp"
#include "trainers/run_inputs.hpp"

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
  config.semantic_loss = SemanticLoss::cross_entropy;
  config.batch = 32;
  return config;
}

namespace {

// Forward and backward convolutions and the linear layer: three times the forward's 0.429 GFLOP per
// image of 32x32, less the stem's data gradient.
constexpr double kFlopsPerImage = 1.285e9;
constexpr double kForwardFlopsPerImage = 0.429e9;

// Of the generator's step with few labels: convolutions and linear layers, with R1's share. (In the
// same step PyTorch's flop counter finds 24.2e9, the filters' among them.)
constexpr double kGeneratorFlopsPerImage = 24.1e9;

// Of a GPU suite's steps: R1 comes every 16th.
constexpr int kGpuCycle = 16;

Precision precision_of(DType dtype) {
  return dtype == DType::bf16 ? Precision::bf16 : Precision::f32;
}

// The networks of a suite, and what its names call them.
struct Networks {
  Suite suite = Suite::standard;
  EncoderSettings encoder = {};
  std::string encoder_name = "wrn-28-2";
  int cycle = 1;
};

EncoderSettings narrow_encoder() {
  EncoderSettings encoder;
  encoder.depth = 10;
  encoder.width = 1;
  return encoder;
}

Networks full_networks() {
  return {.suite = Suite::gpu, .cycle = kGpuCycle};
}

Networks narrow_networks() {
  return {.suite = Suite::gpu_tiny,
          .encoder = narrow_encoder(),
          .encoder_name = "wrn-10-1",
          .cycle = kGpuCycle};
}

// `forward_only`: images that pass the network without a gradient; `trained`: the others.
double encoder_flops(const Networks& networks, std::int64_t trained, std::int64_t forward_only) {
  if (networks.encoder_name != "wrn-28-2") return 0;
  return kFlopsPerImage * static_cast<double>(trained) +
         kForwardFlopsPerImage * static_cast<double>(forward_only);
}

BenchStep classifier(const Networks& networks, ClassifierConfig config) {
  config.model = networks.encoder;
  BenchStep step{.name = text(networks.encoder_name, " ", name_of(config.method)), .label = {}};
  step.suite = networks.suite;
  step.cycle = networks.cycle;
  step.prepare = [config](Device device, DType dtype) {
    ClassifierConfig mine = config;
    mine.precision = precision_of(dtype);
    const RunInputs inputs = bench_digits(0, uses_unlabeled(config) ? "250" : "all", device);
    auto trainer = std::make_shared<ClassifierTrainer>(mine, inputs.dataset, inputs.split, device);
    return [trainer](int calls) { trainer->steps(calls); };
  };
  return step;
}

BenchStep supervised(const Networks& networks, std::int64_t batch) {
  ClassifierConfig config;
  config.batch = batch;
  BenchStep step = classifier(networks, config);
  step.label = text("batch ", batch);
  step.images = batch;
  step.flops = encoder_flops(networks, batch, 0);
  return step;
}

// As many images without labels; the teacher sees a second view of those.
BenchStep mean_teacher(const Networks& networks, std::int64_t batch) {
  ClassifierConfig config;
  config.method = Method::mean_teacher;
  config.batch = batch;
  BenchStep step = classifier(networks, config);
  step.label = text("batch ", batch, "+", batch);
  step.images = 3 * batch;
  step.flops = encoder_flops(networks, 2 * batch, batch);
  return step;
}

// Each image without a label is augmented weakly and strongly. With `unlabeled` 0 there are seven
// times as many of them as labelled images.
BenchStep fixmatch(const Networks& networks, std::int64_t batch, std::int64_t unlabeled_batch = 0) {
  ClassifierConfig config;
  config.method = Method::fixmatch;
  config.batch = batch;
  config.unlabeled_batch = unlabeled_batch;
  const std::int64_t unlabeled = unlabeled_rows(config);
  BenchStep step = classifier(networks, config);
  step.label = text("batch ", batch, "+2x", unlabeled);
  step.images = batch + 2 * unlabeled;
  step.flops = encoder_flops(networks, step.images, 0);
  return step;
}

// Returns an untrained generator of `--scale cpu`.
std::shared_ptr<const Autoencoder> small_autoencoder(std::int64_t image_size, int classes,
                                                     Device device) {
  return std::make_shared<const Autoencoder>(
      AutoencoderConfig{
          .encoder = encoder_config(narrow_encoder(), classes),
          .generator = {.image_size = image_size, .base_channels = 32, .max_channels = 64}},
      0, device);
}

// Mean Teacher, and a hybrid for each labelled and each unlabelled image. They are made by a small
// generator, which does not learn, and filtered by its classifier.
BenchStep with_hybrids(const Networks& networks, std::int64_t batch) {
  ClassifierConfig config;
  config.method = Method::mean_teacher;
  config.model = networks.encoder;
  config.batch = batch;
  config.hybrids.mixer = MixerKind::scimix;
  BenchStep step{.name = text(networks.encoder_name, " ", name_of(config.method), " with hybrids"),
                 .label = text("batch ", batch, "+", batch),
                 .images = 5 * batch,
                 .suite = networks.suite};
  step.prepare = [config](Device device, DType dtype) {
    ClassifierConfig mine = config;
    mine.precision = precision_of(dtype);
    const RunInputs inputs = bench_digits(0, "250", device);
    const auto generator =
        small_autoencoder(inputs.dataset.train.height, inputs.dataset.classes(), device);
    auto trainer = std::make_shared<ClassifierTrainer>(mine, inputs.dataset, inputs.split, device,
                                                       generator.get());
    return [generator, trainer](int calls) { trainer->steps(calls); };
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
    mine.precision = precision_of(dtype);
    auto trainer = std::make_shared<GeneratorTrainer>(
        mine,
        bench_digits(image_size, mine.semantic_loss == SemanticLoss::cross_entropy ? "all" : "250",
                     device));
    return [trainer](int calls) { trainer->steps(calls); };
  };
  return step;
}

GeneratorRunConfig default_networks(std::int64_t batch) {
  GeneratorRunConfig config;
  config.batch = batch;
  return config;
}

// The same for the GPU suites.
BenchStep generator(const Networks& networks, const std::string& label, std::int64_t image_size,
                    GeneratorRunConfig config) {
  config.encoder = networks.encoder;
  BenchStep step = generator(label, image_size, config);
  step.suite = networks.suite;
  step.cycle = networks.cycle;
  return step;
}

BenchStep full_generator(std::int64_t batch) {
  BenchStep step =
      generator(full_networks(), text("batch ", batch, ", 32 px"), 32, default_networks(batch));
  step.flops = kGeneratorFlopsPerImage * static_cast<double>(batch);
  return step;
}

BenchStep narrow_generator(std::int64_t batch) {
  GeneratorRunConfig config = default_networks(batch);
  config.g_channels = config.g_max_channels = 16;
  config.d_channels = config.d_max_channels = 16;
  return generator(narrow_networks(), text("batch ", batch, ", 32 px"), 32, config);
}

// The same step without R1, and with R1 in each step. A run has R1 in every 16th step, so its mean
// step takes 15/16 of the first and 1/16 of the second. Timed apart, few calls give that mean.
std::vector<BenchStep> with_and_without_r1(Suite suite, const std::string& label,
                                           std::int64_t image_size, GeneratorRunConfig config) {
  std::vector<BenchStep> both;
  for (const bool r1 : {false, true}) {
    config.r1_every = r1 ? 1 : 0;
    both.push_back(generator(label, image_size, config));
    both.back().name += r1 ? " with R1" : " without R1";
    both.back().suite = suite;
  }
  return both;
}

// Returns the steps of the suites for comparisons on a CPU. `full` are the networks of most steps,
// `full_generator` is the configuration of the last generator.
std::vector<BenchStep> cpu_steps(const Networks& full, std::int64_t batch,
                                 const GeneratorRunConfig& full_generator) {
  const Networks narrow{
      .suite = full.suite, .encoder = narrow_encoder(), .encoder_name = "wrn-10-1"};
  std::vector<BenchStep> steps;
  for (const std::int64_t size : {batch, 2 * batch}) {
    steps.push_back(supervised(full, size));
    steps.push_back(mean_teacher(full, size));
    steps.push_back(fixmatch(full, size, size));
  }
  steps.push_back(with_hybrids(narrow, batch));
  if (full.encoder_name != narrow.encoder_name) steps.push_back(with_hybrids(full, batch));
  GeneratorRunConfig small = bench_small_generator();
  small.batch = batch;
  const auto add = [&](const std::string& label, std::int64_t size, const GeneratorRunConfig& c) {
    for (BenchStep& step : with_and_without_r1(full.suite, label, size, c)) {
      steps.push_back(std::move(step));
    }
  };
  add(text("batch ", batch, ", 16 px, small"), 16, small);
  add(text("batch ", batch, ", 32 px, small"), 32, small);
  add(text("batch ", full_generator.batch, ", 32 px"), 32, full_generator);
  return steps;
}

const BenchSteps cpu_registered{
    [] { return cpu_steps({.suite = Suite::cpu}, 32, default_networks(32)); }};

const BenchSteps cpu_tiny_registered{[] {
  GeneratorRunConfig narrow = default_networks(2);
  narrow.encoder = narrow_encoder();
  narrow.g_channels = narrow.g_max_channels = 16;
  narrow.d_channels = narrow.d_max_channels = 16;
  return cpu_steps(
      {.suite = Suite::cpu_tiny, .encoder = narrow_encoder(), .encoder_name = "wrn-10-1"}, 2,
      narrow);
}};

const BenchSteps registered{[] {
  const Networks full = full_networks();
  const Networks narrow = narrow_networks();
  return std::vector{supervised({}, 32),
                     supervised({}, 64),
                     generator("batch 32, 16 px, small", 16, bench_small_generator()),
                     generator("batch 64, 32 px", 32, default_networks(64)),

                     supervised(full, 64),
                     supervised(full, 256),
                     supervised(full, 512),
                     mean_teacher(full, 64),
                     fixmatch(full, 64),
                     full_generator(64),

                     supervised(narrow, 4),
                     supervised(narrow, 16),
                     supervised(narrow, 32),
                     mean_teacher(narrow, 4),
                     fixmatch(narrow, 2),
                     narrow_generator(4)};
}};

}  // namespace

}  // namespace scimix

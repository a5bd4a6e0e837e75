// Training runs that are small enough to be made by the dozen.
#pragma once

#include <string>

#include "tiny_generator.hpp"
#include "trainers/classifier_trainer.hpp"
#include "trainers/generator_trainer.hpp"

namespace scimix::test {

inline ClassifierConfig small_config() {
  ClassifierConfig config;
  config.data.digits_train = 400;
  config.data.digits_test = 100;
  config.model.depth = 10;
  config.model.width = 1;
  config.batch = 32;
  config.steps = 150;
  config.sgd.learning_rate = 0.1;
  config.ema_decay = 0.9;
  config.model.norm_momentum = 0.1;
  return config;
}

// The same at 16x16 pixels with 20 labels, for the methods that learn from other images too.
inline const Dataset& tiny_digits() {
  static const Dataset set =
      load_dataset("digits", "", {.size = 16, .digits_train = 60, .digits_test = 20});
  return set;
}

inline const Autoencoder& generator() {
  static const Autoencoder made = tiny_networks(16);
  return made;
}

inline ClassifierConfig tiny_config(const std::string& method) {
  ClassifierConfig config = small_config();
  config.method = method == "mean-teacher-b" ? Method::mean_teacher : choice_of<Method>(method);
  config.batch = 3;
  config.unlabeled_batch = 4;
  config.steps = 6;
  config.sgd.learning_rate = 0.02;
  config.consistency.weight = 5;
  config.fixmatch.threshold = 0.15;  // of ten classes: new networks pass it now and then
  config.fixmatch.cutout = 6;
  if (method == "mean-teacher-b") {  // Mean Teacher's preset B (settings/classifier_settings.cpp)
    config.preset = MethodPreset::b;
    config.optimizer = OptimizerKind::adam;
    config.sgd.learning_rate = 3e-3;
    config.sgd.weight_decay = 0;
    config.norm_statistics = NormStatistics::joint;
    config.supervised_weight = 0.01;
    config.consistency.weight = 1;
    config.consistency.ramp_shape = RampShape::sigmoid;
    config.early_ema_decay = 0.8;
    config.input_noise = 0.075;
  }
  return config;
}

inline Split tiny_split() {
  return make_split(tiny_digits(), 20, 0);
}

inline ClassifierTrainer tiny_trainer(const ClassifierConfig& config) {
  return {config, tiny_digits(), tiny_split(), kCpu,
          uses_generator(config) ? &generator() : nullptr};
}

inline GeneratorRunConfig tiny_generator_config() {
  GeneratorRunConfig config;
  config.data.image_size = 16;
  config.data.digits_train = 400;
  config.data.digits_test = 100;
  config.data.crop_pad = 2;
  config.encoder = {.depth = 10, .width = 1, .norm_momentum = 0.1};
  config.g_channels = 8;
  config.g_max_channels = 16;
  config.d_channels = 8;
  config.d_max_channels = 16;
  config.batch = 8;
  config.steps = 60;
  config.guide.steps = 0;
  config.r1_every = 4;
  config.ema_decay = 0.9;
  config.eval_pairs = 50;
  config.sample_pairs = 3;
  config.output.eval_batch = 25;
  return config;
}

inline RunInputs tiny_inputs(const std::string& labels = "all") {
  static const Dataset set = [] {
    const DataSettings data = tiny_generator_config().data;
    return load_dataset("digits", "",
                        {.size = data.image_size,
                         .digits_train = data.digits_train,
                         .digits_test = data.digits_test});
  }();
  return {.device = kCpu, .dataset = set, .split = make_split(set, parse_label_count(labels), 0)};
}

}  // namespace scimix::test

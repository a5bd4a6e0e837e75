// Training of a classifier: data -> augment -> forward -> loss -> backward -> update.
#pragma once

#include <functional>

#include "data/dataset.hpp"
#include "data/sampler.hpp"
#include "data/split.hpp"
#include "models/wide_resnet.hpp"
#include "trainers/checkpoint.hpp"
#include "trainers/classifier_config.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/optimizer.hpp"
#include "trainers/resident_set.hpp"
#include "trainers/run_inputs.hpp"

namespace scimix {

// Means over the steps since they were last read.
struct TrainingMetrics {
  double loss = 0.0;
  double accuracy = 0.0;
};

// One network in training. Its whole state is its parameters and running statistics, their EMA, the
// optimiser's moments, the metric sums and the step number: what a checkpoint holds. Random numbers
// and the order of samples follow from seed and step.
class ClassifierTrainer {
 public:
  ClassifierTrainer(const ClassifierConfig& config, const Dataset& dataset, const Split& split,
                    Device device);

  // One step of supervised training.
  void step();

  [[nodiscard]] std::int64_t steps_done() const { return steps_done_; }
  [[nodiscard]] double learning_rate() const;  // of the next step
  [[nodiscard]] double epochs() const;

  // Waits for the device. Throws a user error when the loss has become NaN.
  void check_finite() const;
  // Waits for the device.
  [[nodiscard]] TrainingMetrics read_metrics();
  // Of the EMA, on the test images.
  [[nodiscard]] Evaluation evaluate_ema() const;

  // What the network sees: the first augmented images of the next batch, as u8 [N,H,W,3].
  [[nodiscard]] std::vector<std::uint8_t> preview(std::int64_t images);

  void save(const std::filesystem::path& path) const;
  // Errors (user): a checkpoint of another model, data set or split, or a broken file; the trainer
  // is then unchanged.
  void load(const std::filesystem::path& path);

  [[nodiscard]] const WideResNet& model() const { return model_; }

 private:
  [[nodiscard]] CheckpointTensors state() const;
  [[nodiscard]] CheckpointMetadata metadata() const;

  ClassifierConfig config_;
  Device device_;
  DType dtype_;  // of activations
  std::string train_hash_;
  std::string class_names_;
  WeakAugment augment_;
  ResidentSet train_;
  ResidentSet test_;
  Sampler sampler_;
  WideResNet model_;
  WideResNet ema_;
  Sgd optimizer_;
  Tensor step_;     // i32 [1], on the device
  Tensor metrics_;  // f32 [3], see kernels/metrics.hpp
  std::int64_t steps_done_ = 0;
};

}  // namespace scimix

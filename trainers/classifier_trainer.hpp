// Training of a classifier: data -> augment -> (hybrids) -> forward -> loss -> backward -> update.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "data/sampler.hpp"
#include "data/split.hpp"
#include "models/wide_resnet.hpp"
#include "trainers/batch_plan.hpp"
#include "trainers/checkpoint.hpp"
#include "trainers/classifier_objective.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/gradient_exchange.hpp"
#include "trainers/optimizer.hpp"
#include "trainers/resident_set.hpp"
#include "trainers/run_inputs.hpp"
#include "trainers/step_graphs.hpp"

namespace scimix {

// Means over the steps since they were last read.
struct TrainingMetrics {
  std::vector<std::optional<double>> terms;  // by ClassifierTerm; none where one was not computed
  double accuracy = 0.0;                     // on the labelled images
};

// Images of a step as the networks see them.
struct Sheet {
  std::string name;  // augmented, strong, hybrids
  std::string caption;
  std::int64_t columns = 10;
  std::vector<std::uint8_t> pixels;  // [N,H,W,3]
};

// One network in training. Its whole state is its parameters and running statistics, their EMA, the
// optimiser's moments, the sums of the log and the step number: what a checkpoint holds. Random
// numbers and the order of samples follow from seed and step.
class ClassifierTrainer {
 public:
  // `generator` makes hybrids (mixer scimix) or gives the first weights (init_from generator).
  // `ranks` train together: batches of the settings are those of all ranks, which each take an
  // equal share. Both must outlive the trainer. Errors (user): fewer unlabelled images than a step
  // takes; batches that cannot be shared equally.
  ClassifierTrainer(const ClassifierConfig& config, const Dataset& dataset, const Split& split,
                    Device device, const Autoencoder* generator = nullptr,
                    Comm& ranks = local_comm());

  ClassifierTrainer(const ClassifierTrainer&) = delete;  // its plan of batches calls it
  ClassifierTrainer& operator=(const ClassifierTrainer&) = delete;

  // With several ranks these are for all of them to call: steps, check_finite, read_metrics,
  // evaluate_ema, save, share_state.
  void steps(std::int64_t count);
  void step() { steps(1); }
  // How many steps are best asked for next.
  [[nodiscard]] std::int64_t steps_at_once() const { return graphs_.to_boundary(steps_done_); }

  [[nodiscard]] const StepGraphs& graphs() const { return graphs_; }
  [[nodiscard]] std::int64_t steps_done() const { return steps_done_; }
  [[nodiscard]] double learning_rate() const;  // of the next step
  [[nodiscard]] double epochs() const;         // over the labelled images

  // Waits for the device. Throws a user error when a loss has become NaN.
  void check_finite() const;
  // Waits for the device.
  [[nodiscard]] TrainingMetrics read_metrics();
  // Of the EMA, on the test images, of which each rank takes its share.
  [[nodiscard]] Evaluation evaluate_ema() const;

  // What the networks see of the next batch: `images` augmented ones, and hybrids where there are
  // some.
  [[nodiscard]] std::vector<Sheet> preview(std::int64_t images) const;

  // Rank 0 writes.
  void save(const std::filesystem::path& path) const;
  // All ranks take what rank 0 holds.
  void share_state();
  // Errors (user): a checkpoint of another model, data set or split, or a broken file; the trainer
  // is then unchanged.
  void load(const std::filesystem::path& path);

  [[nodiscard]] const WideResNet& model() const { return model_; }
  [[nodiscard]] const WideResNet& average() const { return ema_; }
  [[nodiscard]] const ResidentSet& test_set() const { return test_; }

 private:
  // Images of a step: which, and how many of each kind all ranks have together.
  struct Picks {
    Tensor labeled;    // i32, of this rank
    Tensor unlabeled;  // likewise
    std::int64_t all_labeled = 0;
    std::int64_t all_unlabeled = 0;
  };
  void plan_batches();
  void draw_step(std::int64_t step, const BatchPlan::Row& row) const;
  void queue_step();
  // Images get `channels` >= 3 channels, the further ones zeros.
  [[nodiscard]] ClassifierBatch make_batch(const Picks& picks, std::int64_t channels,
                                           const Comm& ranks) const;
  [[nodiscard]] Variable noisy(const Tensor& images, std::uint32_t stream,
                               std::int64_t first_row) const;
  void set_weights() const;
  void average_buffers() const;
  void refresh_copies() const;
  [[nodiscard]] CheckpointTensors state() const;
  [[nodiscard]] CheckpointMetadata metadata() const;

  ClassifierConfig config_;
  Device device_;
  DType dtype_;  // of activations
  std::string train_hash_;
  std::string class_names_;  // a JSON list
  std::int64_t image_size_;
  WeakAugment augment_;
  StrongAugment strong_;
  ResidentSet train_;
  ResidentSet test_;
  mutable Sampler labeled_;  // keep the order of the last epoch
  mutable Sampler unlabeled_;
  WideResNet model_;
  WideResNet ema_;
  ClassifierObjective objective_;
  std::optional<HybridMaker> hybrids_;
  std::unique_ptr<Optimizer> optimizer_;
  Tensor step_;                // i32 [1], on the device
  Tensor consistency_weight_;  // f32 [1]
  Tensor hybrid_weight_;       // f32 [1]
  TermLog terms_;
  Tensor accuracy_;  // f32 [3], see kernels/metrics/metrics.hpp
  Comm& ranks_;
  GradientExchange gradients_;
  BatchPlan plan_;
  BatchPlan::Column labeled_column_;
  BatchPlan::Column unlabeled_column_;
  BatchPlan::Column scene_column_;
  BatchPlan::Column share_column_;
  BatchPlan::Column corner_column_;
  HybridRows hybrid_rows_;  // of this rank
  StepGraphs graphs_;
  std::int64_t steps_done_ = 0;
};

}  // namespace scimix

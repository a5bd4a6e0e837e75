// Training of the generator, in phases:
//
//   data -> augment -> generate -> critic        D learns to tell real images from made ones
//                               -> critic_r1     every r1_every steps
//                               -> generator     E_c, C, E_r and G learn against the new D
#pragma once

#include <filesystem>
#include <optional>

#include "data/sampler.hpp"
#include "trainers/batch_plan.hpp"
#include "trainers/checkpoint.hpp"
#include "trainers/generator_evaluation.hpp"
#include "trainers/generator_objective.hpp"
#include "trainers/gradient_exchange.hpp"
#include "trainers/optimizer.hpp"
#include "trainers/resident_set.hpp"
#include "trainers/run_inputs.hpp"
#include "trainers/step_graphs.hpp"

namespace scimix {

// Means over the steps since they were last read, by Term; none where a term was not computed.
struct GeneratorMetrics {
  std::vector<std::optional<double>> terms;
  double train_accuracy = 0.0;  // of C on labelled images
};

class GeneratorTrainer {
 public:
  // The batch of the settings is that of all ranks of `inputs`, which each take an equal share.
  // Errors (user): an image size that no network fits, fewer labels than classes, a batch that
  // cannot be shared equally.
  GeneratorTrainer(const GeneratorRunConfig& config, const RunInputs& inputs);

  GeneratorTrainer(const GeneratorTrainer&) = delete;  // its plan of batches calls it
  GeneratorTrainer& operator=(const GeneratorTrainer&) = delete;

  // With several ranks these are for all of them to call: steps, check_finite, read_metrics,
  // evaluate_ema, save, share_state.
  void steps(std::int64_t count);
  void step() { steps(1); }
  // How many steps are best asked for next.
  [[nodiscard]] std::int64_t steps_at_once() const { return graphs_.to_boundary(steps_done_); }

  [[nodiscard]] const StepGraphs& graphs() const { return graphs_; }
  [[nodiscard]] std::int64_t steps_done() const { return steps_done_; }
  [[nodiscard]] double learning_rate() const;  // of E_c's next step
  [[nodiscard]] double epochs() const;
  [[nodiscard]] bool uses_mean_teacher() const { return mean_teacher_; }

  // Waits for the device. Throws a user error when a loss term has become NaN or infinite: it names
  // the step, the phase and the term where that came first.
  void check_finite() const;
  [[nodiscard]] GeneratorMetrics read_metrics();
  // On the test images, of which each rank takes its share.
  [[nodiscard]] GeneratorEvaluation evaluate_ema() const;
  // See sample_grid; by the averaged networks as they were evaluated last.
  [[nodiscard]] std::vector<std::uint8_t> samples() const;

  // Rank 0 writes.
  void save(const std::filesystem::path& path) const;
  // All ranks take what rank 0 holds.
  void share_state();
  // Errors (user): a checkpoint of another model, data set or split; the trainer is unchanged.
  void load(const std::filesystem::path& path);

  [[nodiscard]] const Autoencoder& networks() const { return networks_; }
  [[nodiscard]] const Autoencoder& average() const { return average_; }
  [[nodiscard]] const Discriminator& critic() const { return critic_; }

 private:
  void plan_batches();
  void draw_step(std::int64_t step, const BatchPlan::Row& row);
  [[nodiscard]] bool regularises(std::int64_t step) const;
  void queue_step(bool with_r1);
  [[nodiscard]] GeneratorBatch make_batch() const;
  void generator_phase(const Generated& generated, const GeneratorBatch& batch);
  void update_critic(const LossTerms& terms);
  void copy_buffers() const;
  void average_buffers() const;
  // Of every network.
  [[nodiscard]] std::vector<const ParameterStore*> stores() const;
  [[nodiscard]] CheckpointTensors state() const;
  [[nodiscard]] CheckpointMetadata metadata() const;

  GeneratorRunConfig config_;
  Device device_;
  DType dtype_;  // of activations
  std::string train_hash_;
  std::vector<std::string> class_names_;
  bool all_labeled_;  // then labelled images are also those that are rebuilt and mixed
  bool mean_teacher_;
  WeakAugment augment_;
  ResidentSet train_;
  ResidentSet test_;
  Sampler labeled_;
  Sampler unlabeled_;
  Autoencoder networks_;
  Autoencoder average_;
  Discriminator critic_;
  GeneratorObjective objective_;
  Sgd semantic_optimizer_;     // E_c, C
  Adam scene_optimizer_;       // E_r
  Adam generator_optimizer_;   // G
  Adam critic_optimizer_;      // D
  Tensor step_;                // i32 [1], on the device
  Tensor consistency_weight_;  // f32 [1]
  TermLog terms_;
  Tensor accuracy_;  // f32 [3], see kernels/metrics/metrics.hpp
  Comm& ranks_;
  GradientExchange generator_gradients_;  // of G, E_r, E_c and C
  GradientExchange critic_gradients_;
  BatchPlan plan_;
  BatchPlan::Column labeled_column_;
  BatchPlan::Column unlabeled_column_;
  BatchPlan::Column partner_column_;
  StepGraphs graphs_;
  std::int64_t steps_done_ = 0;
};

}  // namespace scimix

// Training of the generator, in phases:
//
//   data -> augment -> generate -> critic        D learns to tell real images from made ones
//                               -> critic_r1     every r1_every steps
//                               -> generator     E_c, C, E_r and G learn against the new D
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "trainers/generator_checkpoint.hpp"
#include "trainers/generator_evaluation.hpp"
#include "trainers/generator_objective.hpp"
#include "trainers/training_session.hpp"

namespace scimix {

class GeneratorTrainer : public TrainingSession {
 public:
  // Errors (user): an image size that no network fits, fewer labels than classes, fewer test images
  // than an evaluation mixes, a batch that the ranks cannot share equally.
  GeneratorTrainer(const GeneratorRunConfig& config, const RunInputs& inputs);

  // Returns the passes over the images that are rebuilt and mixed.
  [[nodiscard]] double epochs() const override;
  // Returns the method of L_S.
  [[nodiscard]] Method semantic_method() const { return method_; }

  // Gives E_c and C, and their averages, the weights and running statistics of a classifier of the
  // same shape. `guide` says what it is; its accuracy is measured here, by all ranks together.
  void start_from(const WideResNet& classifier, const GuideInfo& guide);
  [[nodiscard]] const std::optional<GuideInfo>& guide() const { return guide_; }

  // Evaluates the averages on the test images, of which each rank takes its share. Nothing where it
  // was given up (see evaluate).
  [[nodiscard]] std::optional<GeneratorEvaluation> evaluate_ema(
      const EvaluationOptions& options) const;
  [[nodiscard]] GeneratorEvaluation evaluate_ema() const { return *evaluate_ema({}); }
  // Returns a grid of the averages' work (see sample_grid).
  [[nodiscard]] std::vector<std::uint8_t> samples() const;

  [[nodiscard]] const Autoencoder& networks() const { return networks_; }
  [[nodiscard]] const Autoencoder& average() const { return average_; }
  [[nodiscard]] const Discriminator& critic() const { return critic_; }

 protected:
  void draw_step(std::int64_t step, const BatchSchedule::Row& row) const override;
  void queue_step() override;
  [[nodiscard]] CheckpointMetadata describe() const override;
  void take_over(const CheckpointMetadata& metadata, const std::filesystem::path& path) override;

 private:
  [[nodiscard]] GeneratorBatch make_batch() const;

  GeneratorRunConfig config_;
  std::vector<std::string> class_names_;
  Method method_;       // of L_S
  bool mixes_labeled_;  // labelled images are also those that are rebuilt and mixed
  StrongAugment strong_;
  std::optional<GuideInfo> guide_;
  Autoencoder networks_;
  Autoencoder average_;
  Discriminator critic_;
  GeneratorObjective objective_;
  Sgd semantic_optimizer_;     // E_c, C
  Adam scene_optimizer_;       // E_r
  Adam generator_optimizer_;   // G
  Adam critic_optimizer_;      // D
  Tensor consistency_weight_;  // f32 [1]
  BatchLayout layout_;
  BatchSchedule::Column labeled_column_;
  BatchSchedule::Column unlabeled_column_;
  BatchSchedule::Column partner_column_;
};

}  // namespace scimix

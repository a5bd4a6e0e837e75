// Trains the generator. A step runs these phases:
//
//   data -> augment -> generate -> critic        trains D on real images and on images made by G
//                               -> critic_r1     trains D by the R1 penalty, every r1_every steps
//                               -> generator     trains E_c, C, E_r and G against the updated D
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "trainers/generator_checkpoint.hpp"
#include "trainers/generator_evaluation.hpp"
#include "trainers/generator_objective.hpp"
#include "trainers/training_session.hpp"

namespace scimix {

// Errors (user): images of more than 512x512 pixels, or 256x256 in f64. The kernel that upsamples
// keeps a line of a hybrid, one pixel longer and with 16 channels, in the 64 KiB of a block.
void check_generated_size(std::int64_t image_size, Precision precision);

class GeneratorTrainer : public TrainingSession {
 public:
  // Errors (user): images that are not square or have a size that G or D does not support, fewer
  // than two test images, fewer unlabelled images than a step needs, images too large for the
  // strong augmentation, a batch that is not a multiple of the number of ranks, a --minibatch-std
  // that does not divide a rank's batch.
  GeneratorTrainer(const GeneratorRunConfig& config, const RunInputs& inputs);

  // Returns the number of passes so far over the set from which the images that are reconstructed
  // and mixed are drawn.
  [[nodiscard]] double epochs() const override;
  // Returns the method of L_S.
  [[nodiscard]] Method semantic_method() const { return method_; }

  // Copies the parameters and running statistics of a classifier of the same shape to E_c, C and
  // their EMA. `guide` describes the classifier; its accuracy is measured here, by all ranks
  // together.
  void start_from(const WideResNet& classifier, const GuideInfo& guide);
  [[nodiscard]] const std::optional<GuideInfo>& guide() const { return guide_; }

  // Evaluates the EMA networks on the test images (see evaluate_generator). Returns nothing if
  // `options.give_up` ended the evaluation.
  [[nodiscard]] std::optional<GeneratorEvaluation> evaluate_ema(const EvaluationOptions& options);
  [[nodiscard]] GeneratorEvaluation evaluate_ema() { return *evaluate_ema({}); }
  // Returns a picture grid of the EMA networks' reconstructions and hybrids (see sample_grid).
  [[nodiscard]] std::vector<std::uint8_t> samples();

  [[nodiscard]] const Autoencoder& networks() const { return networks_; }
  [[nodiscard]] const Autoencoder& average() const { return average_; }
  [[nodiscard]] const Discriminator& critic() const { return critic_; }

 protected:
  void draw_step(std::int64_t step, const BatchSchedule::Row& row) const override;
  void queue_step() override;
  [[nodiscard]] CheckpointMetadata describe() const override;
  void check_description(const CheckpointMetadata& metadata,
                         const std::filesystem::path& path) const override;
  void take_over(const CheckpointMetadata& metadata, const std::filesystem::path& path) override;

 private:
  [[nodiscard]] GeneratorBatch make_batch() const;

  GeneratorRunConfig config_;
  std::vector<std::string> class_names_;
  Method method_;       // of L_S
  bool mixes_labeled_;  // the labelled images are also the images that are reconstructed and mixed
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

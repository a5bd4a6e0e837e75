// Trains a classifier: data -> augment -> forward -> (hybrids) -> loss -> backward -> update.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/wide_resnet.hpp"
#include "trainers/classifier_objective.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/find_images_to_label.hpp"
#include "trainers/training_session.hpp"

namespace scimix {

// The format in the metadata of a classifier's checkpoint.
inline constexpr const char* kClassifierFormat = "scimix-classifier-2";

class ClassifierTrainer : public TrainingSession {
 public:
  // `generator` makes hybrids (mixer scimix) or provides the initial weights (init_from generator).
  // `generator` and `ranks` must outlive the trainer.
  // Errors (user): fewer unlabelled images than a step needs, images too large for the strong
  // augmentation, a batch that is not a multiple of the number of ranks.
  ClassifierTrainer(const ClassifierConfig& config, const Dataset& dataset, const Split& split,
                    Device device, const Autoencoder* generator = nullptr,
                    Comm& ranks = local_comm());

  // Returns the number of passes over the labelled images so far.
  [[nodiscard]] double epochs() const override;
  // Evaluates the EMA network on the test images, which are divided among the ranks. Returns
  // nothing if `options.give_up` ended the evaluation.
  [[nodiscard]] std::optional<Evaluation> evaluate_ema(const EvaluationOptions& options);
  [[nodiscard]] Evaluation evaluate_ema() { return *evaluate_ema({}); }

  // Looks at unlabelled images of `dataset`, the one of the constructor, with the EMA network. Call
  // it after an evaluation or a checkpoint.
  [[nodiscard]] std::optional<ImagesToLabel> images_to_label(
      const Dataset& dataset, const std::filesystem::path& data_dir) const;

  // Returns pictures of what the network sees: `images` augmented images, and as many hybrids if
  // the run uses hybrids.
  [[nodiscard]] std::vector<Sheet> preview(std::int64_t images) const;

  [[nodiscard]] const WideResNet& model() const { return model_; }
  [[nodiscard]] const WideResNet& average() const { return ema_; }

 protected:
  void draw_step(std::int64_t step, const BatchSchedule::Row& row) const override;
  void queue_step() override;
  [[nodiscard]] CheckpointMetadata describe() const override;
  // Errors (user): the run was begun with another generator.
  void check_description(const CheckpointMetadata& metadata,
                         const std::filesystem::path& path) const override;

 private:
  enum class Use { network, picture };
  // Augments this rank's images with the indices `labeled` and `unlabeled` (i32).
  [[nodiscard]] ClassifierBatch make_batch(const BatchLayout& layout, const Tensor& labeled,
                                           const Tensor& unlabeled, Use use) const;
  void add_input_noise(const BatchLayout& layout, Part part, const Output& images) const;
  [[nodiscard]] BatchLayout layout_of(std::int64_t labeled, std::int64_t unlabeled,
                                      const Comm& ranks) const;
  void set_weights();

  ClassifierConfig config_;
  std::string class_names_;         // a JSON list
  std::string generator_checksum_;  // of its parameters; "" without a generator
  StrongAugment strong_;
  WideResNet model_;
  WideResNet ema_;
  ClassifierObjective objective_;
  std::optional<HybridMaker> hybrids_;
  std::unique_ptr<Optimizer> optimizer_;
  Tensor consistency_weight_;  // f32 [1]
  Tensor hybrid_weight_;       // f32 [1]
  BatchLayout layout_;
  HybridRows hybrid_rows_;  // of this rank
  BatchSchedule::Column labeled_column_;
  BatchSchedule::Column unlabeled_column_;
  BatchSchedule::Column scene_column_;
  BatchSchedule::Column share_column_;
  BatchSchedule::Column corner_column_;
};

}  // namespace scimix

// The base class of all trainers. It handles steps and their recorded graphs, the batch schedule,
// sums for the log, checks for values that are not finite, ranks, and checkpoints.
//
// A trainer derives from TrainingSession. Its constructor calls
// - add_network for each of its networks;
// - add_phase for each phase of a step: the networks that learn, their optimisers, and the steps at
//   which the phase is due.
// It overrides
// - draw_step, which fills in what the host draws for a step;
// - queue_step, which makes a batch and runs the phases;
// - describe, which returns the trainer's metadata for checkpoints.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/sampler.hpp"
#include "losses/classification.hpp"
#include "trainers/batch_parts.hpp"
#include "trainers/batch_schedule.hpp"
#include "trainers/checkpoint.hpp"
#include "trainers/gradient_exchange.hpp"
#include "trainers/loss_terms.hpp"
#include "trainers/optimizer.hpp"
#include "trainers/resident_set.hpp"
#include "trainers/run_inputs.hpp"
#include "trainers/step_graphs.hpp"

namespace scimix {

// Means over the steps since they were last read.
struct TrainingMetrics {
  std::vector<std::optional<double>> terms;  // one for each term; nullopt: not computed
  double accuracy = 0.0;                     // on the labelled images, in 0..1
};

// A grid of images for people to look at.
struct Sheet {
  std::string name;  // file name without its extension
  std::string caption;
  std::int64_t columns = 10;
  int scale = 1;                     // pixels of the picture per pixel of an image
  std::vector<std::uint8_t> pixels;  // [N,H,W,3]
};

// The settings that all kinds of runs have.
struct SessionSettings {
  std::int64_t steps = 0;
  std::int64_t batch = 0;  // labelled images of a step, on all ranks
  std::uint64_t seed = 0;
  Precision precision = Precision::f32;
  RunScale scale = RunScale::full;
  DataSettings data;
  RankSettings ranks;
  GraphSettings graphs;
  OutputSettings output;
};
template <class Config>
[[nodiscard]] SessionSettings session_settings(const Config& config) {
  return {.steps = config.steps,
          .batch = config.batch,
          .seed = config.seed,
          .precision = config.precision,
          .scale = config.scale,
          .data = config.data,
          .ranks = config.ranks,
          .graphs = config.graphs,
          .output = config.output};
}

// The words by which messages and files distinguish the kinds of trainers.
struct TrainerKind {
  std::string_view format;          // format of its checkpoints
  std::string_view command;         // scimix_train's command: "classifier" or "generator"
  std::span<const TermInfo> terms;  // all terms that it logs
  std::string_view advice;          // shown if a loss is not finite
};

// A checkpoint has the whole state of a session: parameters and running statistics, their averages
// (EMA), the optimisers' moments, the sums for the log and the step number. Random numbers and the
// order of images are functions of the seed and the step.
//
// With several ranks, all ranks must call steps, check_finite, read_metrics, save and share_state
// together.
class TrainingSession {
 public:
  TrainingSession(const TrainingSession&) = delete;  // the batch schedule refers to it
  TrainingSession& operator=(const TrainingSession&) = delete;
  virtual ~TrainingSession() = default;

  // Makes `count` steps.
  void steps(std::int64_t count);
  void step() { steps(1); }
  // Returns the number of steps to the next graph boundary.
  [[nodiscard]] std::int64_t steps_at_once() const { return graphs_.to_boundary(steps_done_); }

  [[nodiscard]] const StepGraphs& graphs() const { return graphs_; }
  [[nodiscard]] const TrainerKind& kind() const { return kind_; }
  [[nodiscard]] const SessionSettings& settings() const { return settings_; }
  [[nodiscard]] const ResidentSet& test_set() const { return test_; }
  [[nodiscard]] std::int64_t steps_done() const { return steps_done_; }
  // Returns the learning rate that the first network's next update has.
  [[nodiscard]] double learning_rate() const;
  // Returns the number of passes over the training images so far, for the log.
  [[nodiscard]] virtual double epochs() const = 0;

  // Waits for the device. Errors (user): a loss term has become NaN or infinite. The message names
  // the step, the phase and the first such term.
  void check_finite() const;
  // Returns the means since the last call. Waits for the device.
  [[nodiscard]] TrainingMetrics read_metrics();

  // Returns true if the evaluation after the last step is still to be made, because a signal came
  // before it. Checkpoints store this.
  [[nodiscard]] bool evaluation_due() const { return evaluation_due_; }
  void set_evaluation_due(bool due) { evaluation_due_ = due; }

  // Writes a checkpoint. Rank 0 writes the file. Errors (user): a parameter, a moment or a running
  // statistic is NaN or infinite; nothing is written then.
  void save(const std::filesystem::path& path);
  // Copies rank 0's state to all ranks.
  void share_state();
  // Loads a checkpoint. Errors (user): a checkpoint of another model or data set, a broken file;
  // the session is then unchanged.
  void load(const std::filesystem::path& path);

 protected:
  // `unlabeled` has the indices of the training images that are drawn without their labels; the
  // labelled ones come from inputs.split. Errors (user): a batch that is not a multiple of the
  // number of ranks, a precision that the device does not support.
  TrainingSession(const SessionSettings& settings, const TrainingInputs& inputs,
                  const TrainerKind& kind, std::vector<std::int32_t> unlabeled);

  struct Network {
    std::string name;         // in checkpoints; may be empty if there is only one network
    ParameterStore* learner;  // the parameters in training
    ParameterStore* average;  // their EMA; null: no EMA is kept
    Optimizer* optimizer;
  };
  struct Phase {
    std::string_view name;
    // The networks that learn in this phase, in the order in which backward reaches them.
    std::vector<ParameterStore*> learners;
    std::vector<Optimizer*> optimizers;
    std::function<bool(std::int64_t step)> due = {};  // empty: at every step
  };
  // Register a network and a phase. Only the constructor of a trainer calls them.
  void add_network(const Network& network);
  void add_phase(const Phase& phase);

  // Fills in what the host draws for a step.
  virtual void draw_step(std::int64_t step, const BatchSchedule::Row& row) const = 0;
  // Queues one step: makes the batch and runs the phases.
  virtual void queue_step() = 0;
  // Runs a phase of the current step if it is due: adds its loss terms to the log, computes the
  // gradients of their weighted sum, and calls the optimisers. `terms` is a function that returns a
  // vector of LossTerm.
  template <class MakeTerms>
  void run_phase(std::string_view name, const MakeTerms& terms) {
    PhaseEntry& phase = find_phase(name);
    if (is_due(phase, step_in_hand_)) learn(phase, numbered(terms()));
  }
  // Returns whether a phase is due at the current step.
  [[nodiscard]] bool is_due(std::string_view name) {
    return is_due(find_phase(name), step_in_hand_);
  }
  // Adds the accuracy of the classifier on labelled images to the log.
  void log_accuracy(const ClassificationLoss& loss, const Variable& logits, const Tensor& labels);

  // Returns the trainer's own entries for the metadata of a checkpoint.
  [[nodiscard]] virtual CheckpointMetadata describe() const = 0;
  // Checks the trainer's own entries in the metadata of a checkpoint, before it is loaded. Errors
  // (user): a checkpoint with which this run cannot go on.
  virtual void check_description(const CheckpointMetadata& /*metadata*/,
                                 const std::filesystem::path& /*path*/) const {}
  // Takes over the state that is only in the metadata of a checkpoint, after it was loaded.
  virtual void take_over(const CheckpointMetadata& /*metadata*/,
                         const std::filesystem::path& /*path*/) {}

  // Augments the images at `index` for a part of the batch, and writes them to `images`: strongly
  // for Part::strong, otherwise weakly. The random numbers are addressed by the current step and
  // the numbers of the part's rows in `layout`.
  void augment(const BatchLayout& layout, Part part, const Tensor& index,
               const StrongAugment& strong, const Output& images) const;

  // Copy the running statistics of the networks to the EMA networks, because the EMA averages only
  // parameters. average_buffers first replaces them by their mean over the ranks.
  void average_buffers();
  void copy_buffers();

  // For draw_step: sets the column to the indices of this rank's rows of the sampler's images.
  static void draw_images(const BatchSchedule::Row& row, const BatchSchedule::Column& column,
                          Sampler& sampler, std::int64_t step, const RankRows& rows);

  SessionSettings settings_;
  Device device_;
  DType dtype_;  // of activations
  Comm& ranks_;
  std::string train_hash_;
  WeakAugment augment_;
  ResidentSet train_;
  ResidentSet test_;
  // Mutable, because a sampler caches the order of its last epoch. Its results depend only on the
  // step.
  mutable Sampler labeled_;
  mutable Sampler unlabeled_;
  Tensor step_;  // i32 [1]: the step number, on the device
  BatchSchedule schedule_;

 private:
  struct PhaseEntry {
    Phase phase;
    GradientExchange gradients;
  };
  [[nodiscard]] PhaseEntry& find_phase(std::string_view name);
  [[nodiscard]] static bool is_due(const PhaseEntry& phase, std::int64_t step);
  [[nodiscard]] StepKind kind_of(std::int64_t step) const;
  void queue(std::int64_t step);
  void learn(PhaseEntry& phase, const PhaseTerms& terms);
  [[nodiscard]] CheckpointTensors state() const;
  [[nodiscard]] CheckpointTensors lasting_state() const;  // state without the sums for the log
  [[nodiscard]] CheckpointMetadata metadata() const;
  // Returns what to do if the training has diverged.
  [[nodiscard]] std::string advice() const;
  [[nodiscard]] bool has_same_terms(const std::filesystem::path& path,
                                    const CheckpointMetadata& metadata) const;

  TrainerKind kind_;
  mutable bool has_checkpoint_ = false;  // a checkpoint was written or loaded
  std::vector<Network> networks_;
  std::vector<PhaseEntry> phases_;
  TermLog terms_;
  Tensor accuracy_;  // f32 [3], see kernels/metrics/metrics.hpp
  StepGraphs graphs_;
  std::int64_t steps_done_ = 0;
  std::int64_t step_in_hand_ = 0;
  bool evaluation_due_ = false;
};

// Checks that there are enough unlabelled images. Errors (user): `members`, the number of
// unlabelled images, is smaller than `rows`, the number that a step needs.
void check_unlabeled(const std::string& dataset, std::int64_t members, std::int64_t rows);

// Returns a predicate that is true at every `interval`-th step, or never if `interval` is 0.
[[nodiscard]] inline std::function<bool(std::int64_t)> every(std::int64_t interval) {
  return [interval](std::int64_t step) { return interval > 0 && step % interval == 0; };
}

}  // namespace scimix

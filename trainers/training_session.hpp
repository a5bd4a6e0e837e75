// What every trainer does, whatever it trains: steps and their recorded graphs, the batch schedule,
// sums of the log, checks for numbers that are not finite, ranks, and checkpoints.
//
// A trainer derives from TrainingSession and brings
//   its networks                 add_network, in its constructor
//   the phases of its step       add_phase: which networks learn, by which optimisers, at which
//   steps what the host draws          draw_step the step itself              queue_step: makes a
//   batch and runs the phases what a checkpoint says       describe
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
  std::vector<std::optional<double>> terms;  // by the trainer's terms; none: was not computed
  double accuracy = 0.0;                     // on the labelled images, in 0..1
};

// Images for people to look at.
struct Sheet {
  std::string name;  // of the file, without its ending
  std::string caption;
  std::int64_t columns = 10;
  int scale = 1;                     // pixels of the picture per pixel of an image
  std::vector<std::uint8_t> pixels;  // [N,H,W,3]
};

// The settings that every run has.
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

// What tells the trainers apart in messages and files.
struct TrainerKind {
  std::string_view format;          // of its checkpoints
  std::string_view command;         // of scimix_train
  std::span<const TermInfo> terms;  // all that it logs
  std::string_view advice;          // where a loss is not finite
};

// The whole state of a session is parameters and running statistics, their averages (EMA), the
// optimisers' moments, the sums of the log and the step number: what a checkpoint holds. Random
// numbers and the order of images follow from the seed and the step.
//
// With several ranks, all of them call these together: steps, check_finite, read_metrics, save,
// share_state.
class TrainingSession {
 public:
  TrainingSession(const TrainingSession&) = delete;  // the batch schedule calls it
  TrainingSession& operator=(const TrainingSession&) = delete;
  virtual ~TrainingSession() = default;

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
  // Returns the passes over the data set that the log counts.
  [[nodiscard]] virtual double epochs() const = 0;

  // Waits for the device. Throws a user error where a loss term has become NaN or infinite; it
  // names the step, the phase and the term where that came first.
  void check_finite() const;
  // Waits for the device.
  [[nodiscard]] TrainingMetrics read_metrics();

  // True where an evaluation at the step in hand is still to be made: an interrupt came before it.
  // A checkpoint keeps this.
  [[nodiscard]] bool evaluation_due() const { return evaluation_due_; }
  void set_evaluation_due(bool due) { evaluation_due_ = due; }

  // Rank 0 writes the file.
  void save(const std::filesystem::path& path) const;
  // Gives all ranks the state of rank 0.
  void share_state();
  // Errors (user): a checkpoint of another model, data set or split, or a broken file; the session
  // is then unchanged.
  void load(const std::filesystem::path& path);

 protected:
  // `labeled` and `unlabeled` are the indices of the training images that are drawn with and
  // without their labels. The batch of the settings is that of all ranks, which each take an equal
  // share. Errors (user): a batch that the ranks cannot share equally, an unknown precision.
  TrainingSession(const SessionSettings& settings, const TrainingInputs& inputs,
                  const TrainerKind& kind, std::vector<std::int32_t> unlabeled);

  struct Network {
    std::string name;               // in checkpoints; may be empty where there is but one
    const ParameterStore* learner;  // in training
    const ParameterStore* average;  // its EMA; null: none is kept
    Optimizer* optimizer;
  };
  struct Phase {
    std::string_view name;
    // The networks that learn in this phase, in the order in which backward reaches them.
    std::vector<const ParameterStore*> learners;
    std::vector<Optimizer*> optimizers;
    std::function<bool(std::int64_t step)> due = {};  // empty: at every step
  };
  void add_network(const Network& network);
  void add_phase(const Phase& phase);

  // Fills in what the host draws for a step.
  virtual void draw_step(std::int64_t step, const BatchSchedule::Row& row) const = 0;
  // Queues one step: makes the batch and runs the phases.
  virtual void queue_step() = 0;
  // Runs a phase of the step in hand if it is due: adds its loss terms to the log, computes the
  // gradients of their sum, and updates. `terms` returns a vector of LossTerm.
  template <class MakeTerms>
  void run_phase(std::string_view name, const MakeTerms& terms) {
    PhaseEntry& phase = find_phase(name);
    if (is_due(phase, step_in_hand_)) learn(phase, numbered(terms()));
  }
  [[nodiscard]] bool is_due(std::string_view name) {
    return is_due(find_phase(name), step_in_hand_);
  }
  // Adds to the log how often the classifier is right on labelled images.
  void log_accuracy(const ClassificationLoss& loss, const Variable& logits, const Tensor& labels);

  // Returns the trainer's own entries for the metadata of a checkpoint.
  [[nodiscard]] virtual CheckpointMetadata describe() const = 0;

  // Brings the running statistics of the averages up to date: averages are kept of parameters
  // alone.
  void average_buffers() const;
  void copy_buffers() const;

  // For draw_step: sets the column to this rank's share of the sampler's images.
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
  mutable Sampler labeled_;  // samplers keep the order of the last epoch
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
  [[nodiscard]] CheckpointMetadata metadata() const;
  void refresh_copies() const;

  TrainerKind kind_;
  mutable bool has_checkpoint_ = false;  // one was written or loaded
  std::vector<Network> networks_;
  std::vector<PhaseEntry> phases_;
  TermLog terms_;
  Tensor accuracy_;  // f32 [3], see kernels/metrics.hpp
  StepGraphs graphs_;
  std::int64_t steps_done_ = 0;
  std::int64_t step_in_hand_ = 0;
  bool evaluation_due_ = false;
};

// Returns a predicate that holds at every `interval`-th step; never for an interval of 0.
[[nodiscard]] inline std::function<bool(std::int64_t)> every(std::int64_t interval) {
  return [interval](std::int64_t step) { return interval > 0 && step % interval == 0; };
}

}  // namespace scimix

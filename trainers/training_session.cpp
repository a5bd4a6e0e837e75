#include "trainers/training_session.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/safetensors.hpp"
#include "kernels/machine/tf32.hpp"
#include "kernels/metrics/metrics.hpp"
#include "trainers/rank_state.hpp"

namespace scimix {

namespace {

// The streams of random numbers of the samplers.
constexpr std::uint32_t kLabeledStream = 0;
constexpr std::uint32_t kUnlabeledStream = 1;

std::string with_dot(const std::string& name) {
  return name.empty() ? name : name + ".";
}

}  // namespace

void check_unlabeled(const std::string& dataset, std::int64_t members, std::int64_t rows) {
  if (members >= rows) return;
  user_error(dataset, ": ", members, " unlabelled images, expected at least the ", rows,
             " of a step (--unlabeled-batch)");
}

TrainingSession::TrainingSession(const SessionSettings& settings, const TrainingInputs& inputs,
                                 const TrainerKind& kind, std::vector<std::int32_t> unlabeled)
    : settings_(settings),
      device_(inputs.device),
      dtype_(activation_type(settings.precision)),
      ranks_(inputs.ranks),
      train_hash_(inputs.split.train_hash),
      augment_(weak_augment(settings.data, inputs.dataset, settings.seed)),
      train_(inputs.dataset.train, device_),
      test_(inputs.dataset.test, device_),
      labeled_(inputs.split.labeled, settings.seed, kLabeledStream),
      unlabeled_(std::move(unlabeled), settings.seed, kUnlabeledStream),
      step_(Tensor::zeros({1}, DType::i32, device_)),
      schedule_(device_, std::min(settings.steps, BatchSchedule::kStepsAhead)),
      kind_(kind),
      terms_(kind.terms, device_),
      accuracy_(Tensor::zeros({3}, DType::f32, device_)),
      graphs_(device_, uses_graphs(settings.graphs, device_, ranks_),
              settings.graphs.steps_per_graph) {
  check_precision(settings.precision, device_);
  check_batch("--batch", settings.batch, ranks_);
}

void TrainingSession::add_network(const Network& network) {
  networks_.push_back(network);
  if (dtype_ != DType::bf16) return;
  network.learner->keep_copies(dtype_);
  if (network.average != nullptr) network.average->keep_copies(dtype_);
}

void TrainingSession::add_phase(const Phase& phase) {
  phases_.push_back({phase, GradientExchange(ranks_, phase.learners)});
}

TrainingSession::PhaseEntry& TrainingSession::find_phase(std::string_view name) {
  const auto entry = std::find_if(phases_.begin(), phases_.end(),
                                  [&](const PhaseEntry& e) { return e.phase.name == name; });
  SCIMIX_CHECK(entry != phases_.end(), "no phase ", name);
  return *entry;
}

bool TrainingSession::is_due(const PhaseEntry& entry, std::int64_t step) {
  return !entry.phase.due || entry.phase.due(step);
}

StepKind TrainingSession::kind_of(std::int64_t step) const {
  StepKind kind;
  for (const PhaseEntry& entry : phases_) {
    if (is_due(entry, step)) kind.append(entry.phase.name).append(" ");
  }
  return kind;
}

// Runs the steps in blocks. Between two blocks the host has work: it draws the batches of further
// steps, or the ranks compare their parameters.
void TrainingSession::steps(std::int64_t count) {
  if (!schedule_.started()) {
    schedule_.start([this](std::int64_t step, const auto& row) { draw_step(step, row); });
  }
  std::optional<AllowTf32> tf32;
  if (settings_.precision == Precision::tf32) tf32.emplace();
  const std::int64_t check_every = settings_.ranks.check_every;
  for (const std::int64_t end = steps_done_ + count; steps_done_ < end;) {
    const std::int64_t now = std::min({end - steps_done_, check_every - steps_done_ % check_every,
                                       schedule_.prepare(steps_done_)});
    graphs_.run(
        steps_done_, now, [&](std::int64_t step) { return kind_of(step); },
        [&](std::int64_t step) { queue(step); });
    steps_done_ += now;
    if (steps_done_ % check_every == 0) check_equal_parameters(state(), steps_done_, ranks_);
  }
}

void TrainingSession::queue(std::int64_t step) {
  step_in_hand_ = step;
  schedule_.take(step_);
  queue_step();
  advance_step(step_);
}

void TrainingSession::learn(PhaseEntry& entry, const PhaseTerms& terms) {
  terms_.add(terms, step_);
  entry.gradients.backward(total(terms));
  for (Optimizer* const optimizer : entry.phase.optimizers) optimizer->update(step_);
}

void TrainingSession::log_accuracy(const ClassificationLoss& loss, const Variable& logits,
                                   const Tensor& labels) {
  add_metrics(loss.per_row.value(), logits.value(), labels, accuracy_);
}

double TrainingSession::learning_rate() const {
  return networks_.front().optimizer->learning_rate(static_cast<double>(steps_done_));
}

std::string TrainingSession::advice() const {
  return text(kind_.advice, has_checkpoint_
                                ? " (the last checkpoint is kept; if a run resumed from it fails "
                                  "again, start a new one)"
                                : " (there is no checkpoint yet)");
}

void TrainingSession::check_finite() const {
  terms_.check_finite(advice(), ranks_);
}

TrainingMetrics TrainingSession::read_metrics() {
  TrainingMetrics metrics{.terms = terms_.read(ranks_)};
  ranks_.all_reduce(accuracy_);
  const std::vector<double> hits = accuracy_.to_doubles();
  metrics.accuracy = hits[static_cast<int>(MetricSlot::correct)] /
                     std::max(hits[static_cast<int>(MetricSlot::rows)], 1.0);
  accuracy_.zero_();
  return metrics;
}

void TrainingSession::copy_buffers() {
  for (const Network& network : networks_) {
    if (network.average != nullptr) network.average->copy_buffers_from(*network.learner);
  }
}

// Without --sync-norm, each rank has running statistics of its own images. Their mean over ranks
// equals the statistics of all images of the step, except that the variance lacks the variance of
// the ranks' means.
void TrainingSession::average_buffers() {
  for (const Network& network : networks_) {
    if (network.average != nullptr) mean_over_ranks(network.learner->buffers(), ranks_);
  }
  copy_buffers();
}

void TrainingSession::draw_images(const BatchSchedule::Row& row,
                                  const BatchSchedule::Column& column, Sampler& sampler,
                                  std::int64_t step, const RankRows& rows) {
  if (rows.all() > 0)
    row.set(column, std::span<const std::int32_t>(rows.of(sampler.indices(step, rows.all()))));
}

void TrainingSession::augment(const BatchLayout& layout, Part part, const Tensor& index,
                              const StrongAugment& strong, const Output& images) const {
  std::int64_t row = 0;
  for (const auto [first, count] : layout.blocks(part)) {
    if (count == 0) continue;
    const Tensor members = index.rows(row, row + count);
    const Output room = images.rows(row, row + count);
    WeakAugment weak = augment_;
    weak.first = static_cast<std::uint32_t>(first);
    if (part == Part::strong) {
      train_.augment_strongly(members, step_, weak, strong, room);
    } else {
      train_.augment(members, step_, weak, room);
    }
    row += count;
  }
}

CheckpointTensors TrainingSession::state() const {
  CheckpointTensors all = lasting_state();
  append(all, "", terms_.state());
  all.push_back({"metrics.accuracy", accuracy_});
  return all;
}

CheckpointTensors TrainingSession::lasting_state() const {
  CheckpointTensors all;
  const auto add = [&](const std::string& prefix, const ParameterStore& store) {
    append(all, prefix, store.parameters());
    append(all, prefix, store.buffers());
  };
  for (const Network& network : networks_) {
    add("model." + with_dot(network.name), *network.learner);
    if (network.average != nullptr) add("ema." + with_dot(network.name), *network.average);
    append(all, "", network.optimizer->state(network.name));
  }
  return all;
}

CheckpointMetadata TrainingSession::metadata() const {
  CheckpointMetadata all = describe();
  all["format"] = kind_.format;
  all["dataset"] = settings_.data.dataset;
  all["train_hash"] = train_hash_;
  all["scale"] = name_of(settings_.scale);
  all["seed"] = std::to_string(settings_.seed);
  all["step"] = std::to_string(steps_done_);
  all["loss_terms"] = terms_.names();
  if (evaluation_due_) all["evaluation_due"] = "true";
  return all;
}

void TrainingSession::save(const std::filesystem::path& path) {
  average_buffers();
  terms_.mean_over_ranks(ranks_);
  mean_over_ranks({{"", accuracy_}}, ranks_);
  if (const std::string bad = first_not_finite(lasting_state()); !bad.empty()) {
    user_error("step ", steps_done_, ": ", bad, " has an element that is not a finite number; ",
               advice());
  }
  if (ranks_.is_first()) save_checkpoint(path, state(), metadata());
  has_checkpoint_ = true;
}

void TrainingSession::share_state() {
  steps_done_ = share_tensors(state(), step_, ranks_);
  const std::array due{evaluation_due_ ? 1.0 : 0.0};
  evaluation_due_ = ranks_.all_gather(due).front() != 0;
}

// Returns whether the sums in a checkpoint are those of this program's loss terms. Another version
// of the program may have other terms; then the means of the log begin anew. Checkpoints without
// the names of their terms are told apart by their number.
bool TrainingSession::has_same_terms(const std::filesystem::path& path,
                                     const CheckpointMetadata& metadata) const {
  if (const std::string names = value_of(metadata, "loss_terms"); !names.empty()) {
    return names == terms_.names();
  }
  const SafetensorsFile file(path);
  const TensorEntry* const sums = file.find("metrics.sums");
  return sums == nullptr || sums->shape == std::vector<std::int64_t>{std::ssize(kind_.terms)};
}

void TrainingSession::load(const std::filesystem::path& path) {
  const CheckpointMetadata found = read_checkpoint_metadata(path);
  check_format(path, found, kind_.format, kind_.command);
  if (const std::string hash = value_of(found, "train_hash"); hash != train_hash_) {
    user_error(path.string(), ": trained on images with hash ", hash, ", expected this data set's ",
               train_hash_);
  }
  const std::int64_t step = step_of(found, path, settings_.steps);
  check_description(found, path);
  if (has_same_terms(path, found)) {
    load_checkpoint(path, state());
  } else {
    CheckpointTensors sums = terms_.state();
    sums.push_back({"metrics.accuracy", accuracy_});
    load_checkpoint(path, lasting_state(), {}, sums);
    terms_.clear();
    accuracy_.zero_();
  }
  const auto device_step = static_cast<std::int32_t>(step);
  step_.copy_from_host(&device_step);
  steps_done_ = step;
  has_checkpoint_ = true;
  evaluation_due_ = value_of(found, "evaluation_due") == "true";
  take_over(found, path);
}

}  // namespace scimix

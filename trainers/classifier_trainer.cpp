#include "trainers/classifier_trainer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "kernels/conv.hpp"
#include "kernels/metrics.hpp"
#include "kernels/noise.hpp"
#include "trainers/pixels.hpp"
#include "trainers/rank_state.hpp"
#include "trainers/run_steps.hpp"

namespace scimix {

namespace {

constexpr const char* kFormat = "scimix-classifier-2";
// Of the run's samplers.
constexpr std::uint32_t kLabeledStream = 0;
constexpr std::uint32_t kUnlabeledStream = 1;
// Of the noise on inputs: of labelled images, and of both views of the others.
constexpr std::uint32_t kLabeledNoise = 0;
constexpr std::uint32_t kStudentNoise = 1;
constexpr std::uint32_t kTeacherNoise = 2;

std::vector<std::int32_t> unlabeled_members(const ClassifierConfig& config, const Dataset& dataset,
                                            const Split& split) {
  if (!uses_unlabeled(config)) return split.labeled;
  std::vector<std::int32_t> members =
      unlabeled_indices(split, dataset, config.unlabeled_includes_labeled);
  if (std::ssize(members) < unlabeled_rows(config)) {
    user_error(dataset.name, ": ", members.size(), " unlabelled images, expected at least the ",
               unlabeled_rows(config), " of a step (--unlabeled-batch)");
  }
  return members;
}

std::unique_ptr<Optimizer> make_optimizer(const ClassifierConfig& config,
                                          const ParameterStore& model, const ParameterStore& ema) {
  if (config.optimizer == OptimizerKind::sgd) {
    return std::make_unique<Sgd>(model, ema,
                                 sgd_options(config.sgd, config.steps, config.ema_decay));
  }
  const auto share_of_run = [&](double share) {
    return static_cast<std::int64_t>(share * static_cast<double>(config.steps));
  };
  AdamSchedule schedule;
  schedule.total_steps = config.steps;
  schedule.ramp_up_steps = share_of_run(config.ramp_up);
  schedule.ramp_down_steps = share_of_run(config.ramp_down);
  schedule.max_learning_rate = config.sgd.learning_rate;
  schedule.ema_decay_after_ramp_up = config.ema_decay;
  schedule.ema_decay_during_ramp_up =
      config.early_ema_decay < 0 ? config.ema_decay : config.early_ema_decay;
  return std::make_unique<ScheduledAdam>(model, &ema, schedule);
}

}  // namespace

ClassifierTrainer::ClassifierTrainer(const ClassifierConfig& config, const Dataset& dataset,
                                     const Split& split, Device device,
                                     const Autoencoder* generator, Comm& ranks)
    : config_(config),
      device_(device),
      dtype_(activation_type(config.precision)),
      train_hash_(split.train_hash),
      class_names_(nlohmann::json(dataset.class_names).dump()),
      image_size_(dataset.train.height),
      augment_(weak_augment(config.data, dataset, config.seed)),
      strong_(strong_augment(config.fixmatch)),
      train_(dataset.train, device),
      test_(dataset.test, device),
      labeled_(split.labeled, config.seed, kLabeledStream),
      unlabeled_(unlabeled_members(config, dataset, split), config.seed, kUnlabeledStream),
      model_(encoder_config(config.model, dataset.classes()), config.seed, device,
             parameter_type(config.precision)),
      ema_(model_.config(), config.seed, device, parameter_type(config.precision)),
      objective_(config, model_, ema_,
                 config.ranks.sync_norm && !ranks.is_alone() ? &ranks : nullptr),
      step_(Tensor::zeros({1}, DType::i32, device)),
      consistency_weight_(Tensor::zeros({1}, DType::f32, device)),
      hybrid_weight_(Tensor::zeros({1}, DType::f32, device)),
      terms_(classifier_terms(), device),
      accuracy_(Tensor::zeros({3}, DType::f32, device)),
      ranks_(ranks),
      gradients_(ranks, {&model_.parameters()}),
      plan_(device, std::min(config.steps, BatchPlan::kStepsAhead)),
      graphs_(device, uses_graphs(config.graphs, device, ranks), config.graphs.steps_per_graph) {
  check_precision(config.precision, device);
  check_batch("--batch", config.batch, ranks);
  check_batch("--unlabeled-batch", unlabeled_rows(config), ranks);
  if (uses_hybrids(config)) hybrids_.emplace(config, generator);
  if (config.init_from == InitFrom::generator) {
    SCIMIX_CHECK(generator != nullptr, "init_from generator without one");
    const ParameterStore& encoder = generator->semantic_encoder().parameters();
    model_.parameters().copy_parameters_from(encoder);
    model_.parameters().copy_buffers_from(encoder);
  }
  optimizer_ = make_optimizer(config, model_.parameters(), ema_.parameters());
  if (dtype_ == DType::bf16) {
    for (const WideResNet* const network : {&model_, &ema_}) {
      network->parameters().keep_copies(dtype_);
    }
    if (hybrids_ && generator != nullptr) {  // which never changes: rounded once
      generator->semantic_encoder().parameters().keep_copies(dtype_);
      generator->scene_encoder().parameters().keep_copies(dtype_);
      generator->generator().parameters().keep_copies(dtype_);
    }
  }
  plan_batches();
}

void ClassifierTrainer::plan_batches() {
  const std::int64_t labeled = ranks_.row_count(config_.batch);
  const std::int64_t unlabeled = ranks_.row_count(unlabeled_rows(config_));
  labeled_column_ = plan_.add(labeled);
  unlabeled_column_ = plan_.add(unlabeled);
  if (hybrids_) {
    hybrid_rows_ = {.labeled = labeled,
                    .all = labeled + unlabeled,
                    .height = image_size_,
                    .width = test_.width()};
    const std::int64_t count = hybrids_->count(hybrid_rows_);
    scene_column_ = plan_.add(count);
    share_column_ = plan_.add(hybrids_->draws_shares() ? count : 0);
    corner_column_ = plan_.add(hybrids_->draws_corners() ? 4 * count : 0);
  }
  plan_.start([this](std::int64_t step, const BatchPlan::Row& row) { draw_step(step, row); });
}

void ClassifierTrainer::draw_step(std::int64_t step, const BatchPlan::Row& row) const {
  const auto mine = [&](const std::vector<std::int32_t>& all) {
    return rank_slice(all, ranks_.rank(), ranks_.size());
  };
  row.set(labeled_column_, mine(labeled_.indices(step, config_.batch)));
  if (const std::int64_t unlabeled = unlabeled_rows(config_); unlabeled > 0) {
    row.set(unlabeled_column_, mine(unlabeled_.indices(step, unlabeled)));
  }
  if (!hybrids_) return;
  const PairDraws pairs = hybrids_->draw(hybrid_rows_, step, ranks_);
  row.set(scene_column_, std::span<const std::int32_t>(pairs.scenes));
  row.set(share_column_, std::span<const float>(pairs.shares));
  row.set(corner_column_, std::span<const std::int32_t>(pairs.corners));
}

// Each view has random numbers of its own: rows 0..B-1 of the step are the labelled images, then
// come the weak and the other view of the unlabelled ones. All lie one behind another in one
// tensor: a network that sees several of them together reads them where they are.
ClassifierBatch ClassifierTrainer::make_batch(const Picks& picks, std::int64_t channels,
                                              const Comm& ranks) const {
  const std::int64_t labeled = picks.labeled.dim(0);
  const std::int64_t unlabeled = picks.unlabeled.dim(0);
  const Tensor images = train_.room_for(labeled + 2 * unlabeled, dtype_, channels);
  const auto from_row = [&](std::int64_t first) {
    WeakAugment augment = augment_;
    augment.first = static_cast<std::uint32_t>(first);
    return augment;
  };
  const std::int64_t row = ranks.first_row(picks.all_labeled);
  const Tensor first = images.rows(0, labeled);
  train_.augment(picks.labeled, step_, from_row(row), first);
  ClassifierBatch batch{.labeled = noisy(first, kLabeledNoise, row),
                        .labels = train_.labels_at(picks.labeled)};
  if (picks.all_unlabeled == 0) return batch;
  const std::int64_t other_row = ranks.first_row(picks.all_unlabeled);
  const WeakAugment first_view = from_row(picks.all_labeled + other_row);
  const WeakAugment second_view = from_row(picks.all_labeled + picks.all_unlabeled + other_row);
  const Tensor weak = images.rows(labeled, labeled + unlabeled);
  const Tensor other = images.rows(labeled + unlabeled, labeled + 2 * unlabeled);
  train_.augment(picks.unlabeled, step_, first_view, weak);
  batch.weak = noisy(weak, kStudentNoise, other_row);
  if (config_.method == Method::fixmatch) {
    train_.augment_strongly(picks.unlabeled, step_, second_view, strong_, other);
    batch.other = Variable(other);
  } else {
    train_.augment(picks.unlabeled, step_, second_view, other);
    batch.other = noisy(other, kTeacherNoise, other_row);
  }
  return batch;
}

// In place: the images have just been made.
Variable ClassifierTrainer::noisy(const Tensor& images, std::uint32_t stream,
                                  std::int64_t first_row) const {
  if (config_.input_noise > 0) {
    add_normal_noise(step_,
                     {.seed = config_.seed,
                      .purpose = Purpose::input_noise,
                      .stream = stream,
                      .first_row = first_row,
                      .channels = 3},
                     static_cast<float>(config_.input_noise), images);
  }
  return Variable(images);
}

void ClassifierTrainer::set_weights() const {
  WeightRamp ramp{.highest = config_.consistency.weight,
                  .total_steps = config_.steps,
                  .share = config_.consistency.ramp,
                  .shape = config_.consistency.ramp_shape};
  if (config_.method == Method::mean_teacher) set_ramp(step_, ramp, consistency_weight_);
  if (!hybrids_) return;
  ramp.highest = hybrid_weight(config_);
  if (labels_hybrids(config_)) ramp.share = 0;  // a label is as good at the start
  set_ramp(step_, ramp, hybrid_weight_);
}

void ClassifierTrainer::queue_step() {
  set_weights();
  plan_.take(step_);
  const ClassifierBatch batch = make_batch({.labeled = plan_.indices(labeled_column_),
                                            .unlabeled = plan_.indices(unlabeled_column_),
                                            .all_labeled = config_.batch,
                                            .all_unlabeled = unlabeled_rows(config_)},
                                           whole_channels(3, dtype_, device_), ranks_);
  MethodPass pass = objective_.method(batch, consistency_weight_);
  if (hybrids_) {
    const Hybrids made = hybrids_->make(
        {.images = pass.images, .labels = batch.labels, .predictions = pass.predictions},
        {.scenes = plan_.indices(scene_column_),
         .shares = plan_.numbers(share_column_),
         .corners = plan_.indices(corner_column_).reshape({corner_column_.count / 4, 4})},
        ranks_);
    const ClassifierLossTerms terms = objective_.hybrid_terms(made, hybrid_weight_);
    pass.terms.insert(pass.terms.end(), terms.begin(), terms.end());
  }
  terms_.add(pass.terms, step_);
  add_metrics(pass.supervised.per_row.value(), pass.labeled_logits.value(), batch.labels,
              accuracy_);
  gradients_.backward(total(pass.terms));
  optimizer_->update(step_);
  advance_step(step_);
}

void ClassifierTrainer::steps(std::int64_t count) {
  run_steps(
      graphs_, plan_, config_.precision, config_.ranks.check_every, count, steps_done_,
      [](std::int64_t) { return 's'; }, [&](std::int64_t) { queue_step(); },
      [&] { check_equal_parameters(state(), steps_done_, ranks_); });
}

double ClassifierTrainer::learning_rate() const {
  return optimizer_->learning_rate(static_cast<double>(steps_done_));
}

double ClassifierTrainer::epochs() const {
  return labeled_.epochs(steps_done_, config_.batch);
}

void ClassifierTrainer::check_finite() const {
  terms_.check_finite("try a smaller --learning-rate", ranks_);
}

TrainingMetrics ClassifierTrainer::read_metrics() {
  TrainingMetrics metrics{.terms = terms_.read(ranks_)};
  ranks_.all_reduce(accuracy_);
  const std::vector<double> hits = accuracy_.to_doubles();
  metrics.accuracy = hits[static_cast<int>(MetricSlot::correct)] /
                     std::max(hits[static_cast<int>(MetricSlot::rows)], 1.0);
  accuracy_.zero_();
  return metrics;
}

Evaluation ClassifierTrainer::evaluate_ema() const {
  average_buffers();
  return evaluate(ema_, test_, config_.output.eval_batch, dtype_, ranks_);
}

// The average is over parameters; running statistics are those of the model [METHOD 3]. Where each
// rank has those of its own images, their mean: what all of a step's images together would have
// given, but for the spread of the ranks' means.
void ClassifierTrainer::average_buffers() const {
  mean_over_ranks(model_.parameters().buffers(), ranks_);
  ema_.parameters().copy_buffers_from(model_.parameters());
}

std::vector<Sheet> ClassifierTrainer::preview(std::int64_t images) const {
  const std::int64_t others = uses_unlabeled(config_) ? images : 0;
  const auto on_device = [&](const std::vector<std::int32_t>& indices) {
    return Tensor::from_host(std::span(indices), {std::ssize(indices)}, device_);
  };
  const ClassifierBatch batch =
      make_batch({.labeled = on_device(labeled_.indices(steps_done_, images)),
                  .unlabeled = on_device(unlabeled_.indices(steps_done_, others)),
                  .all_labeled = images,
                  .all_unlabeled = others},
                 /*channels=*/3, local_comm());
  std::vector<Sheet> sheets{{.name = "augmented",
                             .caption = "Labelled images, weakly augmented",
                             .pixels = to_pixels(batch.labeled.value())}};
  if (config_.method == Method::fixmatch) {
    sheets.push_back({.name = "strong",
                      .caption = "Unlabelled images, strongly augmented",
                      .pixels = to_pixels(batch.other.value())});
  }
  if (!hybrids_) return sheets;
  const Tensor source = batch.weak.defined() ? batch.weak.value() : batch.labeled.value();
  const Tensor none =
      Tensor::zeros({images, model_.config().classes}, parameter_type(config_.precision), device_);
  const Hybrids made = hybrids_->make(
      {.images = source, .labels = batch.labels, .predictions = none}, steps_done_, local_comm());
  const Tensor scenes = gather_rows(Variable(source), made.scenes).value();
  const std::vector<Tensor> columns{source, scenes, made.images.value()};
  sheets.push_back({.name = "hybrids",
                    .caption = "Content, scene, hybrid: four of each in a row",
                    .columns = 4 * std::ssize(columns),
                    .pixels = side_by_side(columns)});
  return sheets;
}

CheckpointTensors ClassifierTrainer::state() const {
  CheckpointTensors all;
  append(all, "model.", model_.parameters().parameters());
  append(all, "model.", model_.parameters().buffers());
  append(all, "ema.", ema_.parameters().parameters());
  append(all, "ema.", ema_.parameters().buffers());
  append(all, "", optimizer_->state(""));
  append(all, "", terms_.state());
  all.push_back({"metrics.accuracy", accuracy_});
  return all;
}

CheckpointMetadata ClassifierTrainer::metadata() const {
  return {{"format", kFormat},
          {"method", std::string(name_of(config_.method))},
          {"mixer", std::string(name_of(config_.hybrids.mixer))},
          {"scale", std::string(name_of(config_.scale))},
          {"depth", std::to_string(config_.model.depth)},
          {"width", std::to_string(config_.model.width)},
          {"norm_eps", digits_of(config_.model.norm_eps)},
          {"image_size", std::to_string(image_size_)},
          {"precision", std::string(name_of(config_.precision))},
          {"classes", std::to_string(model_.config().classes)},
          {"class_names", class_names_},
          {"dataset", config_.data.dataset},
          {"train_hash", train_hash_},
          {"seed", std::to_string(config_.seed)},
          {"step", std::to_string(steps_done_)}};
}

void ClassifierTrainer::save(const std::filesystem::path& path) const {
  average_buffers();
  terms_.mean_over_ranks(ranks_);
  mean_over_ranks({{"", accuracy_}}, ranks_);
  if (ranks_.is_first()) save_checkpoint(path, state(), metadata());
}

void ClassifierTrainer::share_state() {
  steps_done_ = share_tensors(state(), step_, ranks_);
  refresh_copies();
}

void ClassifierTrainer::load(const std::filesystem::path& path) {
  const CheckpointMetadata found = read_checkpoint_metadata(path);
  if (value_of(found, "format") != kFormat) {
    user_error(path.string(), ": format \"", value_of(found, "format"), "\", expected \"", kFormat,
               "\"");
  }
  if (value_of(found, "train_hash") != train_hash_) {
    user_error(path.string(), ": trained on images with hash ", value_of(found, "train_hash"),
               ", expected this data set's ", train_hash_);
  }
  const std::int64_t step = step_of(found, path, config_.steps);
  load_checkpoint(path, state());
  const auto device_step = static_cast<std::int32_t>(step);
  step_.copy_from_host(&device_step);
  steps_done_ = step;
  refresh_copies();
}

void ClassifierTrainer::refresh_copies() const {
  model_.parameters().refresh_copies();
  ema_.parameters().refresh_copies();
}

}  // namespace scimix

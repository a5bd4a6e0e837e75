#include "trainers/generator_trainer.hpp"

#include <algorithm>

#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "data/random_order.hpp"
#include "kernels/metrics.hpp"
#include "trainers/generator_checkpoint.hpp"
#include "trainers/rank_state.hpp"
#include "trainers/run_steps.hpp"

namespace scimix {

namespace {

// The streams of a run's samplers and of its pairs.
constexpr std::uint32_t kLabeledStream = 0;
constexpr std::uint32_t kUnlabeledStream = 1;
constexpr std::uint64_t kCriticSeed = 0xC417;  // D shares names of parameters with G

AutoencoderConfig autoencoder_config(const GeneratorRunConfig& config, const Dataset& dataset) {
  return {.encoder = encoder_config(config.encoder, dataset.classes()),
          .generator = {.image_size = dataset.train.height,
                        .base_channels = config.g_channels,
                        .max_channels = config.g_max_channels,
                        .noise = config.noise},
          .structural_zc = config.variant == Variant::structural_zc};
}

DiscriminatorConfig discriminator_config(const GeneratorRunConfig& config, const Dataset& dataset) {
  return {.image_size = dataset.train.height,
          .base_channels = config.d_channels,
          .max_channels = config.d_max_channels,
          .arch = config.d_arch,
          .minibatch_std = config.minibatch_std};
}

AdamOptions adam_options(const GeneratorRunConfig& config, std::int64_t lazy_interval) {
  return {.learning_rate = config.adam_learning_rate,
          .beta1 = config.adam_beta1,
          .beta2 = config.adam_beta2,
          .eps = config.adam_eps,
          .ema_decay = config.ema_decay,
          .lazy_interval = static_cast<int>(lazy_interval)};
}

bool wants_mean_teacher(const GeneratorRunConfig& config, bool all_labeled) {
  if (config.semantic_loss == SemanticLoss::automatic) return !all_labeled;
  return config.semantic_loss == SemanticLoss::mean_teacher;
}

void check_images(const Dataset& dataset) {
  if (dataset.train.height != dataset.train.width) {
    user_error(dataset.name, ": images of ", dataset.train.height, "x", dataset.train.width,
               " pixels, expected square ones");
  }
}

}  // namespace

GeneratorTrainer::GeneratorTrainer(const GeneratorRunConfig& config, const RunInputs& inputs)
    : config_((check_images(inputs.dataset), config)),
      device_(inputs.device),
      dtype_(activation_type(config.precision)),
      train_hash_(inputs.split.train_hash),
      class_names_(inputs.dataset.class_names),
      all_labeled_(std::ssize(inputs.split.labeled) == inputs.dataset.train.count),
      mean_teacher_(wants_mean_teacher(config, all_labeled_)),
      augment_(weak_augment(config.data, inputs.dataset, config.seed)),
      train_(inputs.dataset.train, device_),
      test_(inputs.dataset.test, device_),
      labeled_(inputs.split.labeled, config.seed, kLabeledStream),
      unlabeled_(all_labeled_ ? inputs.split.labeled
                              : unlabeled_indices(inputs.split, inputs.dataset,
                                                  config.unlabeled_includes_labeled),
                 config.seed, kUnlabeledStream),
      networks_(autoencoder_config(config, inputs.dataset), config.seed, device_,
                parameter_type(config.precision)),
      average_(networks_.config(), config.seed, device_, parameter_type(config.precision)),
      critic_(discriminator_config(config, inputs.dataset), config.seed ^ kCriticSeed, device_,
              parameter_type(config.precision)),
      objective_(config, networks_, average_, critic_, *inputs.ranks),
      semantic_optimizer_(networks_.semantic_encoder().parameters(),
                          average_.semantic_encoder().parameters(),
                          sgd_options(config.sgd, config.steps, config.ema_decay)),
      scene_optimizer_(networks_.scene_encoder().parameters(),
                       &average_.scene_encoder().parameters(), adam_options(config, 0)),
      generator_optimizer_(networks_.generator().parameters(), &average_.generator().parameters(),
                           adam_options(config, 0)),
      critic_optimizer_(critic_.parameters(), nullptr, adam_options(config, config.r1_every)),
      step_(Tensor::zeros({1}, DType::i32, device_)),
      consistency_weight_(Tensor::zeros({1}, DType::f32, device_)),
      terms_(generator_terms(), device_),
      accuracy_(Tensor::zeros({3}, DType::f32, device_)),
      ranks_(*inputs.ranks),
      // In the order in which backward comes to them.
      generator_gradients_(
          ranks_, {&networks_.generator().parameters(), &networks_.scene_encoder().parameters(),
                   &networks_.semantic_encoder().parameters()}),
      critic_gradients_(ranks_, {&critic_.parameters()}),
      plan_(device_, std::min(config.steps, BatchPlan::kStepsAhead)),
      graphs_(device_, uses_graphs(config.graphs, device_, ranks_), config.graphs.steps_per_graph) {
  check_precision(config.precision, device_);
  check_batch("--batch", config.batch, ranks_);
  if (const std::int64_t rows = config.batch / ranks_.size();
      config.minibatch_std > 1 && rows % std::min(rows, config.minibatch_std) != 0) {
    user_error("--minibatch-std ", config.minibatch_std, ": expected a divisor of the ", rows,
               " images of each rank, within which the critic compares");
  }
  if (dtype_ == DType::bf16) {
    for (const ParameterStore* const store : stores()) store->keep_copies(dtype_);
  }
  plan_batches();
}

std::vector<const ParameterStore*> GeneratorTrainer::stores() const {
  return {&networks_.semantic_encoder().parameters(),
          &networks_.scene_encoder().parameters(),
          &networks_.generator().parameters(),
          &average_.semantic_encoder().parameters(),
          &average_.scene_encoder().parameters(),
          &average_.generator().parameters(),
          &critic_.parameters()};
}

void GeneratorTrainer::plan_batches() {
  const std::int64_t rows = ranks_.row_count(config_.batch);
  labeled_column_ = plan_.add(rows);
  unlabeled_column_ = plan_.add(all_labeled_ ? 0 : rows);
  partner_column_ = plan_.add(rows);
  plan_.start([this](std::int64_t step, const BatchPlan::Row& row) { draw_step(step, row); });
}

void GeneratorTrainer::draw_step(std::int64_t step, const BatchPlan::Row& row) {
  const auto mine = [&](const std::vector<std::int32_t>& all) {
    return rank_slice(all, ranks_.rank(), ranks_.size());
  };
  row.set(labeled_column_, mine(labeled_.indices(step, config_.batch)));
  if (!all_labeled_) row.set(unlabeled_column_, mine(unlabeled_.indices(step, config_.batch)));
  row.set(partner_column_, mine(random_order(static_cast<std::size_t>(config_.batch),
                                             Random(config_.seed, Purpose::pairing,
                                                    static_cast<std::uint32_t>(step), 0))));
}

// Each view has random numbers of its own: rows 0..B-1 of the step are the labelled images, then
// come the first and the second view of the others.
GeneratorBatch GeneratorTrainer::make_batch() const {
  const std::int64_t rows = config_.batch;  // of all ranks
  const auto view = [&](const Tensor& index, std::int64_t number) {
    WeakAugment augment = augment_;
    augment.first = static_cast<std::uint32_t>(number * rows + ranks_.first_row(rows));
    const Tensor room = train_.room_for(index.dim(0), dtype_);
    train_.augment(index, step_, augment, room);
    return Variable(room);
  };
  GeneratorBatch batch;
  const Tensor labeled = plan_.indices(labeled_column_);
  batch.labeled = view(labeled, 0);
  batch.labels = train_.labels_at(labeled);
  const Tensor mixed = all_labeled_ ? labeled : plan_.indices(unlabeled_column_);
  if (!all_labeled_) batch.images = view(mixed, 1);
  if (mean_teacher_) batch.second_view = view(mixed, 2);
  batch.partner = plan_.indices(partner_column_);
  return batch;
}

bool GeneratorTrainer::regularises(std::int64_t step) const {
  return config_.r1_every > 0 && step % config_.r1_every == 0;
}

void GeneratorTrainer::queue_step(bool with_r1) {
  set_ramp(step_,
           {.highest = config_.consistency_weight,
            .total_steps = config_.steps,
            .share = config_.consistency_ramp},
           consistency_weight_);
  plan_.take(step_);
  const GeneratorBatch batch = make_batch();
  // Of the images rebuilt and of hybrids.
  const NoiseSource noise{.seed = config_.seed,
                          .step = step_,
                          .first_row = ranks_.first_row(config_.batch),
                          .part_rows = ranks_.row_count(config_.batch),
                          .part_distance = config_.batch};
  const Generated generated = objective_.generate(batch, config_.noise ? &noise : nullptr);
  update_critic(objective_.critic_terms(generated));
  if (with_r1) update_critic(objective_.r1_terms(generated));
  generator_phase(generated, batch);
  advance_step(step_);
}

void GeneratorTrainer::steps(std::int64_t count) {
  run_steps(
      graphs_, plan_, config_.precision, config_.ranks.check_every, count, steps_done_,
      [&](std::int64_t step) { return regularises(step) ? 'r' : 's'; },
      [&](std::int64_t step) { queue_step(regularises(step)); },
      [&] { check_equal_parameters(state(), steps_done_, ranks_); });
}

void GeneratorTrainer::update_critic(const LossTerms& terms) {
  terms_.add(terms, step_);
  critic_gradients_.backward(total(terms));
  critic_optimizer_.update();
}

void GeneratorTrainer::generator_phase(const Generated& generated, const GeneratorBatch& batch) {
  const LossTerms terms = objective_.generator_terms(generated, batch, consistency_weight_);
  terms_.add(terms, step_);
  add_metrics(generated.supervised.per_row.value(), generated.labeled_logits.value(), batch.labels,
              accuracy_);
  generator_gradients_.backward(total(terms));
  semantic_optimizer_.update(step_);
  scene_optimizer_.update();
  generator_optimizer_.update();
}

double GeneratorTrainer::learning_rate() const {
  return cosine_7_16(semantic_optimizer_.options().schedule, static_cast<double>(steps_done_));
}

double GeneratorTrainer::epochs() const {
  return unlabeled_.epochs(steps_done_, config_.batch);
}

void GeneratorTrainer::check_finite() const {
  terms_.check_finite("try a smaller --learning-rate or --adam-learning-rate", ranks_);
}

GeneratorMetrics GeneratorTrainer::read_metrics() {
  GeneratorMetrics metrics{.terms = terms_.read(ranks_)};
  ranks_.all_reduce(accuracy_);
  const std::vector<double> hits = accuracy_.to_doubles();
  metrics.train_accuracy = hits[static_cast<int>(MetricSlot::correct)] /
                           std::max(hits[static_cast<int>(MetricSlot::rows)], 1.0);
  accuracy_.zero_();
  return metrics;
}

// The averages are over parameters; running statistics are those of the networks in training.
void GeneratorTrainer::copy_buffers() const {
  average_.semantic_encoder().parameters().copy_buffers_from(
      networks_.semantic_encoder().parameters());
  average_.scene_encoder().parameters().copy_buffers_from(networks_.scene_encoder().parameters());
}

// Where each rank has those of its own images, their mean.
void GeneratorTrainer::average_buffers() const {
  mean_over_ranks(networks_.semantic_encoder().parameters().buffers(), ranks_);
  mean_over_ranks(networks_.scene_encoder().parameters().buffers(), ranks_);
  copy_buffers();
}

GeneratorEvaluation GeneratorTrainer::evaluate_ema() const {
  average_buffers();
  return evaluate_generator(average_, test_, config_.eval_pairs, config_.output.eval_batch, ranks_);
}

std::vector<std::uint8_t> GeneratorTrainer::samples() const {
  copy_buffers();
  return sample_grid(average_, test_, config_.sample_pairs);
}

CheckpointTensors GeneratorTrainer::state() const {
  CheckpointTensors all;
  append(all, "model.", autoencoder_tensors(networks_));
  append(all, "ema.", autoencoder_tensors(average_));
  append(all, "model.d.", critic_.parameters().parameters());
  append(all, "", semantic_optimizer_.state("e_c"));
  append(all, "", scene_optimizer_.state("e_r"));
  append(all, "", generator_optimizer_.state("g"));
  append(all, "", critic_optimizer_.state("d"));
  append(all, "", terms_.state());
  all.push_back({"metrics.accuracy", accuracy_});
  return all;
}

CheckpointMetadata GeneratorTrainer::metadata() const {
  CheckpointMetadata out = describe_networks(networks_.config(), class_names_);
  out["dataset"] = config_.data.dataset;
  out["train_hash"] = train_hash_;
  out["labels"] = config_.data.labels;
  out["split_seed"] = std::to_string(config_.data.split_seed);
  out["variant"] = name_of(config_.variant);
  out["scale"] = name_of(config_.scale);
  out["seed"] = std::to_string(config_.seed);
  out["step"] = std::to_string(steps_done_);
  return out;
}

void GeneratorTrainer::save(const std::filesystem::path& path) const {
  average_buffers();
  terms_.mean_over_ranks(ranks_);
  mean_over_ranks({{"", accuracy_}}, ranks_);
  if (ranks_.is_first()) save_checkpoint(path, state(), metadata());
}

void GeneratorTrainer::share_state() {
  steps_done_ = share_tensors(state(), step_, ranks_);
  for (const ParameterStore* const store : stores()) store->refresh_copies();
}

void GeneratorTrainer::load(const std::filesystem::path& path) {
  const CheckpointMetadata found = read_generator_metadata(path);
  if (const std::string hash = value_of(found, "train_hash"); hash != train_hash_) {
    user_error(path.string(), ": trained on images with hash ", hash, ", expected this data set's ",
               train_hash_);
  }
  const std::int64_t step = step_of(found, path, config_.steps);
  load_checkpoint(path, state());
  const auto device_step = static_cast<std::int32_t>(step);
  step_.copy_from_host(&device_step);
  steps_done_ = step;
  for (const ParameterStore* const store : stores()) store->refresh_copies();
}

}  // namespace scimix

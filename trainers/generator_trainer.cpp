#include "trainers/generator_trainer.hpp"

#include <algorithm>
#include <string_view>

#include "core/error.hpp"
#include "data/random_order.hpp"
#include "trainers/generator_checkpoint.hpp"
#include "trainers/rank_state.hpp"

namespace scimix {

namespace {

// Gives D other initial values than G, some of whose parameters have the same names.
constexpr std::uint64_t kCriticSeed = 0xC417;

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
  return {.learning_rate = config.adam.learning_rate,
          .beta1 = config.adam.beta1,
          .beta2 = config.adam.beta2,
          .eps = config.adam.eps,
          .ema_decay = config.ema_decay,
          .lazy_interval = static_cast<int>(lazy_interval)};
}

bool labels_all(const RunInputs& inputs) {
  return std::ssize(inputs.split.labeled) == inputs.dataset.train.count;
}

Method method_of(const GeneratorRunConfig& config, const RunInputs& inputs) {
  return semantic_method(config, labels_all(inputs));
}

// Returns whether the labelled images are also reconstructed and mixed, so that a step needs no
// other images: all images have labels, and L_S is cross-entropy.
bool mixes_labeled(const GeneratorRunConfig& config, const RunInputs& inputs) {
  return labels_all(inputs) && method_of(config, inputs) == Method::supervised;
}

// Returns the number of unlabelled images of a step on all ranks.
std::int64_t unlabeled_rows(const GeneratorRunConfig& config, Method method) {
  if (method == Method::supervised || freezes_semantic_encoder(config)) return config.batch;
  return unlabeled_rows(semantic_classifier(config, method));
}

// Returns the images that may be mixed: the labelled ones if a step needs no others, or else those
// that are drawn without their labels.
std::vector<std::int32_t> unlabeled_members(const GeneratorRunConfig& config,
                                            const RunInputs& inputs) {
  if (mixes_labeled(config, inputs)) return inputs.split.labeled;
  const Method method = method_of(config, inputs);
  check_strong_size("--semantic-loss fixmatch", method, inputs.dataset.train.height,
                    inputs.dataset.train.width);
  std::vector<std::int32_t> members =
      unlabeled_indices(inputs.split, inputs.dataset, config.unlabeled_includes_labeled);
  check_unlabeled(inputs.dataset.name, std::ssize(members), unlabeled_rows(config, method));
  if (config.guide.steps > 0) {  // before the guide, which is trained first, has a folder
    const std::int64_t rows = unlabeled_rows(semantic_classifier(config, method));
    check_unlabeled(inputs.dataset.name, std::ssize(members), rows);
    check_batch("--unlabeled-batch", rows, *inputs.ranks);
  }
  return members;
}

// Returns the settings of SGD for E_c and C. They have another learning rate if there is a guide.
SgdOptions semantic_options(const GeneratorRunConfig& config) {
  SgdOptions options = sgd_options(config.sgd, config.steps, config.ema_decay);
  if (has_guide(config)) options.schedule.base = config.guide.semantic_learning_rate;
  return options;
}

void check_images(const Dataset& dataset) {
  if (dataset.train.height != dataset.train.width) {
    user_error(dataset.name, ": images of ", dataset.train.height, "x", dataset.train.width,
               " pixels, expected square ones");
  }
  if (dataset.test.count == 1 || (dataset.test.count == 0 && dataset.train.count < 2)) {
    const bool test = dataset.test.count == 1;
    user_error(dataset.name, test ? ": test images: " : ": training images: ",
               test ? dataset.test.count : dataset.train.count,
               ", expected at least 2, since an evaluation mixes pairs of different images");
  }
}

}  // namespace

void check_generated_size(std::int64_t image_size, Precision precision) {
  const std::int64_t most = precision == Precision::f64 ? 256 : 512;
  if (image_size > most) {
    user_error("images of ", image_size, "x", image_size, " pixels: expected at most ", most, "x",
               most, " for a generator in ", name_of(precision), " (--image-size)");
  }
}

namespace {

// Returns what to try if a loss is not finite. After a guide, E_c has a learning rate of its own.
std::string_view advice_of(const GeneratorRunConfig& config) {
  if (freezes_semantic_encoder(config)) return "try a smaller --adam-learning-rate";
  if (!has_guide(config)) return "try a smaller --learning-rate or --adam-learning-rate";
  return "try a smaller --adam-learning-rate or --guided-learning-rate";
}

SessionSettings checked_settings(const GeneratorRunConfig& config, const Dataset& dataset) {
  check_loss_weights(config);
  check_images(dataset);
  check_generated_size(dataset.train.height, config.precision);
  return session_settings(config);
}

}  // namespace

GeneratorTrainer::GeneratorTrainer(const GeneratorRunConfig& config, const RunInputs& inputs)
    : TrainingSession(checked_settings(config, inputs.dataset),
                      {.device = inputs.device,
                       .ranks = *inputs.ranks,
                       .dataset = inputs.dataset,
                       .split = inputs.split},
                      {.format = kGeneratorFormat,
                       .command = "generator",
                       .terms = generator_terms(),
                       .advice = advice_of(config)},
                      unlabeled_members(config, inputs)),
      config_(config),
      class_names_(inputs.dataset.class_names),
      method_(method_of(config, inputs)),
      mixes_labeled_(mixes_labeled(config, inputs)),
      strong_(strong_augment(config.fixmatch, inputs.dataset.train.height)),
      networks_(autoencoder_config(config, inputs.dataset), config.seed, device_,
                parameter_type(config.precision)),
      average_(networks_.config(), config.seed, device_, parameter_type(config.precision)),
      critic_(discriminator_config(config, inputs.dataset), config.seed ^ kCriticSeed, device_,
              parameter_type(config.precision)),
      objective_(config, method_, networks_, average_, critic_, ranks_),
      semantic_optimizer_(networks_.semantic_encoder().parameters(),
                          average_.semantic_encoder().parameters(), semantic_options(config)),
      scene_optimizer_(networks_.scene_encoder().parameters(),
                       &average_.scene_encoder().parameters(), adam_options(config, 0)),
      generator_optimizer_(networks_.generator().parameters(), &average_.generator().parameters(),
                           adam_options(config, 0)),
      critic_optimizer_(critic_.parameters(), nullptr, adam_options(config, config.r1_every)),
      consistency_weight_(Tensor::zeros({1}, DType::f32, device_)),
      layout_(ranks_) {
  layout_.add(Part::labeled, config.batch);
  const std::int64_t unlabeled = unlabeled_rows(config, method_);
  check_batch("--unlabeled-batch", unlabeled, ranks_);
  // The first --batch unlabelled images are mixed, so each rank has its share of them.
  const std::int64_t mixed = std::min(config.batch, unlabeled);
  layout_.add(Part::weak, unlabeled, mixed);
  layout_.add(other_view(method_), unlabeled, mixed);
  const std::int64_t rows = layout_.rows(Part::labeled).count();
  if (config.minibatch_std > 1 && rows % std::min(rows, config.minibatch_std) != 0) {
    user_error("--minibatch-std ", config.minibatch_std, ": expected a divisor of the ", rows,
               " images of each rank, which the critic divides into groups of this size");
  }

  ParameterStore& e_c = networks_.semantic_encoder().parameters();
  ParameterStore& e_r = networks_.scene_encoder().parameters();
  ParameterStore& g = networks_.generator().parameters();
  ParameterStore& d = critic_.parameters();
  add_network({"e_c", &e_c, &average_.semantic_encoder().parameters(), &semantic_optimizer_});
  add_network({"e_r", &e_r, &average_.scene_encoder().parameters(), &scene_optimizer_});
  add_network({"g", &g, &average_.generator().parameters(), &generator_optimizer_});
  add_network({"d", &d, nullptr, &critic_optimizer_});

  add_phase({"critic", {&d}, {&critic_optimizer_}});
  add_phase({"critic_r1", {&d}, {&critic_optimizer_}, every(config.r1_every)});
  Phase generator{"generator", {&g, &e_r}, {&scene_optimizer_, &generator_optimizer_}};
  if (!freezes_semantic_encoder(config)) {
    generator.learners.push_back(&e_c);
    generator.optimizers.insert(generator.optimizers.begin(), &semantic_optimizer_);
  }
  add_phase(generator);

  labeled_column_ = schedule_.add(rows);
  unlabeled_column_ = schedule_.add(mixes_labeled_ ? 0 : layout_.rows(Part::weak).count());
  partner_column_ = schedule_.add(rows);
}

void GeneratorTrainer::draw_step(std::int64_t step, const BatchSchedule::Row& row) const {
  const RankRows& rows = layout_.rows(Part::labeled);
  draw_images(row, labeled_column_, labeled_, step, rows);
  if (!mixes_labeled_) {
    draw_images(row, unlabeled_column_, unlabeled_, step, layout_.rows(Part::weak));
  }
  const std::vector<std::int32_t> partners = rows.of(
      random_order(static_cast<std::size_t>(rows.all()),
                   Random(config_.seed, Purpose::pairing, static_cast<std::uint32_t>(step), 0)));
  row.set(partner_column_, std::span(partners));
}

void GeneratorTrainer::queue_step() {
  set_ramp(step_,
           {.highest = config_.weights.semantic * config_.consistency_weight,
            .total_steps = config_.steps,
            .share = has_guide(config_) ? 0.0 : config_.consistency_ramp},
           consistency_weight_);
  const GeneratorBatch batch = make_batch();
  const NoiseSource noise{.seed = config_.seed, .step = step_};
  const Generated generated =
      objective_.generate(batch, consistency_weight_, config_.noise ? &noise : nullptr);
  run_phase("critic", [&] { return objective_.critic_terms(generated); });
  run_phase("critic_r1", [&] { return objective_.r1_terms(generated); });
  run_phase("generator", [&] {
    log_accuracy(generated.learnt.supervised, generated.learnt.labeled_logits,
                 batch.semantic.labels);
    return objective_.generator_terms(generated, batch);
  });
}

GeneratorBatch GeneratorTrainer::make_batch() const {
  const auto view = [&](Part part, const Tensor& index) {
    Tensor room = train_.room_for(index.dim(0), dtype_);
    augment(layout_, part, index, strong_, room);
    return Variable(room);
  };
  GeneratorBatch batch;
  const Tensor labeled = schedule_.indices(labeled_column_);
  batch.semantic.labeled = view(Part::labeled, labeled);
  batch.semantic.labels = train_.labels_at(labeled);
  if (!mixes_labeled_) {
    const Tensor unlabeled = schedule_.indices(unlabeled_column_);
    batch.semantic.weak = view(Part::weak, unlabeled);
    if (method_ != Method::supervised && !freezes_semantic_encoder(config_)) {
      batch.semantic.other = view(other_view(method_), unlabeled);
    }
  }
  batch.partner = schedule_.indices(partner_column_);
  return batch;
}

double GeneratorTrainer::epochs() const {
  return unlabeled_.epochs(steps_done(), layout_.rows(Part::weak).all());
}

std::optional<GeneratorEvaluation> GeneratorTrainer::evaluate_ema(
    const EvaluationOptions& options) {
  average_buffers();
  return evaluate_generator(average_, test_, config_.eval_pairs,
                            evaluation_batch(config_.output.eval_batch, test_), ranks_, options);
}

std::vector<std::uint8_t> GeneratorTrainer::samples() {
  copy_buffers();
  constexpr std::int64_t kMostPairs = 1000;  // of a picture that a person can look at
  const ResidentSet& images = test_.count() > 0 ? test_ : train_;
  return sample_grid(average_, images, std::min(config_.sample_pairs, kMostPairs),
                     evaluation_batch(config_.output.eval_batch, images));
}

CheckpointMetadata GeneratorTrainer::describe() const {
  CheckpointMetadata out = describe_networks(networks_.config(), class_names_);
  out["labels"] = config_.data.labels;
  out["split_seed"] = std::to_string(config_.data.split_seed);
  out["variant"] = name_of(config_.variant);
  out["semantic_method"] = name_of(method_);
  // A classifier that learns from its hybrids records the same checksum.
  out["generator_checksum"] = checksum_text(autoencoder_tensors(average_));
  if (guide_) describe_guide(*guide_, out);
  return out;
}

void GeneratorTrainer::check_description(const CheckpointMetadata& metadata,
                                         const std::filesystem::path& path) const {
  static_cast<void>(guide_in(metadata, path));
}

void GeneratorTrainer::take_over(const CheckpointMetadata& metadata,
                                 const std::filesystem::path& path) {
  guide_ = guide_in(metadata, path);
}

void GeneratorTrainer::start_from(const WideResNet& classifier, const GuideInfo& guide) {
  for (Autoencoder* const to : {&networks_, &average_}) {
    ParameterStore& encoder = to->semantic_encoder().parameters();
    encoder.copy_parameters_from(classifier.parameters());
    encoder.copy_buffers_from(classifier.parameters());
  }
  guide_ = guide;
  guide_->accuracy = kUnknownAccuracy;
  if (test_.count() == 0) return;
  guide_->accuracy = evaluate(average_.semantic_encoder(), test_,
                              evaluation_batch(config_.output.eval_batch, test_), dtype_, ranks_)
                         .accuracy;
}

}  // namespace scimix

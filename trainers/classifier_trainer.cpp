#include "trainers/classifier_trainer.hpp"

#include <nlohmann/json.hpp>

#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "trainers/generator_checkpoint.hpp"
#include "trainers/pixels.hpp"
#include "trainers/rank_state.hpp"

namespace scimix {

namespace {

constexpr const char* kPhase = "classifier";

// Returns the stream of random numbers for the noise on the images of a part.
std::uint32_t noise_stream(Part part) {
  if (part == Part::labeled) return 0;
  return part == Part::weak ? 1 : 2;  // 2: the teacher's view
}

std::vector<std::int32_t> unlabeled_members(const ClassifierConfig& config, const Dataset& dataset,
                                            const Split& split) {
  if (!uses_unlabeled(config)) return split.labeled;
  check_strong_size("--method fixmatch", config.method, dataset.train.height, dataset.train.width);
  std::vector<std::int32_t> members =
      unlabeled_indices(split, dataset, config.unlabeled_includes_labeled);
  check_unlabeled(dataset.name, std::ssize(members), unlabeled_rows(config));
  return members;
}

std::unique_ptr<Optimizer> make_optimizer(const ClassifierConfig& config, ParameterStore& model,
                                          ParameterStore& ema) {
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
    : TrainingSession(session_settings(config),
                      {.device = device, .ranks = ranks, .dataset = dataset, .split = split},
                      {.format = kClassifierFormat,
                       .command = "classifier",
                       .terms = classifier_terms(),
                       .advice = "try a smaller --learning-rate"},
                      unlabeled_members(config, dataset, split)),
      config_(config),
      class_names_(nlohmann::json(dataset.class_names).dump()),
      strong_(strong_augment(config.fixmatch, dataset.train.height)),
      model_(encoder_config(config.model, dataset.classes()), config.seed, device,
             parameter_type(config.precision)),
      ema_(model_.config(), config.seed, device, parameter_type(config.precision)),
      objective_(config, model_, ema_,
                 config.ranks.sync_norm && !ranks.is_alone() ? &ranks : nullptr),
      consistency_weight_(Tensor::zeros({1}, DType::f32, device)),
      hybrid_weight_(Tensor::zeros({1}, DType::f32, device)),
      layout_(ranks) {
  check_batch("--unlabeled-batch", unlabeled_rows(config), ranks);
  if (generator != nullptr) generator_checksum_ = checksum_text(autoencoder_tensors(*generator));
  if (uses_hybrids(config)) hybrids_.emplace(config, generator);
  if (config.init_from == InitFrom::generator) {
    SCIMIX_CHECK(generator != nullptr, "init_from generator without one");
    const ParameterStore& encoder = generator->semantic_encoder().parameters();
    model_.parameters().copy_parameters_from(encoder);
    model_.parameters().copy_buffers_from(encoder);
  }
  if (dtype_ == DType::bf16 && hybrids_ && generator != nullptr) {
    // The generator's parameters never change, so its bf16 copies are made only once.
    generator->semantic_encoder().parameters().keep_copies(dtype_);
    generator->scene_encoder().parameters().keep_copies(dtype_);
    generator->generator().parameters().keep_copies(dtype_);
  }
  optimizer_ = make_optimizer(config, model_.parameters(), ema_.parameters());
  add_network({"", &model_.parameters(), &ema_.parameters(), optimizer_.get()});
  add_phase({kPhase, {&model_.parameters()}, {optimizer_.get()}});

  layout_ = layout_of(config.batch, unlabeled_rows(config), ranks);
  labeled_column_ = schedule_.add(layout_.rows(Part::labeled).count());
  if (uses_unlabeled(config)) unlabeled_column_ = schedule_.add(layout_.rows(Part::weak).count());
  if (!hybrids_) return;
  hybrid_rows_ = {.labeled = labeled_column_.count,
                  .all = labeled_column_.count + unlabeled_column_.count,
                  .height = dataset.train.height,
                  .width = dataset.train.width};
  const std::int64_t count = hybrids_->count(hybrid_rows_);
  scene_column_ = schedule_.add(count);
  share_column_ = schedule_.add(hybrids_->draws_shares() ? count : 0);
  corner_column_ = schedule_.add(hybrids_->draws_corners() ? 4 * count : 0);
}

void ClassifierTrainer::draw_step(std::int64_t step, const BatchSchedule::Row& row) const {
  draw_images(row, labeled_column_, labeled_, step, layout_.rows(Part::labeled));
  if (uses_unlabeled(config_)) {
    draw_images(row, unlabeled_column_, unlabeled_, step, layout_.rows(Part::weak));
  }
  if (!hybrids_) return;
  const PairDraws pairs = hybrids_->draw(hybrid_rows_, step, ranks_);
  row.set(scene_column_, std::span<const std::int32_t>(pairs.scenes));
  row.set(share_column_, std::span<const float>(pairs.shares));
  row.set(corner_column_, std::span<const std::int32_t>(pairs.corners));
}

void ClassifierTrainer::queue_step() {
  set_weights();
  const ClassifierBatch batch = make_batch(layout_, schedule_.indices(labeled_column_),
                                           schedule_.indices(unlabeled_column_), Use::network);
  run_phase(kPhase, [&] {
    MethodPass pass = objective_.method(batch, consistency_weight_);
    log_accuracy(pass.supervised, pass.labeled_logits, batch.labels);
    if (!hybrids_) return pass.terms;
    const Hybrids made = hybrids_->make(
        {.images = pass.images, .labels = batch.labels, .predictions = pass.predictions},
        {.scenes = schedule_.indices(scene_column_),
         .shares = schedule_.numbers(share_column_),
         .corners = schedule_.indices(corner_column_).reshape({corner_column_.count / 4, 4})},
        ranks_);
    const ClassifierLossTerms terms = objective_.hybrid_terms(made, hybrid_weight_);
    pass.terms.insert(pass.terms.end(), terms.begin(), terms.end());
    return pass.terms;
  });
}

BatchLayout ClassifierTrainer::layout_of(std::int64_t labeled, std::int64_t unlabeled,
                                         const Comm& ranks) const {
  BatchLayout layout(ranks);
  layout.add(Part::labeled, labeled);
  if (!uses_unlabeled(config_)) return layout;
  layout.add(Part::weak, unlabeled);
  layout.add(other_view(config_.method), unlabeled);
  return layout;
}

// All views are in one tensor, so that a network that sees several views together reads them
// without a copy.
ClassifierBatch ClassifierTrainer::make_batch(const BatchLayout& layout, const Tensor& labeled,
                                              const Tensor& unlabeled, Use use) const {
  const Tensor images = use == Use::network ? train_.network_room_for(layout.rows(), dtype_)
                                            : train_.room_for(layout.rows(), dtype_);
  const auto view = [&](Part part, const Tensor& index) {
    Tensor room = layout.of(images, part);
    augment(layout, part, index, strong_, room);
    if (part != Part::strong) add_input_noise(layout, part, room);
    return Variable(room);
  };
  ClassifierBatch batch{.labeled = view(Part::labeled, labeled),
                        .labels = train_.labels_at(labeled)};
  if (!uses_unlabeled(config_)) return batch;
  batch.weak = view(Part::weak, unlabeled);
  batch.other = view(other_view(config_.method), unlabeled);
  return batch;
}

void ClassifierTrainer::add_input_noise(const BatchLayout& layout, Part part,
                                        const Output& images) const {
  if (config_.input_noise == 0) return;
  train_.add_noise(step_,
                   {.seed = config_.seed,
                    .purpose = Purpose::input_noise,
                    .stream = noise_stream(part),
                    .first_row = layout.rows(part).first()},
                   config_.input_noise, images);
}

void ClassifierTrainer::set_weights() {
  WeightRamp ramp{.highest = config_.consistency.weight,
                  .total_steps = config_.steps,
                  .share = config_.consistency.ramp,
                  .shape = config_.consistency.ramp_shape};
  if (config_.method == Method::mean_teacher) set_ramp(step_, ramp, consistency_weight_);
  if (!hybrids_) return;
  ramp.highest = hybrid_weight(config_);
  // A hybrid's label, unlike a prediction, is as reliable at the start as later.
  if (labels_hybrids(config_)) ramp.share = 0;
  set_ramp(step_, ramp, hybrid_weight_);
}

double ClassifierTrainer::epochs() const {
  return labeled_.epochs(steps_done(), config_.batch);
}

std::optional<Evaluation> ClassifierTrainer::evaluate_ema(const EvaluationOptions& options) {
  average_buffers();
  return evaluate(ema_, test_, evaluation_batch(config_.output.eval_batch, test_), dtype_, ranks_,
                  options);
}

std::optional<ImagesToLabel> ClassifierTrainer::images_to_label(
    const Dataset& dataset, const std::filesystem::path& data_dir) const {
  return find_images_to_label({.network = ema_,
                               .dataset = dataset,
                               .train = train_,
                               .test = test_,
                               .data_dir = data_dir,
                               .batch = config_.output.eval_batch,
                               .dtype = dtype_});
}

std::vector<Sheet> ClassifierTrainer::preview(std::int64_t images) const {
  const auto next = [&](Sampler& sampler) {
    const std::vector<std::int32_t> indices = sampler.indices(steps_done(), images);
    return Tensor::from_host(std::span(indices), {images}, device_);
  };
  const ClassifierBatch batch =
      make_batch(layout_of(images, images, local_comm()), next(labeled_),
                 uses_unlabeled(config_) ? next(unlabeled_) : Tensor(), Use::picture);
  const int scale = test_.height() < 64 ? 2 : 1;
  std::vector<Sheet> sheets{{.name = "augmented",
                             .caption = "Labelled images, weakly augmented",
                             .scale = scale,
                             .pixels = to_pixels(batch.labeled.value())}};
  if (config_.method == Method::fixmatch) {
    sheets.push_back({.name = "strong",
                      .caption = "Unlabelled images, strongly augmented",
                      .scale = scale,
                      .pixels = to_pixels(batch.other.value())});
  }
  if (!hybrids_) return sheets;
  const Tensor source = batch.weak.defined() ? batch.weak.value() : batch.labeled.value();
  const Tensor none =
      Tensor::zeros({images, model_.config().classes}, parameter_type(config_.precision), device_);
  const Hybrids made =
      hybrids_->make({.images = source, .labels = batch.labels, .predictions = none}, steps_done());
  const Tensor scenes = gather_rows(Variable(source), made.scenes).value();
  const std::vector<Tensor> columns{source, scenes, made.images.value()};
  sheets.push_back({.name = "hybrids",
                    .caption = "Semantic parent, scene parent, hybrid; four pairs in a row",
                    .columns = 4 * std::ssize(columns),
                    .scale = scale,
                    .pixels = side_by_side(columns)});
  return sheets;
}

CheckpointMetadata ClassifierTrainer::describe() const {
  CheckpointMetadata all{{"method", std::string(name_of(config_.method))},
                         {"mixer", std::string(name_of(config_.hybrids.mixer))},
                         {"depth", std::to_string(config_.model.depth)},
                         {"width", std::to_string(config_.model.width)},
                         {"norm_eps", digits_of(config_.model.norm_eps)},
                         {"image_size", std::to_string(test_.width())},
                         {"precision", std::string(name_of(config_.precision))},
                         {"classes", std::to_string(model_.config().classes)},
                         {"class_names", class_names_}};
  if (!generator_checksum_.empty()) all["generator_checksum"] = generator_checksum_;
  return all;
}

void ClassifierTrainer::check_description(const CheckpointMetadata& metadata,
                                          const std::filesystem::path& path) const {
  const std::string said = value_of(metadata, "generator_checksum");
  if (said.empty() || said == generator_checksum_) return;  // older checkpoints have none
  user_error("--generator ", config_.hybrids.generator, ": not the generator with which ",
             path.string(), " was trained; expected the same checkpoint");
}

}  // namespace scimix

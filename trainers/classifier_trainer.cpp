#include "trainers/classifier_trainer.hpp"

#include <charconv>
#include <cmath>

#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "kernels/metrics.hpp"
#include "losses/classification.hpp"

namespace scimix {

namespace {

constexpr const char* kFormat = "scimix-classifier-1";
constexpr std::uint32_t kLabeledStream = 0;  // of the run's samplers

WideResNetConfig model_config(const ClassifierConfig& config, const Dataset& dataset) {
  return {.depth = config.depth,
          .width = config.width,
          .classes = static_cast<int>(dataset.classes()),
          .norm = {.eps = config.norm_eps, .momentum = config.norm_momentum}};
}

WeakAugment weak_augment(const ClassifierConfig& config, const Dataset& dataset) {
  const bool flip = config.flip == "auto" ? dataset.flip_allowed : config.flip == "on";
  if (config.crop_pad >= dataset.train.height || config.crop_pad >= dataset.train.width) {
    user_error("--crop-pad ", config.crop_pad, ": expected less than the images' ",
               dataset.train.height, "x", dataset.train.width, " pixels");
  }
  return {.flip = flip, .pad = config.crop_pad, .seed = config.seed};
}

SgdOptions sgd_options(const ClassifierConfig& config) {
  return {.schedule = {.base = config.learning_rate, .total_steps = config.steps},
          .momentum = static_cast<float>(config.momentum),
          .weight_decay = static_cast<float>(config.weight_decay),
          .ema_decay = static_cast<float>(config.ema_decay)};
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

}  // namespace

ClassifierTrainer::ClassifierTrainer(const ClassifierConfig& config, const Dataset& dataset,
                                     const Split& split, Device device)
    : config_(config),
      device_(device),
      dtype_(config.precision == "bf16" ? DType::bf16 : DType::f32),
      train_hash_(split.train_hash),
      class_names_(join(dataset.class_names)),
      augment_(weak_augment(config, dataset)),
      train_(dataset.train, device),
      test_(dataset.test, device),
      sampler_(split.labeled, config.seed, kLabeledStream),
      model_(model_config(config, dataset), config.seed, device),
      ema_(model_config(config, dataset), config.seed, device),
      optimizer_(model_.parameters(), ema_.parameters(), sgd_options(config)),
      step_(Tensor::zeros({1}, DType::i32, device)),
      metrics_(Tensor::zeros({3}, DType::f32, device)) {}

void ClassifierTrainer::step() {
  const Batch batch =
      train_.augmented(sampler_.indices(steps_done_, config_.batch), step_, augment_, dtype_);
  const auto out = model_.forward(batch.images, {.mode = NormMode::train});
  const ClassificationLoss loss = classification_loss(out.logits, batch.labels);
  add_metrics(loss.per_row.value(), out.logits.value(), batch.labels, metrics_);
  model_.parameters().zero_grad();
  backward(loss.mean);
  optimizer_.update(step_);
  advance_step(step_);
  ++steps_done_;
}

double ClassifierTrainer::learning_rate() const {
  return cosine_7_16(optimizer_.options().schedule, static_cast<double>(steps_done_));
}

double ClassifierTrainer::epochs() const {
  return sampler_.epochs(steps_done_, config_.batch);
}

TrainingMetrics ClassifierTrainer::read_metrics() {
  const std::vector<double> sums = metrics_.to_doubles();
  metrics_.zero_();
  const double rows = sums[static_cast<int>(MetricSlot::rows)];
  if (rows == 0) return {};
  const double loss = sums[static_cast<int>(MetricSlot::loss_sum)] / rows;
  if (std::isnan(loss)) {
    user_error("step ", steps_done_,
               ": the classification loss is not a number; expected a finite one, try a smaller "
               "--learning-rate (the last checkpoint is kept)");
  }
  return {loss, sums[static_cast<int>(MetricSlot::correct)] / rows};
}

Evaluation ClassifierTrainer::evaluate_ema() const {
  // The average is over parameters; running statistics are those of the model [METHOD 3].
  ema_.parameters().copy_buffers_from(model_.parameters());
  return evaluate(ema_, test_, config_.eval_batch, dtype_);
}

std::vector<std::uint8_t> ClassifierTrainer::preview(std::int64_t images) {
  const Batch batch =
      train_.augmented(sampler_.indices(steps_done_, images), step_, augment_, DType::f32);
  std::vector<std::uint8_t> pixels;
  for (const double value : batch.images.value().to_doubles()) {
    pixels.push_back(static_cast<std::uint8_t>(std::lround((value + 1.0) * 127.5)));
  }
  return pixels;
}

CheckpointTensors ClassifierTrainer::state() const {
  CheckpointTensors all;
  append(all, "model.", model_.parameters().parameters());
  append(all, "model.", model_.parameters().buffers());
  append(all, "ema.", ema_.parameters().parameters());
  append(all, "ema.", ema_.parameters().buffers());
  append(all, "momentum.", model_.parameters().views(optimizer_.moments()));
  all.push_back({"metrics", metrics_});
  return all;
}

CheckpointMetadata ClassifierTrainer::metadata() const {
  return {{"format", kFormat},
          {"method", config_.method},
          {"depth", std::to_string(config_.depth)},
          {"width", std::to_string(config_.width)},
          {"classes", std::to_string(model_.config().classes)},
          {"class_names", class_names_},
          {"dataset", config_.dataset},
          {"train_hash", train_hash_},
          {"seed", std::to_string(config_.seed)},
          {"step", std::to_string(steps_done_)}};
}

void ClassifierTrainer::save(const std::filesystem::path& path) const {
  ema_.parameters().copy_buffers_from(model_.parameters());
  save_checkpoint(path, state(), metadata());
}

void ClassifierTrainer::load(const std::filesystem::path& path) {
  const CheckpointMetadata found = read_checkpoint_metadata(path);
  const auto value = [&](const std::string& key) {
    const auto it = found.find(key);
    return it == found.end() ? std::string() : it->second;
  };
  if (value("format") != kFormat) {
    user_error(path.string(), ": format \"", value("format"), "\", expected \"", kFormat, "\"");
  }
  if (value("train_hash") != train_hash_) {
    user_error(path.string(), ": trained on images with hash ", value("train_hash"),
               ", expected this data set's ", train_hash_);
  }
  std::int64_t step = -1;
  const std::string text_of_step = value("step");
  std::from_chars(text_of_step.data(), text_of_step.data() + text_of_step.size(), step);
  if (step < 0 || step > config_.steps) {
    user_error(path.string(), ": step \"", text_of_step, "\", expected 0 to ", config_.steps);
  }
  load_checkpoint(path, state());
  const auto device_step = static_cast<std::int32_t>(step);
  step_.copy_from_host(&device_step);
  steps_done_ = step;
}

}  // namespace scimix

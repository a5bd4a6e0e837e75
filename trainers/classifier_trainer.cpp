#include "trainers/classifier_trainer.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "kernels/metrics.hpp"
#include "losses/classification.hpp"
#include "trainers/pixels.hpp"

namespace scimix {

namespace {

constexpr const char* kFormat = "scimix-classifier-1";
constexpr std::uint32_t kLabeledStream = 0;  // of the run's samplers

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
      augment_(weak_augment(config.data, dataset, config.seed)),
      train_(dataset.train, device),
      test_(dataset.test, device),
      sampler_(split.labeled, config.seed, kLabeledStream),
      model_(encoder_config(config.model, dataset.classes()), config.seed, device),
      ema_(model_.config(), config.seed, device),
      optimizer_(model_.parameters(), ema_.parameters(),
                 sgd_options(config.sgd, config.steps, config.ema_decay)),
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

void ClassifierTrainer::check_finite() const {
  const std::vector<double> sums = metrics_.to_doubles();
  if (std::isfinite(sums[static_cast<int>(MetricSlot::loss_sum)])) return;
  user_error("step ", steps_done_,
             ": the classification loss is not a number; expected a finite one, try a smaller "
             "--learning-rate (the last checkpoint is kept)");
}

TrainingMetrics ClassifierTrainer::read_metrics() {
  const std::vector<double> sums = metrics_.to_doubles();
  metrics_.zero_();
  const double rows = std::max(sums[static_cast<int>(MetricSlot::rows)], 1.0);
  return {sums[static_cast<int>(MetricSlot::loss_sum)] / rows,
          sums[static_cast<int>(MetricSlot::correct)] / rows};
}

Evaluation ClassifierTrainer::evaluate_ema() const {
  // The average is over parameters; running statistics are those of the model [METHOD 3].
  ema_.parameters().copy_buffers_from(model_.parameters());
  return evaluate(ema_, test_, config_.output.eval_batch, dtype_);
}

std::vector<std::uint8_t> ClassifierTrainer::preview(std::int64_t images) {
  const Batch batch =
      train_.augmented(sampler_.indices(steps_done_, images), step_, augment_, DType::f32);
  return to_pixels(batch.images.value());
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
          {"depth", std::to_string(config_.model.depth)},
          {"width", std::to_string(config_.model.width)},
          {"classes", std::to_string(model_.config().classes)},
          {"class_names", class_names_},
          {"dataset", config_.data.dataset},
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

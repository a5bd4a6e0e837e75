#include "trainers/classifier_run.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "report/classifier_report.hpp"
#include "settings/run_kinds.hpp"
#include "trainers/classifier_trainer.hpp"
#include "trainers/matching_generator.hpp"
#include "trainers/matching_run.hpp"
#include "trainers/training_run.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kPreviewImages = 60;

std::string describe_method(const ClassifierConfig& config) {
  std::string text(name_of(config.method));
  if (config.method == Method::mean_teacher) {
    text += fmt::format(" (preset {})", name_of(config.preset));
  }
  if (uses_hybrids(config)) {
    text += fmt::format(", hybrids by {} ({}, weight {:g})", name_of(config.hybrids.mixer),
                        name_of(config.hybrids.use), hybrid_weight(config));
  }
  if (config.init_from == InitFrom::generator) text += ", started from the generator's encoder";
  return text;
}

class ClassifierSubject : public RunSubject {
 public:
  // `generator` is null if the run needs no generator.
  ClassifierSubject(const ClassifierConfig& config, const RunInputs& inputs,
                    std::unique_ptr<const TrainedGenerator> generator)
      : config_(config),
        inputs_(inputs),
        generator_(std::move(generator)),
        trainer_(config, inputs.dataset, inputs.split, inputs.device,
                 generator_ ? &generator_->networks : nullptr, *inputs.ranks) {}

  TrainingSession& session() override { return trainer_; }
  std::int64_t images_per_step() const override { return config_.batch + unlabeled_rows(config_); }
  void introduce(std::ostream& out) const override;
  std::vector<Sheet> first_sheets() const override { return trainer_.preview(kPreviewImages); }
  Metrics progress(const Metrics& logged) const override;
  std::optional<Evaluated> evaluate(const EvaluationOptions& options, bool last) override;
  void conclude(const RunFolder& run, const RunResult& result, std::ostream& out) const override;
  RunReport report(const RunFolder& run, const RunResult& result,
                   const std::string& command) const override;

 private:
  const ClassifierConfig& config_;
  const RunInputs& inputs_;
  std::unique_ptr<const TrainedGenerator> generator_;
  ClassifierTrainer trainer_;
  std::optional<Evaluation> test_;  // the last one
};

void ClassifierSubject::introduce(std::ostream& out) const {
  const Dataset& data = inputs_.dataset;
  fmt::print(out,
             "{}: {} training images ({} labelled), {} test images, {} classes, {}x{} pixels\n",
             data.name, data.train.count, inputs_.split.labeled.size(), data.test.count,
             data.classes(), data.train.width, data.train.height);
  fmt::print(out, "WideResNet-{}-{}, {} parameters, {} on {}\n", config_.model.depth,
             config_.model.width, trainer_.model().parameters().parameter_count(),
             name_of(config_.precision), describe(inputs_.device));
  fmt::print(out, "{}; {} labelled and {} unlabelled images a step\n", describe_method(config_),
             config_.batch, unlabeled_rows(config_));
  const WeakAugment weak = weak_augment(config_.data, data, config_.seed);
  fmt::print(out, "weak augmentation: {}shift by up to {} pixels\n",
             weak.flip ? "mirror with probability 0.5, " : "", weak.pad);
  if (config_.method == Method::fixmatch) {
    for (const std::string& line :
         describe_policy(strong_augment(config_.fixmatch, data.train.height), data.train.height,
                         data.train.width)) {
      fmt::print(out, "  {}\n", line);
    }
  }
  for (const std::string& note : {scale_note(config_.scale), unused_data_note(config_.data)}) {
    if (!note.empty()) fmt::print(out, "{}\n", note);
  }
  if (!generator_ && !config_.hybrids.generator.empty()) {
    fmt::print(out, "note: --generator is not used, since --mixer is {} and --init-from is {}\n",
               name_of(config_.hybrids.mixer), name_of(config_.init_from));
  }
  if (generator_) {
    const auto guide = guide_in(generator_->metadata, generator_->checkpoint);
    fmt::print(out, "generator {}{}\n", generator_->checkpoint.string(),
               guide ? "; its guide: " + describe(*guide) : "");
  }
}

// Shows all loss terms, and the accuracy on training images under a short name.
Metrics ClassifierSubject::progress(const Metrics& logged) const {
  Metrics shown;
  for (const auto& [name, value] : logged) {
    if (name == "train_accuracy") {
      shown.emplace_back("train", value);
    } else if (name != "learning_rate" && name != "epoch") {
      shown.emplace_back(name, value);
    }
  }
  return shown;
}

std::optional<RunSubject::Evaluated> ClassifierSubject::evaluate(const EvaluationOptions& options,
                                                                 bool last) {
  if (inputs_.dataset.test.count == 0) return Evaluated{};
  EvaluationOptions wanted = options;
  wanted.confusion = last;
  std::optional<Evaluation> found = trainer_.evaluate_ema(wanted);
  if (!found) return std::nullopt;
  test_ = std::move(found);
  return Evaluated{.logged = {{"test_accuracy", test_->accuracy}, {"test_loss", test_->loss}},
                   .note = fmt::format("test accuracy {:.2f}% (EMA, {} images)",
                                       100.0 * test_->accuracy, test_->images),
                   .shown = {{"test", test_->accuracy}}};
}

void ClassifierSubject::conclude(const RunFolder& /*run*/, const RunResult& result,
                                 std::ostream& out) const {
  if (!result.has_test_images) {
    fmt::print(out, "trained for {} steps. {}\n", result.steps, kNoTestImages);
    return;
  }
  const char* const scaled = config_.scale == RunScale::full ? "" : ", scaled down";
  fmt::print(out, "test accuracy {:.2f}% after {} steps (EMA, {} images{})\n",
             100.0 * result.accuracy, result.steps, inputs_.dataset.test.count, scaled);
  if (result.evaluations < 2) return;
  fmt::print(out, "median of the last {} evaluations {:.2f}%\n", result.evaluations,
             100.0 * result.median_accuracy);
}

RunReport ClassifierSubject::report(const RunFolder& run, const RunResult& result,
                                    const std::string& command) const {
  SCIMIX_CHECK(!result.has_test_images || (test_ && test_->confusion),
               "the last evaluation counted no confusion");
  ClassifierOutcome outcome{
      .facts = run_facts(session_settings(config_), inputs_, run, result, command),
      .network = fmt::format("WideResNet-{}-{}", config_.model.depth, config_.model.width),
      .method = describe_method(config_),
      .median = {.accuracy = result.median_accuracy, .evaluations = result.evaluations},
      .classes = {test_ ? *test_->confusion : Confusion(inputs_.dataset.classes()),
                  inputs_.dataset.class_names},
      .pictures = {},
      .to_label = trainer_.images_to_label(inputs_.dataset, config_.data.data_dir)};
  for (const Sheet& sheet : trainer_.preview(1)) {
    const auto png = run.samples() / (sheet.name + ".png");
    if (is_file(png)) outcome.pictures.push_back({sheet.caption, png});
  }
  return classifier_report(outcome);
}

}  // namespace

std::filesystem::path run_folder_of(const ClassifierConfig& config) {
  if (!config.output.out.empty()) return config.output.out;
  const std::string mixer =
      uses_hybrids(config) ? fmt::format("-{}", name_of(config.hybrids.mixer)) : "";
  return std::filesystem::path("runs") / fmt::format("{}-{}-{}{}-{}", config.data.dataset,
                                                     config.data.labels, name_of(config.method),
                                                     mixer, config.seed);
}

RunResult run_classifier(const ClassifierConfig& config, const RunRequest& request,
                         const RunStreams& streams) {
  check(config);
  check_strong_size("--method fixmatch", config.method, config.data.image_size,
                    config.data.image_size);
  // Checks the generator before the images are read, so that a wrong path does not cost that time.
  if (uses_generator(config) && !request.resume) {
    (void)read_generator_metadata(generator_checkpoint(config.hybrids.generator));
    if (is_folder(config.hybrids.generator)) {
      check_finished(config.hybrids.generator, generator_kind());
    }
  }
  return run_training(
      session_settings(config), run_folder_of(config), request, streams,
      [&](const RunInputs& inputs) -> std::unique_ptr<RunSubject> {
        std::unique_ptr<const TrainedGenerator> generator;
        if (uses_generator(config)) {
          generator = std::make_unique<const TrainedGenerator>(
              load_matching_generator(config, inputs.dataset, inputs.split, inputs.device));
        }
        return std::make_unique<ClassifierSubject>(config, inputs, std::move(generator));
      });
}

}  // namespace scimix

#include "trainers/generator_run.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "core/device.hpp"
#include "core/shell_word.hpp"
#include "report/generator_report.hpp"
#include "settings/run_kinds.hpp"
#include "settings/shared_settings.hpp"
#include "trainers/generator_trainer.hpp"
#include "trainers/guide.hpp"
#include "trainers/training_run.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kColumns = 4;  // x_c, x_r, reconstruction, hybrid

// Returns the options by which a classifier has the images, labels and scale of this run, as far as
// they are not a classifier's defaults; each with a space before it.
std::string options_of_data(const GeneratorRunConfig& config) {
  const RunKind& here = generator_kind();
  const RunKind& there = classifier_kind();
  const SettingValues values = generator_table().values(config);
  std::vector<std::string> names(kImageSettings.begin(), kImageSettings.end());
  names.insert(names.end(), {"data-dir", "labels-file", "labels", "split-seed", "scale"});
  std::string options;
  for (const std::string& name : names) {
    const SettingValue& value = values[static_cast<std::size_t>(here.index(name))];
    if (value == there.defaults[static_cast<std::size_t>(there.index(name))]) continue;
    options += " --" + name + "=" + shell_word(text_of(value));
  }
  return options;
}

class GeneratorSubject : public RunSubject {
 public:
  // `guide` is the trained guide of a new run. It is null if the run has no guide, has made steps
  // already, or trains its guide in prepare().
  GeneratorSubject(const GeneratorRunConfig& config, const RunInputs& inputs,
                   std::optional<TrainedGuide> guide)
      : config_(config), inputs_(inputs), trainer_(config, inputs), given_(std::move(guide)) {}

  TrainingSession& session() override { return trainer_; }
  std::int64_t images_per_step() const override { return config_.batch; }
  void introduce(std::ostream& out) const override;
  // Checks the folder of a new run. Errors (user): those of check_guide_left.
  void check_folder(const std::filesystem::path& folder) const;
  bool prepare(const RunFolder& run, const RunRequest& request, const RunStreams& streams) override;
  Metrics progress(const Metrics& logged) const override;
  std::optional<Evaluated> evaluate(const EvaluationOptions& options, bool last) override;
  void conclude(const RunFolder& run, const RunResult& result, std::ostream& out) const override;
  RunReport report(const RunFolder& run, const RunResult& result,
                   const std::string& command) const override;

 private:
  [[nodiscard]] bool has_test_images() const { return inputs_.dataset.test.count > 0; }
  // Returns hybrids of test images, or, where there are none, of training images.
  [[nodiscard]] std::optional<Sheet> samples();

  const GeneratorRunConfig& config_;
  const RunInputs& inputs_;
  GeneratorTrainer trainer_;
  std::optional<TrainedGuide> given_;
  std::optional<GeneratorEvaluation> test_;  // the last one
};

void GeneratorSubject::introduce(std::ostream& out) const {
  const auto count = [](const ParameterStore& store) { return store.parameter_count(); };
  const Dataset& data = inputs_.dataset;
  fmt::print(out, "{}: {} training images of {}x{} ({} labelled), {} test images, {} classes\n",
             data.name, data.train.count, data.train.height, data.train.width,
             inputs_.split.labeled.size(), data.test.count, data.classes());
  fmt::print(out, "parameters: E_c and C {}, E_r {}, G {}, D {}; {} on {}\n",
             count(trainer_.networks().semantic_encoder().parameters()),
             count(trainer_.networks().scene_encoder().parameters()),
             count(trainer_.networks().generator().parameters()),
             count(trainer_.critic().parameters()), name_of(config_.precision),
             describe(inputs_.device));
  fmt::print(out, "variant {}, {}\n", name_of(config_.variant),
             freezes_semantic_encoder(config_)
                 ? "E_c and C keep the guide's parameters"
                 : fmt::format("L_S: {}", name_of(trainer_.semantic_method())));
  if (trainer_.guide()) fmt::print(out, "guide: {}\n", describe(*trainer_.guide()));
  for (const std::string& note : {scale_note(config_.scale), unused_data_note(config_.data)}) {
    if (!note.empty()) fmt::print(out, "{}\n", note);
  }
}

void GeneratorSubject::check_folder(const std::filesystem::path& folder) const {
  if (has_guide(config_) && !given_) check_guide_left(config_, trainer_.semantic_method(), folder);
}

// Starts E_c and C from the guide, which is trained first if none is given.
bool GeneratorSubject::prepare(const RunFolder& run, const RunRequest& request,
                               const RunStreams& streams) {
  if (!has_guide(config_)) return true;
  if (!given_) {
    if (!train_guide(config_, trainer_.semantic_method(), run, request, streams)) return false;
    given_ = load_matching_guide(guide_folder(run.path()), config_, inputs_.dataset, inputs_.split,
                                 inputs_.device);
  }
  trainer_.start_from(given_->network, {.method = given_->method, .steps = given_->steps});
  fmt::print(streams.out, "guide {}: {}\n", given_->checkpoint.string(),
             describe(*trainer_.guide()));
  streams.out.flush();
  given_.reset();
  return true;
}

Metrics GeneratorSubject::progress(const Metrics& logged) const {
  const auto value = [&](std::string_view name) { return value_of(logged, name); };
  return {{"rec", value(name_of(Term::reconstruction))},
          {"class+", value(name_of(Term::class_plus))},
          {"D", value(name_of(Term::critic_real))},
          {"train", value("train_accuracy")}};
}

std::optional<RunSubject::Evaluated> GeneratorSubject::evaluate(const EvaluationOptions& options,
                                                                bool /*last*/) {
  if (!has_test_images()) return Evaluated{.samples = samples()};
  const std::optional<GeneratorEvaluation> found = trainer_.evaluate_ema(options);
  if (!found) return std::nullopt;
  test_ = found;
  const GeneratorEvaluation& e = *test_;
  Evaluated out{.logged = {{"test_accuracy", e.classifier.accuracy},
                           {"test_reconstruction", e.reconstruction},
                           {"own_s_c", e.transfer.s_c()},
                           {"s_r", e.transfer.s_r()}},
                .note = fmt::format(
                    "C is right on {:.1f}% of the test images and {:.1f}% of the hybrids, s_r "
                    "{:.3f}, reconstruction error {:.3f} (EMA)",
                    100.0 * e.classifier.accuracy, 100.0 * e.transfer.s_c(), e.transfer.s_r(),
                    e.reconstruction)};
  out.samples = samples();
  return out;
}

std::optional<Sheet> GeneratorSubject::samples() {
  if (!inputs_.ranks->is_first()) return std::nullopt;
  return Sheet{.name = {},
               .caption = {},
               .columns = kColumns,
               .scale = trainer_.test_set().height() < 64 ? 3 : 1,
               .pixels = trainer_.samples()};
}

void GeneratorSubject::conclude(const RunFolder& run, const RunResult& result,
                                std::ostream& out) const {
  fmt::print(out, "hybrids of {} images: {}\n", has_test_images() ? "test" : "training",
             run.step_samples(result.steps).string());
  if (!has_test_images()) fmt::print(out, "{}\n", kNoTestImages);
}

RunReport GeneratorSubject::report(const RunFolder& run, const RunResult& result,
                                   const std::string& command) const {
  GeneratorOutcome outcome{
      .facts = run_facts(session_settings(config_), inputs_, run, result, command),
      .variant = std::string(name_of(config_.variant)),
      .guide = trainer_.guide() ? describe(*trainer_.guide()) : "",
      .options_of_data = options_of_data(config_),
      .evaluation = {},
      .pictures = {
          {fmt::format("{} images: semantic parent, scene parent, its reconstruction, hybrid",
                       has_test_images() ? "Test" : "Training"),
           run.step_samples(result.steps)}}};
  if (test_) {
    outcome.evaluation = {.pairs = test_->transfer.pairs,
                          .class_kept = test_->transfer.class_kept,
                          .s_r = test_->transfer.s_r(),
                          .reconstruction = test_->reconstruction,
                          .accuracy = test_->classifier.accuracy};
  }
  return generator_report(outcome);
}

// Returns whether the resumed run has a checkpoint. Its E_c and C then come from the checkpoint,
// not from the guide.
bool has_steps_behind(const RunRequest& request) {
  return request.resume && RunFolder::open(*request.resume).latest_checkpoint().has_value();
}

}  // namespace

std::filesystem::path run_folder_of(const GeneratorRunConfig& config) {
  if (!config.output.out.empty()) return config.output.out;
  return std::filesystem::path("runs") / fmt::format("{}-generator-{}-{}", config.data.dataset,
                                                     name_of(config.variant), config.seed);
}

void check_before_data(const GeneratorRunConfig& config) {
  check(config);
  if (config.data.image_size == 0) return;
  check_critic_size(config.data.image_size);
  check_generated_size(config.data.image_size, config.precision);
}

RunResult run_generator(const GeneratorRunConfig& config, const RunRequest& request,
                        const RunStreams& streams) {
  check_before_data(config);
  const bool from_guide = !config.guide.run.empty() && !has_steps_behind(request);
  if (from_guide) check_guide(config.guide.run);
  return run_training(session_settings(config), run_folder_of(config), request, streams,
                      [&](const RunInputs& inputs) -> std::unique_ptr<RunSubject> {
                        std::optional<TrainedGuide> guide;
                        if (from_guide) {
                          guide = load_matching_guide(config.guide.run, config, inputs.dataset,
                                                      inputs.split, inputs.device);
                        }
                        auto subject =
                            std::make_unique<GeneratorSubject>(config, inputs, std::move(guide));
                        if (!request.resume) subject->check_folder(run_folder_of(config));
                        return subject;
                      });
}

}  // namespace scimix

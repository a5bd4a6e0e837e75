#include "trainers/classifier_run.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "core/device.hpp"
#include "data/image_io.hpp"
#include "report/confusion_picture.hpp"
#include "report/interval.hpp"
#include "report/run_history.hpp"
#include "report/run_report.hpp"
#include "trainers/classifier_trainer.hpp"
#include "trainers/count_confusion.hpp"
#include "trainers/matching_generator.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kPreviewImages = 60;

// What a classifier run says of itself while it trains.
class Reporter {
 public:
  Reporter(RunLog& log, ClassifierTrainer& trainer) : log_(log), trainer_(trainer) {}

  void training() {
    const TrainingMetrics found = trainer_.read_metrics();
    const auto infos = classifier_terms();
    Metrics metrics;
    for (std::size_t i = 0; i < infos.size(); ++i) {
      if (found.terms[i]) metrics.emplace_back(infos[i].name, *found.terms[i]);
    }
    shown_ = metrics;
    shown_.emplace_back("train", found.accuracy);
    metrics.emplace_back("train_accuracy", found.accuracy);
    metrics.emplace_back("learning_rate", trainer_.learning_rate());
    metrics.emplace_back("epoch", trainer_.epochs());
    log_.record(trainer_.steps_done(), metrics);
    show();
  }

  void evaluation() {
    test_ = trainer_.evaluate_ema();
    show();
    log_.record(trainer_.steps_done(),
                {{"test_accuracy", test_->accuracy}, {"test_loss", test_->loss}});
    log_.note(fmt::format("step {}: test accuracy {:.2f}% (EMA, {} images)", trainer_.steps_done(),
                          100.0 * test_->accuracy, test_->images));
  }

  // Of the last evaluation; makes one where a finished run is resumed.
  Evaluation last_evaluation() {
    if (!test_) test_ = trainer_.evaluate_ema();
    return *test_;
  }

 private:
  void show() {
    Metrics line = shown_;
    if (test_) line.emplace_back("test", test_->accuracy);
    log_.show(trainer_.steps_done(), line);
  }

  RunLog& log_;
  ClassifierTrainer& trainer_;
  Metrics shown_;
  std::optional<Evaluation> test_;
};

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

void introduce(const ClassifierConfig& config, const RunInputs& inputs,
               const ClassifierTrainer& trainer, std::ostream& out) {
  const Dataset& data = inputs.dataset;
  fmt::print(out, "{}: {} training images ({} labelled), {} test images, {} classes\n", data.name,
             data.train.count, inputs.split.labeled.size(), data.test.count, data.classes());
  fmt::print(out, "WideResNet-{}-{}, {} parameters, {} on {}\n", config.model.depth,
             config.model.width, trainer.model().parameters().parameter_count(),
             name_of(config.precision), describe(inputs.device));
  fmt::print(out, "{}; {} labelled and {} unlabelled images a step\n", describe_method(config),
             config.batch, unlabeled_rows(config));
  const WeakAugment weak = weak_augment(config.data, data, config.seed);
  fmt::print(out, "weak augmentation: {}shift by up to {} pixels\n",
             weak.flip ? "mirror with probability 0.5, " : "", weak.pad);
  if (config.method == Method::fixmatch) {
    for (const std::string& line :
         describe_policy(strong_augment(config.fixmatch), data.train.height, data.train.width)) {
      fmt::print(out, "  {}\n", line);
    }
  }
  if (const std::string note = scale_note(config.scale); !note.empty()) {
    fmt::print(out, "{}\n", note);
  }
}

void write_sheets(const RunFolder& run, const ClassifierTrainer& trainer, const ImageSet& images) {
  for (const Sheet& sheet : trainer.preview(kPreviewImages)) {
    write_grid(run.samples() / (sheet.name + ".png"), sheet.pixels, images.height, images.width,
               sheet.columns, /*scale=*/images.height < 64 ? 2 : 1);
  }
}

std::string percent(double share) {
  return fmt::format("{:.2f}%", 100.0 * share);
}

// What the run's report.html shows.
void write_run_report(const ClassifierConfig& config, const RunInputs& inputs,
                      const RunRequest& request, const RunFolder& run, const RunResult& result,
                      const ClassifierTrainer& trainer) {
  const Confusion confusion =
      confusion_of(trainer.average(), trainer.test_set(), config.output.eval_batch,
                   parameter_type(config.precision));
  const ShareInterval interval = wilson_interval(confusion.correct(), confusion.images());
  RunReport report;
  report.title = fmt::format("{} on {}, {} labels", name_of(config.method), inputs.dataset.name,
                             inputs.split.labeled.size());
  report.command = request.command;
  if (const std::string note = scale_note(config.scale); !note.empty()) report.notes = {note};
  report.figures = {{"Test accuracy (last EMA)", percent(result.accuracy)},
                    {"95% interval", percent(interval.low) + " to " + percent(interval.high)},
                    {fmt::format("Median of the last {} evaluations", result.evaluations),
                     percent(result.median_accuracy)},
                    {"Steps", std::to_string(result.steps)},
                    {"Method", describe_method(config)},
                    {"Device", describe(inputs.device)}};
  report.charts = {{"Accuracy", {"test_accuracy", "train_accuracy"}, "%", true},
                   {"Cross-entropy", {"supervised", "pseudo_label"}, "", false},
                   {"Consistency and hybrids", {"consistency", "hybrid"}, "", false},
                   {"Shares", {"confident", "hybrids_kept"}, "%", true},
                   {"Learning rate", {"learning_rate"}, "", false}};
  for (const Sheet& sheet : trainer.preview(1)) {
    const auto png = run.samples() / (sheet.name + ".png");
    if (std::filesystem::exists(png)) report.pictures.push_back({sheet.caption, png});
  }
  report.confusion_svg = confusion_svg(confusion, inputs.dataset.class_names);
  write_report(run, report);
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
  const RunInputs inputs =
      load_run_inputs(config.data, config.ranks, config.output.device, request);
  Comm& ranks = *inputs.ranks;
  std::optional<TrainedGenerator> generator;
  if (uses_generator(config)) {
    generator = load_matching_generator(config, inputs.dataset, inputs.split, inputs.device);
  }
  ClassifierTrainer trainer(config, inputs.dataset, inputs.split, inputs.device,
                            generator ? &generator->networks : nullptr, ranks);
  const std::optional<std::int64_t> resumed = resume(trainer, request);
  const RunFolder run = run_folder(request, run_folder_of(config), ranks);
  if (!request.resume && ranks.is_first()) {
    save_split(run.split(), inputs.split);
    write_sheets(run, trainer, inputs.dataset.train);
    run.write_config(request.config_text);
  }
  std::ostream& out = streams.out;
  introduce(config, inputs, trainer, out);
  if (generator) fmt::print(out, "generator {}\n", generator->checkpoint.string());
  introduce_folder(run, resumed, ranks, out);

  const std::int64_t images = config.batch + unlabeled_rows(config);
  RunLog log =
      ranks.is_first() ? RunLog(run, config.steps, images, resumed, streams.progress) : RunLog();
  Reporter report(log, trainer);
  RunResult result;
  result.interrupted = train(trainer, report, log, run, config.steps, config.output, ranks, out);
  result.steps = trainer.steps_done();
  if (result.interrupted) return result;

  const Evaluation last = report.last_evaluation();
  result.accuracy = last.accuracy;
  if (!ranks.is_first()) return result;  // the rest is for the user to read
  const MedianAccuracy median = median_accuracy(RunHistory::read(run.metrics()));
  result.evaluations = median.evaluations;
  result.median_accuracy = median.evaluations > 0 ? median.accuracy : last.accuracy;
  const char* const scaled = config.scale == RunScale::full ? "" : ", scaled down";
  fmt::print(out, "test accuracy {:.2f}% after {} steps (EMA, {} images{})\n",
             100.0 * result.accuracy, result.steps, last.images, scaled);
  fmt::print(out, "median of the last {} evaluations {:.2f}%\n", result.evaluations,
             100.0 * result.median_accuracy);
  write_run_report(config, inputs, request, run, result, trainer);
  fmt::print(out, "report {}\n", (run.path() / "report.html").string());
  return result;
}

}  // namespace scimix

#include "trainers/classifier_run.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "core/device.hpp"
#include "data/image_io.hpp"
#include "trainers/classifier_trainer.hpp"
#include "trainers/interrupt.hpp"
#include "trainers/metrics_log.hpp"
#include "trainers/progress.hpp"
#include "trainers/run_folder.hpp"
#include "trainers/tensorboard.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kPreviewImages = 60;

Dataset load(const ClassifierConfig& config) {
  return load_dataset(config.dataset, config.data_dir,
                      {.size = config.image_size,
                       .digits_train = config.digits_train,
                       .digits_test = config.digits_test,
                       .data_seed = config.data_seed});
}

std::filesystem::path out_folder(const ClassifierConfig& config) {
  if (!config.out.empty()) return config.out;
  return std::filesystem::path("runs") /
         fmt::format("{}-{}-{}", config.dataset, config.method, config.seed);
}

// Where the numbers of a run go: the file for programs, TensorBoard, the progress line.
class Reporter {
 public:
  Reporter(const RunFolder& run, const ClassifierConfig& config,
           std::optional<std::int64_t> resumed, std::ostream& progress)
      : log_(resumed ? MetricsLog::resume(run.metrics(), *resumed)
                     : MetricsLog::start(run.metrics())),
        events_(run.path(), unix_seconds(), resumed),
        progress_(progress, stderr_is_terminal(), config.steps),
        batch_(config.batch) {
    progress_.update(resumed.value_or(0), resumed.value_or(0) * batch_);
  }

  void training(const ClassifierTrainer& trainer, const TrainingMetrics& metrics) {
    record(trainer.steps_done(), {{"loss", metrics.loss},
                                  {"train_accuracy", metrics.accuracy},
                                  {"learning_rate", trainer.learning_rate()},
                                  {"epoch", trainer.epochs()}});
    last_ = metrics;
    show(trainer);
  }

  // Between two log lines: keeps step and time left fresh on a terminal.
  void tick(const ClassifierTrainer& trainer) {
    progress_.update(trainer.steps_done(), trainer.steps_done() * batch_);
  }

  void evaluation(const ClassifierTrainer& trainer, const Evaluation& evaluation) {
    test_accuracy_ = evaluation.accuracy;
    show(trainer);
    record(trainer.steps_done(),
           {{"test_accuracy", evaluation.accuracy}, {"test_loss", evaluation.loss}});
    progress_.note(fmt::format("step {}: test accuracy {:.2f}% (EMA, {} images)",
                               trainer.steps_done(), 100.0 * evaluation.accuracy,
                               evaluation.images));
  }

  void finish() { progress_.finish(); }

 private:
  void show(const ClassifierTrainer& trainer) {
    Metrics shown{{"loss", last_.loss}, {"train", last_.accuracy}};
    if (test_accuracy_) shown.emplace_back("test", *test_accuracy_);
    progress_.update(trainer.steps_done(), trainer.steps_done() * batch_, shown);
  }

  void record(std::int64_t step, const Metrics& metrics) {
    const double now = unix_seconds();
    log_.add(step, now, metrics);
    events_.add_scalars(step, now, metrics);
  }

  MetricsLog log_;
  TensorBoardWriter events_;
  Progress progress_;
  std::int64_t batch_;
  TrainingMetrics last_;
  std::optional<double> test_accuracy_;
};

// Trains until the end or an interrupt; true when it was interrupted.
bool train(const ClassifierConfig& config, const RunFolder& run, ClassifierTrainer& trainer,
           Reporter& report, Evaluation& last) {
  const InterruptFlag interrupted;
  const auto due = [&](std::int64_t every) { return trainer.steps_done() % every == 0; };
  while (trainer.steps_done() < config.steps) {
    trainer.step();
    const bool end = trainer.steps_done() == config.steps;
    const bool stop = interrupted.raised();
    if (due(config.log_every) || end) {
      report.training(trainer, trainer.read_metrics());
    } else {
      report.tick(trainer);
    }
    if (due(config.eval_every) || end) {
      last = trainer.evaluate_ema();
      report.evaluation(trainer, last);
    }
    if (due(config.checkpoint_every) || end || stop) {
      trainer.save(run.checkpoint(trainer.steps_done()));
      run.keep_newest_checkpoints(config.keep_checkpoints);
    }
    if (stop && !end) return true;
  }
  return false;
}

}  // namespace

RunResult run_classifier(const ClassifierConfig& config, const std::string& config_text,
                         const std::optional<std::filesystem::path>& resume, std::ostream& out,
                         std::ostream& progress) {
  check(config);
  const Device device = parse_device(config.device);
  select_device(device);
  const Dataset dataset = load(config);
  const auto label_count = parse_label_count(config.labels);
  const Split split = resume ? load_split(RunFolder::open(*resume).split(), dataset)
                             : make_split(dataset, label_count, config.split_seed);
  ClassifierTrainer trainer(config, dataset, split, device);

  std::optional<std::int64_t> resumed;
  if (resume) {
    const auto checkpoint = RunFolder::open(*resume).latest_checkpoint();
    if (checkpoint) trainer.load(*checkpoint);
    resumed = trainer.steps_done();
  }
  const RunFolder run = resume ? RunFolder::open(*resume) : RunFolder::create(out_folder(config));
  if (!resume) {
    save_split(run.split(), split);
    write_grid(run.samples() / "augmented.png", trainer.preview(kPreviewImages),
               dataset.train.height, dataset.train.width, /*columns=*/10, /*scale=*/2);
    run.write_config(config_text);
  }

  fmt::print(out, "{}: {} training images ({} labelled), {} test images, {} classes\n",
             config.dataset, dataset.train.count, split.labeled.size(), dataset.test.count,
             dataset.classes());
  fmt::print(out, "WideResNet-{}-{}, {} parameters, {} on {}\n", config.depth, config.width,
             trainer.model().parameters().parameter_count(), config.precision, describe(device));
  fmt::print(out, "run folder {}{}\n", run.path().string(),
             resumed ? fmt::format(", resumed after step {}", *resumed) : "");
  out.flush();

  Reporter report(run, config, resumed, progress);
  Evaluation last;
  RunResult result;
  if (trainer.steps_done() == config.steps) last = trainer.evaluate_ema();
  result.interrupted = train(config, run, trainer, report, last);
  report.finish();
  result.accuracy = last.accuracy;
  result.steps = trainer.steps_done();
  if (result.interrupted) {
    fmt::print(out, "interrupted after step {}; continue with --resume {}\n", result.steps,
               run.path().string());
  } else {
    fmt::print(out, "test accuracy {:.2f}% after {} steps (EMA, {} images)\n",
               100.0 * result.accuracy, result.steps, last.images);
  }
  return result;
}

}  // namespace scimix

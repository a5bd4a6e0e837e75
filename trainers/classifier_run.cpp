#include "trainers/classifier_run.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "core/device.hpp"
#include "data/image_io.hpp"
#include "trainers/classifier_trainer.hpp"
#include "trainers/run_folder.hpp"
#include "trainers/run_inputs.hpp"
#include "trainers/run_log.hpp"
#include "trainers/training_loop.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kPreviewImages = 60;

std::filesystem::path out_folder(const ClassifierConfig& config) {
  if (!config.output.out.empty()) return config.output.out;
  return std::filesystem::path("runs") /
         fmt::format("{}-{}-{}", config.data.dataset, config.method, config.seed);
}

// What a classifier run says of itself while it trains.
class Reporter {
 public:
  Reporter(RunLog& log, ClassifierTrainer& trainer) : log_(log), trainer_(trainer) {}

  void training() {
    last_ = trainer_.read_metrics();
    log_.record(trainer_.steps_done(), {{"loss", last_.loss},
                                        {"train_accuracy", last_.accuracy},
                                        {"learning_rate", trainer_.learning_rate()},
                                        {"epoch", trainer_.epochs()}});
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
    Metrics shown{{"loss", last_.loss}, {"train", last_.accuracy}};
    if (test_) shown.emplace_back("test", test_->accuracy);
    log_.show(trainer_.steps_done(), shown);
  }

  RunLog& log_;
  ClassifierTrainer& trainer_;
  TrainingMetrics last_;
  std::optional<Evaluation> test_;
};

}  // namespace

RunResult run_classifier(const ClassifierConfig& config, const std::string& config_text,
                         const std::optional<std::filesystem::path>& resume, std::ostream& out,
                         std::ostream& progress) {
  check(config);
  const auto [device, dataset, split] = load_run_inputs(config.data, config.output.device, resume);
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
             config.data.dataset, dataset.train.count, split.labeled.size(), dataset.test.count,
             dataset.classes());
  fmt::print(out, "WideResNet-{}-{}, {} parameters, {} on {}\n", config.model.depth,
             config.model.width, trainer.model().parameters().parameter_count(), config.precision,
             describe(device));
  fmt::print(out, "run folder {}{}\n", run.path().string(),
             resumed ? fmt::format(", resumed after step {}", *resumed) : "");
  out.flush();

  RunLog log(run, config.steps, config.batch, resumed, progress);
  Reporter report(log, trainer);
  RunResult result;
  result.interrupted =
      run_training_loop(trainer.steps_done(), config.steps, config.output, run,
                        {.step = [&] { trainer.step(); },
                         .check = [&] { trainer.check_finite(); },
                         .log = [&] { report.training(); },
                         .tick = [&] { log.show(trainer.steps_done()); },
                         .evaluate = [&] { report.evaluation(); },
                         .save = [&](const std::filesystem::path& path) { trainer.save(path); }});
  log.finish();
  result.steps = trainer.steps_done();
  if (result.interrupted) {
    fmt::print(out, "interrupted after step {}; continue with --resume {}\n", result.steps,
               run.path().string());
    return result;
  }
  const Evaluation last = report.last_evaluation();
  result.accuracy = last.accuracy;
  fmt::print(out, "test accuracy {:.2f}% after {} steps (EMA, {} images)\n",
             100.0 * result.accuracy, result.steps, last.images);
  return result;
}

}  // namespace scimix

#include "trainers/generator_run.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "core/device.hpp"
#include "data/image_io.hpp"
#include "trainers/generator_trainer.hpp"
#include "trainers/run_folder.hpp"
#include "trainers/run_inputs.hpp"
#include "trainers/run_log.hpp"
#include "trainers/training_loop.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kColumns = 4;  // x_c, x_r, reconstruction, hybrid

std::filesystem::path out_folder(const GeneratorRunConfig& config) {
  if (!config.output.out.empty()) return config.output.out;
  return std::filesystem::path("runs") /
         fmt::format("{}-generator-{}-{}", config.data.dataset, config.variant, config.seed);
}

// What a generator run says of itself while it trains.
class Reporter {
 public:
  Reporter(RunLog& log, const RunFolder& run, GeneratorTrainer& trainer, std::int64_t image_size)
      : log_(log), run_(run), trainer_(trainer), image_size_(image_size) {}

  void training() {
    const GeneratorMetrics found = trainer_.read_metrics();
    Metrics metrics;
    for (std::size_t i = 0; i < found.terms.size(); ++i) {
      const std::string name(name_of(static_cast<Term>(i)));
      if (found.terms[i]) metrics.emplace_back(name, *found.terms[i]);
    }
    metrics.emplace_back("train_accuracy", found.train_accuracy);
    metrics.emplace_back("learning_rate", trainer_.learning_rate());
    metrics.emplace_back("epoch", trainer_.epochs());
    log_.record(trainer_.steps_done(), metrics);
    const auto of = [&](Term term) {
      return found.terms[static_cast<std::size_t>(term)].value_or(0.0);
    };
    shown_ = {{"rec", of(Term::reconstruction)},
              {"class+", of(Term::class_plus)},
              {"D", of(Term::critic_real)},
              {"train", found.train_accuracy}};
    log_.show(trainer_.steps_done(), shown_);
  }

  void evaluation() {
    const GeneratorEvaluation e = trainer_.evaluate_ema();
    const std::int64_t step = trainer_.steps_done();
    log_.record(step, {{"test_accuracy", e.classifier.accuracy},
                       {"test_reconstruction", e.reconstruction},
                       {"own_s_c", e.transfer.s_c()},
                       {"s_r", e.transfer.s_r()}});
    log_.note(
        fmt::format("step {}: C is right on {:.1f}% of the test images and {:.1f}% of the "
                    "hybrids, s_r {:.3f}, reconstruction error {:.3f} (EMA)",
                    step, 100.0 * e.classifier.accuracy, 100.0 * e.transfer.s_c(), e.transfer.s_r(),
                    e.reconstruction));
    const auto path = run_.samples() / fmt::format("step-{:08}.png", step);
    write_grid(path, trainer_.samples(), image_size_, image_size_, kColumns,
               /*scale=*/image_size_ < 64 ? 3 : 1);
    log_.image(step, "samples", path);
    last_samples_ = path;
  }

  [[nodiscard]] const std::filesystem::path& last_samples() const { return last_samples_; }

 private:
  RunLog& log_;
  const RunFolder& run_;
  GeneratorTrainer& trainer_;
  std::int64_t image_size_;
  Metrics shown_;
  std::filesystem::path last_samples_;
};

void introduce(const GeneratorRunConfig& config, const RunInputs& inputs,
               const GeneratorTrainer& trainer, const RunFolder& run,
               std::optional<std::int64_t> resumed, std::ostream& out) {
  const auto count = [](const ParameterStore& store) { return store.parameter_count(); };
  fmt::print(out, "{}: {} training images of {}x{} ({} labelled), {} test images, {} classes\n",
             config.data.dataset, inputs.dataset.train.count, inputs.dataset.train.height,
             inputs.dataset.train.width, inputs.split.labeled.size(), inputs.dataset.test.count,
             inputs.dataset.classes());
  fmt::print(out, "parameters: E_c and C {}, E_r {}, G {}, D {}; {} on {}\n",
             count(trainer.networks().semantic_encoder().parameters()),
             count(trainer.networks().scene_encoder().parameters()),
             count(trainer.networks().generator().parameters()),
             count(trainer.critic().parameters()), config.precision, describe(inputs.device));
  fmt::print(out, "variant {}, L_S by {}\n", config.variant,
             trainer.uses_mean_teacher() ? "cross-entropy and Mean Teacher" : "cross-entropy");
  fmt::print(out, "run folder {}{}\n", run.path().string(),
             resumed ? fmt::format(", resumed after step {}", *resumed) : "");
  out.flush();
}

}  // namespace

GeneratorResult run_generator(const GeneratorRunConfig& config, const std::string& config_text,
                              const std::optional<std::filesystem::path>& resume, std::ostream& out,
                              std::ostream& progress) {
  check(config);
  const RunInputs inputs = load_run_inputs(config.data, config.output.device, resume);
  GeneratorTrainer trainer(config, inputs);

  std::optional<std::int64_t> resumed;
  if (resume) {
    const auto checkpoint = RunFolder::open(*resume).latest_checkpoint();
    if (checkpoint) trainer.load(*checkpoint);
    resumed = trainer.steps_done();
  }
  const RunFolder run = resume ? RunFolder::open(*resume) : RunFolder::create(out_folder(config));
  if (!resume) {
    save_split(run.split(), inputs.split);
    run.write_config(config_text);
  }
  introduce(config, inputs, trainer, run, resumed, out);

  RunLog log(run, config.steps, config.batch, resumed, progress);
  Reporter report(log, run, trainer, inputs.dataset.train.height);
  GeneratorResult result;
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
  } else if (!report.last_samples().empty()) {
    fmt::print(out, "hybrids of test images: {}\n", report.last_samples().string());
  }
  return result;
}

}  // namespace scimix

#include "trainers/generator_run.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "core/device.hpp"
#include "data/image_io.hpp"
#include "report/run_report.hpp"
#include "trainers/generator_trainer.hpp"
#include "trainers/run_inputs.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kColumns = 4;  // x_c, x_r, reconstruction, hybrid

std::filesystem::path out_folder(const GeneratorRunConfig& config) {
  if (!config.output.out.empty()) return config.output.out;
  return std::filesystem::path("runs") / fmt::format("{}-generator-{}-{}", config.data.dataset,
                                                     name_of(config.variant), config.seed);
}

// What a generator run says of itself while it trains.
class Reporter {
 public:
  // `draws`: writes sample grids.
  Reporter(RunLog& log, const RunFolder& run, GeneratorTrainer& trainer, std::int64_t image_size,
           bool draws)
      : log_(log), run_(run), trainer_(trainer), image_size_(image_size), draws_(draws) {}

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
    log_.show(trainer_.steps_done(), {{"rec", of(Term::reconstruction)},
                                      {"class+", of(Term::class_plus)},
                                      {"D", of(Term::critic_real)},
                                      {"train", found.train_accuracy}});
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
    if (!draws_) return;
    const auto path = run_.samples() / fmt::format("step-{:08}.png", step);
    write_grid(path, trainer_.samples(), image_size_, image_size_, kColumns,
               /*scale=*/image_size_ < 64 ? 3 : 1);
    log_.image(step, "samples", path);
    last_samples_ = path;
    last_evaluation_ = e;
  }

  // Of the last evaluation; empty before the first.
  [[nodiscard]] const std::filesystem::path& last_samples() const { return last_samples_; }
  [[nodiscard]] const std::optional<GeneratorEvaluation>& last_evaluation() const {
    return last_evaluation_;
  }

 private:
  RunLog& log_;
  const RunFolder& run_;
  GeneratorTrainer& trainer_;
  std::int64_t image_size_;
  bool draws_;
  std::filesystem::path last_samples_;
  std::optional<GeneratorEvaluation> last_evaluation_;
};

void introduce(const GeneratorRunConfig& config, const RunInputs& inputs,
               const GeneratorTrainer& trainer, std::ostream& out) {
  const auto count = [](const ParameterStore& store) { return store.parameter_count(); };
  fmt::print(out, "{}: {} training images of {}x{} ({} labelled), {} test images, {} classes\n",
             config.data.dataset, inputs.dataset.train.count, inputs.dataset.train.height,
             inputs.dataset.train.width, inputs.split.labeled.size(), inputs.dataset.test.count,
             inputs.dataset.classes());
  fmt::print(out, "parameters: E_c and C {}, E_r {}, G {}, D {}; {} on {}\n",
             count(trainer.networks().semantic_encoder().parameters()),
             count(trainer.networks().scene_encoder().parameters()),
             count(trainer.networks().generator().parameters()),
             count(trainer.critic().parameters()), name_of(config.precision),
             describe(inputs.device));
  fmt::print(out, "variant {}, L_S by {}\n", name_of(config.variant),
             trainer.uses_mean_teacher() ? "cross-entropy and Mean Teacher" : "cross-entropy");
  if (const std::string note = scale_note(config.scale); !note.empty()) {
    fmt::print(out, "{}\n", note);
  }
}

// What the run's report.html shows.
void write_run_report(const GeneratorRunConfig& config, const RunInputs& inputs,
                      const RunRequest& request, const RunFolder& run, const Reporter& last) {
  RunReport report;
  report.title = fmt::format("SciMix generator on {}, {} labels", inputs.dataset.name,
                             inputs.split.labeled.size());
  report.command = request.command;
  if (const std::string note = scale_note(config.scale); !note.empty()) report.notes = {note};
  if (const auto& e = last.last_evaluation()) {
    report.figures = {
        {"C is right on test images", fmt::format("{:.1f}%", 100.0 * e->classifier.accuracy)},
        {"C sees the class of x_c in hybrids", fmt::format("{:.1f}%", 100.0 * e->transfer.s_c())},
        {"s_r", fmt::format("{:.3f}", e->transfer.s_r())},
        {"Reconstruction error", fmt::format("{:.3f}", e->reconstruction)}};
  }
  report.figures.emplace_back("Variant", std::string(name_of(config.variant)));
  report.figures.emplace_back("Device", describe(inputs.device));
  report.charts = {
      {"Evaluation", {"test_accuracy", "own_s_c", "s_r", "train_accuracy"}, "%", true},
      {"Reconstruction", {"reconstruction", "test_reconstruction"}, "", false},
      {"Critic", {"critic_real", "critic_rec", "critic_hyb", "adv_rec", "adv_hyb"}, "", false},
      {"Hybridisation", {"class_plus", "cont_plus", "class_minus", "cont_minus"}, "", false},
      {"L_S", {"supervised", "consistency"}, "", false}};
  if (!last.last_samples().empty()) {
    report.pictures = {
        {"Content, scene, reconstruction of the scene, hybrid: test images", last.last_samples()}};
  }
  write_report(run, report);
}

}  // namespace

GeneratorResult run_generator(const GeneratorRunConfig& config, const RunRequest& request,
                              const RunStreams& streams) {
  check(config);
  const RunInputs inputs =
      load_run_inputs(config.data, config.ranks, config.output.device, request);
  Comm& ranks = *inputs.ranks;
  GeneratorTrainer trainer(config, inputs);
  const std::optional<std::int64_t> resumed = resume(trainer, request);
  const RunFolder run = run_folder(request, out_folder(config), ranks);
  if (!request.resume && ranks.is_first()) {
    save_split(run.split(), inputs.split);
    run.write_config(request.config_text);
  }
  std::ostream& out = streams.out;
  introduce(config, inputs, trainer, out);
  introduce_folder(run, resumed, ranks, out);

  RunLog log = ranks.is_first() ? RunLog(run, config.steps, config.batch, resumed, streams.progress)
                                : RunLog();
  Reporter report(log, run, trainer, inputs.dataset.train.height, ranks.is_first());
  GeneratorResult result;
  result.interrupted = train(trainer, report, log, run, config.steps, config.output, ranks, out);
  result.steps = trainer.steps_done();
  if (result.interrupted || !ranks.is_first()) return result;
  if (const auto samples = report.last_samples(); !samples.empty()) {
    fmt::print(out, "hybrids of test images: {}\n", samples.string());
  }
  write_run_report(config, inputs, request, run, report);
  fmt::print(out, "report {}\n", (run.path() / "report.html").string());
  return result;
}

}  // namespace scimix

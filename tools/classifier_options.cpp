#include "tools/classifier_options.hpp"

#include "tools/run_options.hpp"

namespace scimix {

void add_classifier_options(CLI::App& app, ClassifierConfig& c) {
  use_setting_defaults(app);
  app.add_option("--method", c.method, "supervised")->group("Method");
  add_data_options(app, c.data);
  add_encoder_options(app, c.model);

  const std::string training = "Training";
  app.add_option("--steps", c.steps, "length of the run")->group(training);
  app.add_option("--batch", c.batch, "images per step")->group(training);
  add_sgd_options(app, c.sgd, training);
  app.add_option("--ema-decay", c.ema_decay, "of the averaged model, which is evaluated")
      ->group(training);
  app.add_option("--seed", c.seed, "initial weights, order of images, augmentation")
      ->group(training)
      ->check(whole_seed());
  app.add_option("--precision", c.precision, "f32, bf16 (activations)")->group(training);
  add_output_options(app, c.output, "runs/DATASET-METHOD-SEED");
}

}  // namespace scimix

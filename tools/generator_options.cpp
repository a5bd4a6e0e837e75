#include "tools/generator_options.hpp"

#include <fmt/format.h>

#include "tools/run_options.hpp"

namespace scimix {

namespace {

struct WeightOption {
  const char* name;
  double LossWeights::*member;
  const char* help;
};

constexpr std::array<WeightOption, 8> kWeightOptions{{
    {"--weight-rec", &LossWeights::reconstruction, "reconstruction"},
    {"--weight-adv", &LossWeights::adversarial, "critic on reconstructions and on hybrids"},
    {"--weight-semantic", &LossWeights::semantic, "L_S"},
    {"--weight-class-plus", &LossWeights::class_plus, "logits like the semantic parent's"},
    {"--weight-cont-plus", &LossWeights::cont_plus, "z_r like the scene parent's"},
    {"--weight-class-minus", &LossWeights::class_minus, "logits unlike the scene parent's"},
    {"--weight-cont-minus", &LossWeights::cont_minus, "z_r unlike the semantic parent's"},
    {"--encoder-grad", &LossWeights::encoder_grad,
     "share of the generator's losses that reaches E_c through the generation path"},
}};

void add_network_options(CLI::App& app, GeneratorRunConfig& c) {
  const std::string g = "Generator";
  app.add_option("--g-channels", c.g_channels, "at full resolution; doubled per halving")->group(g);
  app.add_option("--g-max-channels", c.g_max_channels, "at most")->group(g);
  app.add_option("--noise", c.noise, "StyleGAN2's noise per pixel: true, false")->group(g);
  const std::string d = "Discriminator";
  app.add_option("--d-channels", c.d_channels, "at full resolution; doubled per halving")->group(d);
  app.add_option("--d-max-channels", c.d_max_channels, "at most")->group(d);
  add_choice(app, "--d-arch", c.d_arch, "orig, resnet")->group(d);
  app.add_option("--minibatch-std", c.minibatch_std, "images per group; 0: off")->group(d);
}

void add_loss_options(CLI::App& app, GeneratorRunConfig& c) {
  const std::string group = "Losses";
  add_choice(app, "--preset", c.preset, "default weights: tuned, paper (all 1, minus terms 0.1)")
      ->group(group);
  for (const WeightOption& option : kWeightOptions) {
    app.add_option(option.name, c.weights.*option.member, option.help)->group(group);
  }
  add_choice(app, "--rec-norm", c.reconstruction_norm, "rms, mse, l1")->group(group);
  app.add_option("--class-minus-cap", c.class_minus_cap, "distances beyond are not enlarged")
      ->group(group);
  app.add_option("--cont-minus-cap", c.cont_minus_cap, "likewise")->group(group);
  add_choice(app, "--semantic-loss", c.semantic_loss,
             "auto (Mean Teacher where images are unlabelled), cross-entropy, mean-teacher")
      ->group(group);
  app.add_option("--consistency-weight", c.consistency_weight, "Mean Teacher, after its ramp")
      ->group(group);
  app.add_option("--consistency-ramp", c.consistency_ramp, "share of the steps")->group(group);
  app.add_option("--r1-gamma", c.r1_gamma,
                 "below 0: 0.01 up to 32 pixels, 0.0002 R^2 / batch above")
      ->group(group);
  app.add_option("--r1-every", c.r1_every, "steps; 0: never")->group(group);
}

void add_training_options(CLI::App& app, GeneratorRunConfig& c) {
  const std::string group = "Training";
  app.add_option("--steps", c.steps, "length of the run")->group(group);
  app.add_option("--batch", c.batch, "images per step")->group(group);
  add_sgd_options(app, c.sgd, group);
  app.add_option("--adam-learning-rate", c.adam_learning_rate, "G, E_r, D")->group(group);
  app.add_option("--adam-beta1", c.adam_beta1, "")->group(group);
  app.add_option("--adam-beta2", c.adam_beta2, "")->group(group);
  app.add_option("--adam-eps", c.adam_eps, "")->group(group);
  app.add_option("--ema-decay", c.ema_decay, "of the averaged networks, which make hybrids")
      ->group(group);
  app.add_option("--seed", c.seed, "initial weights, order of images, augmentation, pairs")
      ->group(group)
      ->check(whole_seed());
  add_precision_option(app, c.precision, group);
}

}  // namespace

void add_generator_options(CLI::App& app, GeneratorRunConfig& c) {
  use_setting_defaults(app);
  add_choice(app, "--variant", c.variant,
             "full, no-hyb, basic-hyb, unfrozen, structural-zc (the paper's Table IV)")
      ->group("Method");
  add_choice(app, "--scale", c.scale, "cpu: smaller networks, smaller batches, fewer steps")
      ->group("Method");
  add_data_options(app, c.data);
  app.add_option("--unlabeled-includes-labeled", c.unlabeled_includes_labeled,
                 "the unlabelled images are all images: true, false")
      ->group("Data");
  add_encoder_options(app, c.encoder);
  add_network_options(app, c);
  add_loss_options(app, c);
  add_training_options(app, c);
  add_graph_options(app, c.graphs);
  add_rank_options(app, c.ranks);
  const std::string output = "Output";
  app.add_option("--sample-pairs", c.sample_pairs, "rows of the sample grids")->group(output);
  app.add_option("--eval-pairs", c.eval_pairs, "pairs of test images mixed at an evaluation")
      ->group(output);
  add_output_options(app, c.output, "runs/DATASET-generator-VARIANT-SEED");
}

void apply_preset(CLI::App& app, GeneratorRunConfig& config) {
  const LossWeights preset = preset_weights(config.preset);
  for (const WeightOption& option : kWeightOptions) {
    CLI::Option* const given = app.get_option(option.name);
    if (given->count() > 0) continue;
    config.weights.*option.member = preset.*option.member;
    given->default_str(fmt::format("{}", preset.*option.member));
  }
}

}  // namespace scimix

// The table of a generator's settings.
#include "settings/run_kinds.hpp"
#include "settings/shared_settings.hpp"

namespace scimix {

namespace {

using Table = SettingTable<GeneratorRunConfig>;

constexpr const char* kWeightGroup = "Loss weights";

void add_network_settings(Table& t) {
  const SettingRange channels{.least = 1, .most = 8192};
  const SettingAdder g(t, "Generator");
  g.advanced("g-channels",
             "Channels at full resolution. Each halving of the resolution doubles them.", channels,
             SCIMIX_FIELD(g_channels));
  g.advanced("g-max-channels", "Largest number of channels of the generator.", channels,
             SCIMIX_FIELD(g_max_channels));
  g.advanced(
      "noise",
      "Adds StyleGAN2's per-pixel noise in training. Trained generators make hybrids without "
      "noise.",
      SCIMIX_FIELD(noise));
  const SettingAdder d(t, "Discriminator");
  d.advanced("d-channels",
             "Channels at full resolution. Each halving of the resolution doubles them.", channels,
             SCIMIX_FIELD(d_channels));
  d.advanced("d-max-channels", "Largest number of channels of the discriminator.", channels,
             SCIMIX_FIELD(d_max_channels));
  d.advanced("d-arch",
             "Architecture of StyleGAN2's discriminator: orig, or resnet with skip connections.",
             SCIMIX_FIELD(d_arch));
  d.advanced(
      "minibatch-std",
      "Images per group of the minibatch standard deviation, a divisor of --batch; 0 switches "
      "it off.",
      {.least = 0}, SCIMIX_FIELD(minibatch_std));
}

void add_weight_settings(Table& t) {
  const SettingAdder group(t, kWeightGroup);
  group.advanced(
      "preset",
      "Default weights: tuned (found in small experiments), or paper (all weights 1, except 0.1 "
      "for the two losses that are maximised; no guide).",
      SCIMIX_FIELD(preset));
  const auto weight = [&](const char* name, const char* help, auto field) {
    group.advanced(name, help, {.least = 0}, field);
  };
  weight("weight-rec", "Weight of the reconstruction loss.", SCIMIX_FIELD(weights.reconstruction));
  weight("weight-adv", "Weight of the adversarial losses on reconstructions and on hybrids.",
         SCIMIX_FIELD(weights.adversarial));
  weight("weight-semantic",
         "Weight of the classification loss L_S that trains the semantic encoder.",
         SCIMIX_FIELD(weights.semantic));
  weight("weight-class-plus",
         "Weight of the distance between the logits of a hybrid and of its content.",
         SCIMIX_FIELD(weights.class_plus));
  weight("weight-cont-plus",
         "Weight of the distance between the scene codes of a hybrid and of its scene.",
         SCIMIX_FIELD(weights.cont_plus));
  weight("weight-class-minus",
         "Weight of the distance between the logits of a hybrid and of its scene, which is "
         "maximised.",
         SCIMIX_FIELD(weights.class_minus));
  weight("weight-cont-minus",
         "Weight of the distance between the scene codes of a hybrid and of its content, which is "
         "maximised.",
         SCIMIX_FIELD(weights.cont_minus));
  group.advanced("encoder-grad",
                 "Factor on the gradient that the semantic encoder receives from the losses on "
                 "reconstructions and hybrids.",
                 {.least = 0, .most = 1}, SCIMIX_FIELD(weights.encoder_grad));
}

void add_guide_settings(Table& t) {
  const SettingAdder group(t, "Guide");
  group.everyday(
      "guide",
      "Run folder of scimix_train classifier, from whose averaged network (EMA) the semantic "
      "encoder and its classifier start. It must have been trained on the same data, labels and "
      "split.",
      SCIMIX_FIELD(guide.run), SettingType::path);
  group.everyday(
      "guide-steps",
      "Number of steps for which such a classifier is trained first, by --semantic-loss, in the "
      "subfolder guide of the run; 0 trains none. The generator can learn to swap classes only "
      "as far as its encoder recognises them. With --scale cpu the default is 8000, or "
      "16000 if --semantic-loss is fixmatch.",
      {.least = 0, .most = 2e9}, SCIMIX_FIELD(guide.steps));
  const SettingAdder changeable(t, "Guide", OnResume::changes_training);
  changeable.advanced(
      "guided-learning-rate",
      "Learning rate of the semantic encoder after a guide, instead of --learning-rate; 0 keeps "
      "the encoder as the guide is.",
      {.least = 0}, SCIMIX_FIELD(guide.semantic_learning_rate));
}

void add_loss_settings(Table& t) {
  const SettingAdder group(t, "Losses");
  group.advanced(
      "rec-norm",
      "Distance between an image and its reconstruction: root mean square (rms), mean square "
      "(mse) or mean absolute difference (l1).",
      SCIMIX_FIELD(reconstruction_norm));
  group.advanced("class-minus-cap",
                 "Distance between logits beyond which --weight-class-minus has no effect.",
                 {.least = 0}, SCIMIX_FIELD(class_minus_cap));
  group.advanced("cont-minus-cap",
                 "Distance between scene codes beyond which --weight-cont-minus has no effect.",
                 {.least = 0}, SCIMIX_FIELD(cont_minus_cap));
  group.everyday(
      "semantic-loss",
      "Loss that trains the semantic encoder, in the guide's run and together with the generator. "
      "auto is mean-teacher if some training images have no label, otherwise cross-entropy.",
      SCIMIX_FIELD(semantic_loss));
  group.advanced("consistency-weight",
                 "For Mean Teacher: weight of the consistency loss at the end of its ramp.",
                 {.least = 0}, SCIMIX_FIELD(consistency_weight));
  group.advanced(
      "consistency-ramp",
      "Fraction of the steps in which that weight grows to its full value. After a guide, the "
      "generator's run has the full weight from the first step.",
      {.least = 0, .most = 1}, SCIMIX_FIELD(consistency_ramp));
  group.advanced(
      "r1-gamma",
      "Factor of the R1 penalty for images of R x R pixels. A value below 0 means 0.01 if R is "
      "at most 32, otherwise 0.0002 R^2 / batch.",
      SCIMIX_FIELD(r1_gamma));
  group.advanced("r1-every", "Steps between two R1 penalties; 0 switches them off.",
                 {.least = 0, .most = 2e9}, SCIMIX_FIELD(r1_every));
}

void add_training_settings(Table& t) {
  const SettingAdder group(t, "Training");
  const SettingAdder changeable(t, "Training", OnResume::changes_training);
  add_length_settings(t);
  group.everyday(
      "batch",
      "Images per step that are reconstructed and mixed with each other, and labelled images "
      "per step.",
      {.least = 2, .most = 100'000}, SCIMIX_FIELD(batch));
  add_unlabeled_batch_setting(t);
  add_sgd_settings(t);
  changeable.advanced(
      "adam-learning-rate",
      "Learning rate of Adam, which trains the generator, the discriminator and the scene "
      "encoder.",
      {.least = 0}, SCIMIX_FIELD(adam.learning_rate));
  // Not changeable: Adam's correction of its first steps assumes that they had the same decays.
  group.advanced("adam-beta1", "Adam's decay of the running mean of gradients.",
                 {.least = 0, .most = 0.9999}, SCIMIX_FIELD(adam.beta1));
  group.advanced("adam-beta2", "Adam's decay of the running mean of squared gradients.",
                 {.least = 0, .most = 0.999999}, SCIMIX_FIELD(adam.beta2));
  changeable.advanced(
      "adam-eps", "Constant that Adam adds to the root of the running mean of squared gradients.",
      {.least = 1e-30}, SCIMIX_FIELD(adam.eps));
  group.advanced(
      "ema-decay",
      "Decay per step of the averaged networks (EMA), which make hybrids. Short runs need a "
      "smaller decay: 0.995 for a few thousand steps.",
      {.least = 0, .most = 1}, SCIMIX_FIELD(ema_decay));
  add_seed_and_precision_settings(t);
}

Table make_table() {
  Table t;
  const SettingAdder method(t, "Method");
  method.everyday("variant",
                  "Variant of the generator's losses: full, or a variant of the paper's Table IV, "
                  "explained in docs/method.md, section 4.7.",
                  SCIMIX_FIELD(variant));
  add_scale_setting(t);
  add_data_settings(t);
  add_encoder_settings(t, SCIMIX_FIELD(encoder));
  add_guide_settings(t);
  add_network_settings(t);
  add_weight_settings(t);
  add_loss_settings(t);
  add_fixmatch_settings(t);
  add_training_settings(t);
  add_graph_and_rank_settings(t);
  const SettingAdder output(t, "Output", OnResume::may_change);
  output.advanced("sample-pairs",
                  "Number of pairs in each picture of samples, which has at most 1000.",
                  {.least = 1}, SCIMIX_FIELD(sample_pairs));
  output.advanced("eval-pairs", "Number of pairs of test images that an evaluation mixes.",
                  {.least = 1}, SCIMIX_FIELD(eval_pairs));
  add_output_settings(t, "runs/DATASET-generator-VARIANT-SEED");
  return t;
}

SettingBundle preset(const SettingValues& values) {
  GeneratorRunConfig config = generator_table().config(values);
  config.weights = preset_weights(config.preset);
  const SettingValues weighted = generator_table().values(config);
  SettingBundle bundle;
  for (std::size_t i = 0; i < weighted.size(); ++i) {
    const Setting& setting = generator_table().settings()[i];
    if (setting.group != kWeightGroup || setting.name == "preset") continue;
    bundle.emplace_back(setting.name, text_of(weighted[i]));
  }
  // The paper trains all networks together, without a guide. A run with --guide trains no other
  // guide.
  if (config.preset == WeightPreset::paper || !config.guide.run.empty()) {
    bundle.emplace_back("guide-steps", "0");
  }
  return bundle;
}

// Scale cpu sets networks, batch and number of steps, and the settings that depend on the number of
// steps: decays of averages, learning rates, and intervals.
SettingBundle cpu_scale(const SettingValues& values) {
  SettingBundle bundle{{"depth", "10"},
                       {"width", "1"},
                       {"norm-momentum", "0.05"},
                       {"g-channels", "32"},
                       {"g-max-channels", "64"},
                       {"d-channels", "32"},
                       {"d-max-channels", "64"},
                       {"steps", "3000"},
                       {"batch", "32"},
                       {"unlabeled-batch", "32"},
                       {"adam-learning-rate", "4e-3"},
                       {"ema-decay", "0.995"},
                       {"log-every", "50"},
                       {"eval-every", "500"},
                       {"checkpoint-every", "500"}};
  const GeneratorRunConfig config = generator_table().config(values);
  if (config.preset != WeightPreset::paper) bundle.emplace_back("weight-class-plus", "0.25");
  if (config.guide.steps > 0) {
    // On SVHN, FixMatch still gained after 8,000 steps (docs/results/guided-generators.md).
    const bool fixmatch = config.semantic_loss == SemanticLoss::fixmatch;
    bundle.emplace_back("guide-steps", fixmatch ? "16000" : "8000");
  }
  return bundle;
}

}  // namespace

const SettingTable<GeneratorRunConfig>& generator_table() {
  static const Table table = make_table();
  return table;
}

const RunKind& generator_kind() {
  static const RunKind kind{
      .name = "generator",
      .summary = "Trains SciMix's generator: the class of one image in the scene of another.",
      .settings = generator_table().settings(),
      .defaults = generator_table().values({}),
      .preset = preset,
      .cpu_scale = cpu_scale,
      .scaled_folders = {},
      .values_before = {{"guide-steps", "0"}}};
  return kind;
}

}  // namespace scimix

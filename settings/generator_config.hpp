// Every setting of a generator run. Where the paper is silent, the value is a choice and named
// here.
#pragma once

#include "settings/classifier_config.hpp"

namespace scimix {

// The weights of the losses (Sun et al. 2022, L_gen = L_AE + L_S + L_hyb).
struct LossWeights {
  double reconstruction = 5;
  double adversarial = 0.1;  // of G, on reconstructions and on hybrids
  double semantic = 1;       // L_S
  double class_plus = 1;
  double cont_plus = 1;
  double class_minus = 0.03;
  double cont_minus = 0.03;
  double encoder_grad = 0.1;  // share of G's losses that reaches E_c through the generation path
};

// The classifier that E_c and C start from.
struct GuideSettings {
  std::string run;                       // of scimix_train classifier; empty: none
  std::int64_t steps = 65536;            // of L_S alone, before the generator's; 0: none
  double semantic_learning_rate = 3e-3;  // of E_c and C after a guide; 0: they stay as they are
};

struct GeneratorRunConfig {
  Variant variant = Variant::full;
  WeightPreset preset = WeightPreset::tuned;  // default loss weights
  RunScale scale = RunScale::full;
  DataSettings data;
  bool unlabeled_includes_labeled = true;

  EncoderSettings encoder;
  // G: channels at full resolution, doubled with each halving up to the largest.
  std::int64_t g_channels = 128;
  std::int64_t g_max_channels = 256;
  bool noise = false;
  // D likewise.
  std::int64_t d_channels = 128;
  std::int64_t d_max_channels = 256;
  DiscriminatorArch d_arch = DiscriminatorArch::orig;
  std::int64_t minibatch_std = 0;  // size of a group; 0: off

  GuideSettings guide;
  LossWeights weights;
  ReconstructionNorm reconstruction_norm = ReconstructionNorm::rms;
  double class_minus_cap = 5;  // distances beyond are not enlarged
  double cont_minus_cap = 1;
  SemanticLoss semantic_loss = SemanticLoss::automatic;  // by labels
  double consistency_weight = 50;                        // Mean Teacher, at the end of its ramp
  double consistency_ramp = 0.4;                         // share of the steps
  FixMatchSettings fixmatch;
  double r1_gamma = -1;        // below 0: 0.01 up to 32 pixels, 0.0002 R^2 / batch above
  std::int64_t r1_every = 16;  // steps; 0: no R1

  std::int64_t steps = 131072;
  std::int64_t batch = 64;
  std::int64_t unlabeled_batch = 0;  // of L_S; 0: batch (mean-teacher), 7 batch (fixmatch)
  SgdSettings sgd;                   // E_c and C
  double adam_learning_rate = 2e-3;  // G, E_r, D
  double adam_beta1 = 0;
  double adam_beta2 = 0.99;
  double adam_eps = 1e-8;
  double ema_decay = 0.999;  // G, E_r, E_c, C
  std::uint64_t seed = 0;
  Precision precision = Precision::f32;

  std::int64_t sample_pairs = 10;  // rows of the sample grids
  std::int64_t eval_pairs = 1000;  // pairs of test images mixed at an evaluation
  RankSettings ranks;
  GraphSettings graphs;
  OutputSettings output;
};

// E_c and C start from a trained classifier.
[[nodiscard]] bool has_guide(const GeneratorRunConfig& config);
// E_c and C stay as the guide left them.
[[nodiscard]] bool freezes_semantic_encoder(const GeneratorRunConfig& config);
// Returns the method of L_S. `all_labeled`: every training image has its label.
[[nodiscard]] Method semantic_method(const GeneratorRunConfig& config, bool all_labeled);
// Returns the settings of a classifier that learns by L_S alone, on the data of the generator's run
// and for the steps of its guide.
[[nodiscard]] ClassifierConfig semantic_classifier(const GeneratorRunConfig& config, Method method);

// The weights of a preset. `paper`: all 1 as printed, the terms that are maximised 0.1 (with weight
// 1 they have no bound). `tuned`: found at small scale.
[[nodiscard]] LossWeights preset_weights(WeightPreset preset);

// Throws a user error for the first setting that is out of its range.
void check(const GeneratorRunConfig& config);

}  // namespace scimix

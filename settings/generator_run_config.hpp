// All settings of a generator run, with their defaults. docs/method.md, section 10, says which
// defaults are not from the paper.
#pragma once

#include "losses/hybridization.hpp"
#include "models/discriminator.hpp"
#include "models/generator.hpp"
#include "settings/classifier_config.hpp"

namespace scimix {

// The weights of the losses (Sun et al. 2022, L_gen = L_AE + L_S + L_hyb).
struct LossWeights {
  double reconstruction = 5;
  double adversarial = 0.1;  // of adv_rec and of adv_hyb
  double semantic = 1;       // L_S
  double class_plus = 1;
  double cont_plus = 1;
  double class_minus = 0.03;
  double cont_minus = 0.03;
  double encoder_grad = 0.1;  // factor on the gradient of L_AE and L_hyb that reaches E_c
};

// The guide: a trained classifier from which E_c and C start.
struct GuideSettings {
  std::string run;                       // its run folder; empty: see steps
  std::int64_t steps = 65536;            // train a guide first for this number of steps; 0: none
  double semantic_learning_rate = 3e-3;  // of E_c and C after a guide; 0: they do not learn
};

struct GeneratorRunConfig {
  Variant variant = Variant::full;
  WeightPreset preset = WeightPreset::tuned;  // default loss weights
  RunScale scale = RunScale::full;
  DataSettings data;
  bool unlabeled_includes_labeled = true;

  EncoderSettings encoder;
  // Channels of G at full resolution, doubled with each halving of the resolution up to the
  // maximum.
  std::int64_t g_channels = GeneratorConfig{}.base_channels;
  std::int64_t g_max_channels = GeneratorConfig{}.max_channels;
  bool noise = GeneratorConfig{}.noise;
  // The same numbers for D.
  std::int64_t d_channels = DiscriminatorConfig{}.base_channels;
  std::int64_t d_max_channels = DiscriminatorConfig{}.max_channels;
  DiscriminatorArch d_arch = DiscriminatorConfig{}.arch;
  std::int64_t minibatch_std = DiscriminatorConfig{}.minibatch_std;  // size of a group; 0: off

  GuideSettings guide;
  LossWeights weights;
  ReconstructionNorm reconstruction_norm = ReconstructionNorm::rms;
  double class_minus_cap = HybridizationCaps{}.class_minus;  // a larger distance has no gradient
  double cont_minus_cap = HybridizationCaps{}.cont_minus;
  SemanticLoss semantic_loss = SemanticLoss::automatic;
  // Mean Teacher: the weight at the end of the ramp, and the ramp's length as a fraction of the
  // steps.
  double consistency_weight = ConsistencySettings{}.weight;
  double consistency_ramp = ConsistencySettings{}.ramp;
  FixMatchSettings fixmatch;
  double r1_gamma = -1;        // below 0: see GeneratorObjective::r1_gamma
  std::int64_t r1_every = 16;  // steps; 0: no R1

  std::int64_t steps = 131072;
  std::int64_t batch = 64;
  std::int64_t unlabeled_batch = 0;  // of L_S; 0: batch (mean-teacher), 7 batch (fixmatch)
  SgdSettings sgd;                   // E_c and C
  AdamSettings adam;
  double ema_decay = 0.999;  // G, E_r, E_c, C
  std::uint64_t seed = 0;
  Precision precision = Precision::f32;

  std::int64_t sample_pairs = 10;  // rows of the sample grids
  std::int64_t eval_pairs = 1000;  // pairs of test images mixed at an evaluation
  RankSettings ranks;
  GraphSettings graphs;
  OutputSettings output;
};

// Returns whether E_c and C start from a guide.
[[nodiscard]] bool has_guide(const GeneratorRunConfig& config);
// Returns whether E_c and C keep the parameters of the guide.
[[nodiscard]] bool freezes_semantic_encoder(const GeneratorRunConfig& config);
// Returns the method of L_S. `all_labeled` says whether all training images are labelled.
[[nodiscard]] Method semantic_method(const GeneratorRunConfig& config, bool all_labeled);
// Returns the settings of a classifier whose loss is L_S, on the data of the generator's run and
// with the number of steps of its guide.
[[nodiscard]] ClassifierConfig semantic_classifier(const GeneratorRunConfig& config, Method method);

// Returns the weights of a preset. `paper` has weight 1 for all terms, as printed, except 0.1 for
// the terms that are maximised (class_minus and cont_minus), and encoder_grad 0.1. `tuned` was
// found in small experiments.
[[nodiscard]] LossWeights preset_weights(WeightPreset preset);

// Checks that at least one loss that this variant computes has a weight above 0. Errors (user):
// none has.
void check_loss_weights(const GeneratorRunConfig& config);

// Checks all settings. Errors (user): a setting outside its range, or settings that contradict each
// other.
void check(const GeneratorRunConfig& config);

}  // namespace scimix

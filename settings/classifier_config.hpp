// All settings of a classifier run, with their defaults. docs/method.md, section 10, says which
// defaults are not from the paper.
#pragma once

#include "settings/settings.hpp"

namespace scimix {

// Which hybrids a classifier sees, and their loss (Sun et al. 2022, section III.C; Tables II and
// V).
struct HybridSettings {
  MixerKind mixer = MixerKind::none;
  std::string generator;           // run folder or checkpoint of scimix_train generator
  std::string generator_config;    // configuration file for training it, if it does not exist
  bool allow_other_split = false;  // permit a generator trained with other images or labels
  HybridUse use = HybridUse::contradict;
  double alpha = 0.9;        // weight of x_c's prediction in the target; not for mixup and cutmix
  double weight = -1;        // of the loss; below 0: see hybrid_weight
  bool filter = true;        // scimix: use only hybrids to which C assigns the class of x_c
  double mixup_alpha = 1.0;  // MixUp's mixing weight is drawn from Beta(a, a)
  double fda_band = 0.05;    // largest exchanged frequency, as a fraction of the image's side
};

// Mean Teacher's consistency term. The ramp also applies to the weight of hybrids without labels.
struct ConsistencySettings {
  double weight = WeightRamp{}.highest;  // at the end of the ramp
  double ramp = WeightRamp{}.share;      // length, as a fraction of the steps
  RampShape ramp_shape = WeightRamp{}.shape;
};

struct ClassifierConfig {
  Method method = Method::supervised;
  MethodPreset preset = MethodPreset::a;  // only for Mean Teacher
  RunScale scale = RunScale::full;
  DataSettings data;
  bool unlabeled_includes_labeled = true;
  EncoderSettings model;
  InitFrom init_from = InitFrom::scratch;  // generator: start from its E_c and C

  std::int64_t steps = 65536;
  std::int64_t batch = 64;           // labelled images
  std::int64_t unlabeled_batch = 0;  // 0: batch (mean-teacher), 7 batch (fixmatch)
  NormStatistics norm_statistics = NormStatistics::automatic;  // joint for FixMatch
  double supervised_weight = 1;
  double input_noise = 0;  // standard deviation of noise on the input of student and teacher
  ConsistencySettings consistency;
  FixMatchSettings fixmatch;
  HybridSettings hybrids;

  OptimizerKind optimizer = OptimizerKind::sgd;
  SgdSettings sgd;           // adam uses only the learning rate
  double ramp_up = 0.267;    // adam: fraction of the steps in which the learning rate grows
  double ramp_down = 0.167;  // adam: fraction at the end in which the learning rate falls
  double ema_decay = 0.999;
  double early_ema_decay = -1;  // adam: while the learning rate grows; below 0: ema_decay
  std::uint64_t seed = 0;
  Precision precision = Precision::f32;

  RankSettings ranks;
  GraphSettings graphs;
  OutputSettings output;
};

// Checks all settings. Errors (user): a setting outside its range, or settings that contradict each
// other.
void check(const ClassifierConfig& config);

// Return whether the run uses unlabelled images, hybrids, and a trained generator (for hybrids or
// for the initial weights).
[[nodiscard]] bool uses_unlabeled(const ClassifierConfig& config);
[[nodiscard]] bool uses_hybrids(const ClassifierConfig& config);
[[nodiscard]] bool uses_generator(const ClassifierConfig& config);
// Returns the number of unlabelled images of a step; 0 for supervised.
[[nodiscard]] std::int64_t unlabeled_rows(const ClassifierConfig& config);
// Returns whether batch norm computes its statistics over all images of a step, not separately for
// each part of the batch.
[[nodiscard]] bool joint_statistics(const ClassifierConfig& config);
// Returns whether the target of a hybrid is a label, not a mixture of predictions.
[[nodiscard]] bool labels_hybrids(const ClassifierConfig& config);
// Returns the weight of the loss on hybrids at the end of its ramp. A setting below 0 means 1 if
// hybrids have labels, otherwise the consistency weight.
[[nodiscard]] double hybrid_weight(const ClassifierConfig& config);

}  // namespace scimix

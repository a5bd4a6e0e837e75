// Every setting of a classifier run. Where the paper is silent, the value is a choice and named
// here.
#pragma once

#include "settings/settings.hpp"

namespace scimix {

// Says which hybrids a classifier sees, and what it learns from them (Sun et al. 2022, section
// III.C; Tables II and V).
struct HybridSettings {
  MixerKind mixer = MixerKind::none;
  std::string generator;           // scimix: run folder or checkpoint of scimix_train generator
  std::string generator_config;    // its settings, where it is still to be trained
  bool allow_other_split = false;  // a generator that was trained with other labels
  HybridUse use = HybridUse::contradict;
  double alpha = 0.9;        // share of x_c in the target; mixup and cutmix bring their own
  double weight = -1;        // below 0: that of consistency; 1 where hybrids have labels
  bool filter = true;        // scimix: drop hybrids whose class is not that of x_c
  double mixup_alpha = 1.0;  // MixUp's share is drawn from Beta(a, a)
  double fda_band = 0.05;    // share of the spectrum's side
};

// Mean Teacher, and the ramp of every weight that grows.
struct ConsistencySettings {
  double weight = 50;  // at the end of the ramp
  double ramp = 0.4;   // share of the steps
  RampShape ramp_shape = RampShape::linear;
};

struct ClassifierConfig {
  Method method = Method::supervised;
  MethodPreset preset = MethodPreset::a;  // of Mean Teacher
  RunScale scale = RunScale::full;
  DataSettings data;
  bool unlabeled_includes_labeled = true;
  EncoderSettings model;
  InitFrom init_from = InitFrom::scratch;  // generator: its E_c and C

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
  SgdSettings sgd;           // adam takes learning rate alone
  double ramp_up = 0.267;    // adam: share of the steps in which its learning rate grows
  double ramp_down = 0.167;  // adam: share at the end in which it falls
  double ema_decay = 0.999;
  double early_ema_decay = -1;  // adam: while the learning rate grows; below 0: ema_decay
  std::uint64_t seed = 0;
  Precision precision = Precision::f32;

  RankSettings ranks;
  GraphSettings graphs;
  OutputSettings output;
};

// Throws a user error for the first setting that is out of its range.
void check(const ClassifierConfig& config);

[[nodiscard]] bool uses_unlabeled(const ClassifierConfig& config);
[[nodiscard]] bool uses_hybrids(const ClassifierConfig& config);
[[nodiscard]] bool uses_generator(const ClassifierConfig& config);
// Images without labels in a step; 0 for supervised.
[[nodiscard]] std::int64_t unlabeled_rows(const ClassifierConfig& config);
// Batch norm takes its statistics from all images of a step, not from each kind of them.
[[nodiscard]] bool joint_statistics(const ClassifierConfig& config);
// Hybrids have a label each, not a mixture of predictions.
[[nodiscard]] bool labels_hybrids(const ClassifierConfig& config);
[[nodiscard]] double hybrid_weight(const ClassifierConfig& config);

}  // namespace scimix

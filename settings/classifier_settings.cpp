// The table of a classifier's settings.
#include <fmt/format.h>

#include <string>

#include "settings/run_kinds.hpp"
#include "settings/shared_settings.hpp"

namespace scimix {

namespace {

using Table = SettingTable<ClassifierConfig>;

void add_method_settings(Table& t) {
  const SettingAdder group(t, "Method");
  group.everyday(
      "method",
      "How the classifier learns. supervised uses only labelled images; mean-teacher and "
      "fixmatch also use unlabelled images.",
      SCIMIX_FIELD(method));
  group.advanced(
      "preset",
      "Default settings of mean-teacher: A are those of FixMatch's authors, B those of the "
      "original publication.",
      SCIMIX_FIELD(preset));
  add_scale_setting(t);
  group.advanced(
      "init-from",
      "Initial weights: scratch draws them at random, generator copies them from the semantic "
      "encoder and classifier of --generator (the paper's Table III).",
      SCIMIX_FIELD(init_from));
}

void add_hybrid_settings(Table& t) {
  const SettingAdder group(t, "Hybrids");
  const SettingAdder changeable(t, "Hybrids", OnResume::may_change);
  group.everyday(
      "mixer",
      "Mixer that makes the hybrids from which the classifier learns: SciMix's generator "
      "(scimix), or a mixer that it is compared with.",
      SCIMIX_FIELD(hybrids.mixer));
  changeable.everyday(
      "generator",
      "Run folder or checkpoint of scimix_train generator, for --mixer scimix and --init-from "
      "generator. {split}, {dataset} and {labels} in the path are replaced by the values of "
      "--split-seed, --dataset and --labels. A resumed run may give another path to the same "
      "generator.",
      SCIMIX_FIELD(hybrids.generator), SettingType::path);
  group.advanced(
      "generator-config",
      "Configuration file with which the generator is trained if the folder --generator does "
      "not exist. The same placeholders are replaced in its path.",
      SCIMIX_FIELD(hybrids.generator_config), SettingType::path);
  group.advanced(
      "allow-other-split",
      "Permits a generator that was trained with other images or labels. Its knowledge of these "
      "labels then leaks into the classifier.",
      SCIMIX_FIELD(hybrids.allow_other_split));
  group.advanced("hybrid-use",
                 "Target of a hybrid (the paper's Table V): contradict (a mixture of both parents' "
                 "predictions), consistency (the content's prediction; with mixup and cutmix the "
                 "same as contradict), pseudo (the content's label or predicted class) or labeled "
                 "(the content's label; only labelled contents). With --mixer scimix the default "
                 "is pseudo.",
                 SCIMIX_FIELD(hybrids.use));
  group.advanced(
      "alpha",
      "Weight of the content's prediction in the target of contradict. mixup and cutmix use the "
      "fraction of the content in the image instead.",
      {.least = 0.5, .most = 1, .least_is_excluded = true}, SCIMIX_FIELD(hybrids.alpha));
  group.advanced(
      "hybrid-weight",
      "Weight of the loss on hybrids. A value below 0 means --consistency-weight, or 1 if "
      "--hybrid-use is pseudo or labeled.",
      SCIMIX_FIELD(hybrids.weight));
  group.advanced(
      "hybrid-filter",
      "For scimix: uses only hybrids to which the generator's classifier assigns the class of "
      "the content.",
      SCIMIX_FIELD(hybrids.filter));
  group.advanced("mixup-alpha", "For mixup: mixing weights are drawn from Beta(a, a) with this a.",
                 {.least = 1e-3}, SCIMIX_FIELD(hybrids.mixup_alpha));
  group.advanced(
      "fda-band",
      "For fda: largest frequency whose amplitude is taken from the scene, as a fraction of the "
      "image's smaller side.",
      {.least = 0, .most = 0.4999}, SCIMIX_FIELD(hybrids.fda_band));
}

void add_semi_supervised_settings(Table& t) {
  const SettingAdder teacher(t, "Mean Teacher");
  teacher.advanced("consistency-weight", "Weight of the consistency loss at the end of its ramp.",
                   {.least = 0}, SCIMIX_FIELD(consistency.weight));
  teacher.advanced(
      "consistency-ramp",
      "Fraction of the steps in which --consistency-weight, and the weight of hybrids that have "
      "no label, grow to their full value.",
      {.least = 0, .most = 1}, SCIMIX_FIELD(consistency.ramp));
  teacher.advanced("ramp-shape",
                   "Shape of the ramp of --consistency-weight and of the weight of hybrids.",
                   SCIMIX_FIELD(consistency.ramp_shape));
  add_fixmatch_settings(t);
}

void add_training_settings(Table& t) {
  const SettingAdder group(t, "Training");
  const SettingAdder changeable(t, "Training", OnResume::changes_training);
  add_length_settings(t);
  group.everyday("batch",
                 "Labelled images per step. --unlabeled-batch is the number of unlabelled images.",
                 {.least = 1, .most = 100'000}, SCIMIX_FIELD(batch));
  add_unlabeled_batch_setting(t);
  group.advanced("supervised-weight", "Weight of the cross-entropy on labelled images.",
                 {.least = 0}, SCIMIX_FIELD(supervised_weight));
  group.advanced("norm-statistics",
                 "Whether batch norm computes its statistics over all images of a step (joint) or "
                 "separately for each part of the batch, such as labelled and unlabelled images "
                 "(segments). auto is joint for fixmatch.",
                 SCIMIX_FIELD(norm_statistics));
  group.advanced(
      "input-noise",
      "Standard deviation of the noise that is added to the network's input, whose pixels lie "
      "in [-1, 1].",
      {.least = 0}, SCIMIX_FIELD(input_noise));
  group.advanced("optimizer",
                 "Optimiser. adam uses --learning-rate, --ramp-up and --ramp-down; --momentum and "
                 "--weight-decay apply only to sgd.",
                 SCIMIX_FIELD(optimizer));
  add_sgd_settings(t);
  changeable.advanced(
      "ramp-up", "For adam: fraction of the steps, at the start, in which the learning rate grows.",
      {.least = 0, .most = 1}, SCIMIX_FIELD(ramp_up));
  changeable.advanced(
      "ramp-down", "For adam: fraction of the steps, at the end, in which the learning rate falls.",
      {.least = 0, .most = 1}, SCIMIX_FIELD(ramp_down));
  group.advanced(
      "ema-decay",
      "Decay per step of the averaged parameters (EMA), with which evaluations are made. Short "
      "runs need a smaller decay: 0.99 for a few thousand steps.",
      {.least = 0, .most = 1}, SCIMIX_FIELD(ema_decay));
  group.advanced(
      "early-ema-decay",
      "For adam: EMA decay while the learning rate grows; a value below 0 means --ema-decay.",
      {.least = -1, .most = 1}, SCIMIX_FIELD(early_ema_decay));
  add_seed_and_precision_settings(t);
}

Table make_table() {
  Table t;
  add_method_settings(t);
  add_data_settings(t);
  add_encoder_settings(t, SCIMIX_FIELD(model));
  add_hybrid_settings(t);
  add_semi_supervised_settings(t);
  add_training_settings(t);
  add_graph_and_rank_settings(t);
  add_output_settings(t, "runs/DATASET-LABELS-METHOD-MIXER-SEED");
  return t;
}

bool is_preset_b(const SettingValues& values) {
  const ClassifierConfig config = classifier_table().config(values);
  return config.method == Method::mean_teacher && config.preset == MethodPreset::b;
}

// Mean Teacher's preset B has the settings of the original publication (Tarvainen and Valpola 2017)
// that do not depend on its network. They are its settings for SVHN without additional images. For
// CIFAR-10 it has 150,000 steps, so that its ramps of 40,000 and 25,000 steps are other fractions
// of the run, and another --consistency-weight: 100 times the fraction of labelled images. Its
// batch has 1 labelled and 99 unlabelled images, and its classification loss is a mean over all
// 100, therefore supervised-weight 0.01. Its noise of 0.15 is for images with standard deviation 1;
// images in [-1,1] have about 0.5.
SettingBundle preset_b() {
  return {{"optimizer", "adam"},
          {"learning-rate", "3e-3"},
          {"weight-decay", "0"},
          {"steps", "180000"},
          {"batch", "1"},
          {"unlabeled-batch", "99"},
          {"supervised-weight", "0.01"},
          {"norm-statistics", "joint"},
          {"consistency-weight", "1"},
          {"consistency-ramp", "0.222"},
          {"ramp-up", "0.222"},
          {"ramp-down", "0.139"},
          {"ramp-shape", "sigmoid"},
          {"ema-decay", "0.999"},
          {"early-ema-decay", "0.99"},
          {"crop-pad", "2"},
          {"input-noise", "0.075"}};
}

// Returns the settings that follow from others: those of preset B, and what is learnt from SciMix's
// hybrids. For these, pseudo-labels were better than contradict with a Mean Teacher from scratch
// (docs/results/guided-generators.md). Images of MixUp and CutMix show the classes of both parents,
// so that one label would be wrong.
SettingBundle preset(const SettingValues& values) {
  SettingBundle bundle;
  if (is_preset_b(values)) bundle = preset_b();
  if (classifier_table().config(values).hybrids.mixer == MixerKind::scimix) {
    bundle.emplace_back("hybrid-use", "pseudo");
  }
  return bundle;
}

// Scale cpu sets model, batch and number of steps, and the settings that depend on the number of
// steps: the decays of averages, and intervals.
SettingBundle cpu_scale(const SettingValues& values) {
  constexpr int kLabeled = 32;
  constexpr int kUnlabeled = 32;
  SettingBundle bundle{{"depth", "10"},
                       {"width", "1"},
                       {"norm-momentum", "0.05"},
                       {"steps", "2000"},
                       {"batch", std::to_string(kLabeled)},
                       {"unlabeled-batch", std::to_string(kUnlabeled)},
                       {"ema-decay", "0.99"},
                       {"log-every", "50"},
                       {"eval-every", "50"},
                       {"checkpoint-every", "500"}};
  // The share of labelled images in the batch (see preset).
  constexpr double kShare = static_cast<double>(kLabeled) / (kLabeled + kUnlabeled);
  if (is_preset_b(values)) bundle.emplace_back("supervised-weight", fmt::format("{}", kShare));
  return bundle;
}

}  // namespace

const SettingTable<ClassifierConfig>& classifier_table() {
  static const Table table = make_table();
  return table;
}

const RunKind& classifier_kind() {
  static const RunKind kind{
      .name = "classifier",
      .summary = "Trains a classifier, supervised or with few labels, with hybrids or without.",
      .settings = classifier_table().settings(),
      .defaults = classifier_table().values({}),
      .preset = preset,
      .cpu_scale = cpu_scale,
      .scaled_folders = {"out", "generator"}};
  return kind;
}

}  // namespace scimix

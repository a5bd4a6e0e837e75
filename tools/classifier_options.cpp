#include "tools/classifier_options.hpp"

#include <array>

#include "tools/run_options.hpp"

namespace scimix {

namespace {

struct PresetSetting {
  const char* option;
  const char* value;
};

// Tarvainen and Valpola's SVHN settings; their CIFAR-10 differs in --consistency-weight, 100 times
// the share of labelled images. Their batch is 1 labelled and 99 other images, in which the
// classification loss is a mean over all 100. Their noise of 0.15 is for images of standard
// deviation 1; ours have about 0.5. [METHOD 4]
constexpr std::array<PresetSetting, 15> kPresetB{{{"--optimizer", "adam"},
                                                  {"--learning-rate", "3e-3"},
                                                  {"--weight-decay", "0"},
                                                  {"--steps", "150000"},
                                                  {"--batch", "1"},
                                                  {"--unlabeled-batch", "99"},
                                                  {"--supervised-weight", "0.01"},
                                                  {"--norm-statistics", "joint"},
                                                  {"--consistency-weight", "1"},
                                                  {"--consistency-ramp", "0.267"},
                                                  {"--ramp-shape", "sigmoid"},
                                                  {"--ema-decay", "0.999"},
                                                  {"--early-ema-decay", "0.99"},
                                                  {"--crop-pad", "2"},
                                                  {"--input-noise", "0.075"}}};

void add_method_options(CLI::App& app, ClassifierConfig& c) {
  const std::string group = "Method";
  add_choice(app, "--method", c.method, "supervised, mean-teacher, fixmatch")->group(group);
  add_choice(app, "--preset", c.preset,
             "mean-teacher: A (as FixMatch's authors run it), B (the original settings)")
      ->group(group);
  add_choice(app, "--scale", c.scale, "cpu: a smaller model, smaller batches, fewer steps")
      ->group(group);
  add_choice(app, "--init-from", c.init_from, "scratch, generator (its E_c and C; Table III)")
      ->group(group);
}

void add_hybrid_options(CLI::App& app, HybridSettings& h) {
  const std::string group = "Hybrids";
  add_choice(app, "--mixer", h.mixer, "scimix, mixup, cutmix, adain, fda, none")->group(group);
  app.add_option("--generator", h.generator,
                 "run folder or checkpoint of scimix_train generator; {split} in it stands for the "
                 "split seed")
      ->group(group);
  app.add_option("--generator-config", h.generator_config,
                 "settings to train that generator with where its folder holds none yet")
      ->group(group);
  app.add_option("--allow-other-split", h.allow_other_split,
                 "take a generator that was trained with other labels: true, false")
      ->group(group);
  add_choice(app, "--hybrid-use", h.use,
             "contradict, consistency, pseudo, labeled (the paper's Table V)")
      ->group(group);
  app.add_option("--alpha", h.alpha, "share of the content's prediction in a hybrid's target")
      ->group(group);
  app.add_option("--hybrid-weight", h.weight,
                 "below 0: as --consistency-weight, and 1 for pseudo and labeled")
      ->group(group);
  app.add_option("--hybrid-filter", h.filter,
                 "scimix: drop hybrids in which C does not see the content's class: true, false")
      ->group(group);
  app.add_option("--mixup-alpha", h.mixup_alpha, "MixUp's shares are drawn from Beta(a, a)")
      ->group(group);
  app.add_option("--fda-band", h.fda_band, "share of the spectrum's side, below 0.5")->group(group);
}

void add_consistency_options(CLI::App& app, ConsistencySettings& c) {
  const std::string group = "Mean Teacher";
  app.add_option("--consistency-weight", c.weight, "after its ramp")->group(group);
  app.add_option("--consistency-ramp", c.ramp, "share of the steps")->group(group);
  add_choice(app, "--ramp-shape", c.ramp_shape, "linear, sigmoid")->group(group);
}

void add_fixmatch_options(CLI::App& app, FixMatchSettings& f) {
  const std::string group = "FixMatch";
  app.add_option("--threshold", f.threshold, "probability that makes a pseudo-label")->group(group);
  app.add_option("--unlabeled-weight", f.weight, "of the loss with pseudo-labels")->group(group);
  add_choice(app, "--strong-table", f.strong_table,
             "whose magnitudes: kekmodel, fixmatch, torchssl")
      ->group(group);
  app.add_option("--strong-operations", f.strong_operations, "per image")->group(group);
  app.add_option("--strong-probability", f.strong_probability, "that each is applied")
      ->group(group);
  app.add_option("--cutout", f.cutout, "side of the box in pixels; 0: none")->group(group);
}

void add_training_options(CLI::App& app, ClassifierConfig& c) {
  const std::string group = "Training";
  app.add_option("--steps", c.steps, "length of the run")->group(group);
  app.add_option("--batch", c.batch, "labelled images per step")->group(group);
  app.add_option("--unlabeled-batch", c.unlabeled_batch,
                 "other images per step; 0: as --batch, 7 times that for fixmatch")
      ->group(group);
  app.add_option("--supervised-weight", c.supervised_weight, "of the cross-entropy")->group(group);
  add_choice(app, "--norm-statistics", c.norm_statistics,
             "batch norm over all images of a step or each kind alone: joint, segments, auto "
             "(joint for fixmatch)")
      ->group(group);
  app.add_option("--input-noise", c.input_noise, "standard deviation; pixels lie in [-1,1]")
      ->group(group);
  add_choice(app, "--optimizer", c.optimizer, "sgd, adam")->group(group);
  add_sgd_options(app, c.sgd, group);
  app.add_option("--ramp-up", c.ramp_up, "adam: share of the steps in which its rate grows")
      ->group(group);
  app.add_option("--ramp-down", c.ramp_down, "adam: share at the end in which it falls")
      ->group(group);
  app.add_option("--ema-decay", c.ema_decay, "of the averaged model, which is evaluated")
      ->group(group);
  app.add_option("--early-ema-decay", c.early_ema_decay,
                 "adam: while its rate grows; below 0: as --ema-decay")
      ->group(group);
  app.add_option("--seed", c.seed, "initial weights, order of images, augmentation, pairs")
      ->group(group)
      ->check(whole_seed());
  add_precision_option(app, c.precision, group);
}

}  // namespace

void add_classifier_options(CLI::App& app, ClassifierConfig& c) {
  use_setting_defaults(app);
  add_method_options(app, c);
  add_data_options(app, c.data);
  app.add_option("--unlabeled-includes-labeled", c.unlabeled_includes_labeled,
                 "the unlabelled images are all images: true, false")
      ->group("Data");
  add_encoder_options(app, c.model);
  add_hybrid_options(app, c.hybrids);
  add_consistency_options(app, c.consistency);
  add_fixmatch_options(app, c.fixmatch);
  add_training_options(app, c);
  add_graph_options(app, c.graphs);
  add_rank_options(app, c.ranks);
  add_output_options(app, c.output, "runs/DATASET-LABELS-METHOD-MIXER-SEED");
}

void apply_method_preset(CLI::App& app, const ClassifierConfig& config) {
  if (config.method != Method::mean_teacher || config.preset != MethodPreset::b) return;
  for (const PresetSetting& setting : kPresetB) {
    if (app.get_option(setting.option)->count() == 0) {
      set_option(app, setting.option, setting.value);
    }
  }
}

}  // namespace scimix

// The table of a classifier's settings.
#include "settings/run_kinds.hpp"
#include "settings/shared_settings.hpp"

namespace scimix {

namespace {

using Table = SettingTable<ClassifierConfig>;

void add_method_settings(Table& t) {
  const std::string group = "Method";
  t.add({"method", group, Tier::everyday, OnResume::stays,
         "How the classifier learns: supervised learns from labelled images alone."},
        SCIMIX_FIELD(method));
  t.add({"preset", group, Tier::advanced, OnResume::stays,
         "Default settings of mean-teacher: A as FixMatch's authors run it, B as in the original "
         "publication."},
        SCIMIX_FIELD(preset));
  add_scale_setting(t);
  t.add({"init-from", group, Tier::advanced, OnResume::stays,
         "First weights: scratch draws them, generator takes the encoder and classifier of "
         "--generator (the paper's Table III)."},
        SCIMIX_FIELD(init_from));
}

void add_hybrid_settings(Table& t) {
  const std::string group = "Hybrids";
  t.add({"mixer", group, Tier::everyday, OnResume::stays,
         "What makes the hybrids that the classifier learns from: SciMix's generator, or a method "
         "that it is compared with."},
        SCIMIX_FIELD(hybrids.mixer));
  t.add({"generator",
         group,
         Tier::everyday,
         OnResume::stays,
         "Run folder or checkpoint of scimix_train generator, for --mixer scimix. {split}, "
         "{dataset} and {labels} in it stand for those settings.",
         {},
         SettingType::path},
        SCIMIX_FIELD(hybrids.generator));
  t.add({"generator-config",
         group,
         Tier::advanced,
         OnResume::stays,
         "Configuration file to train that generator with, where its folder holds none yet; "
         "{dataset} in it stands for the data set.",
         {},
         SettingType::path},
        SCIMIX_FIELD(hybrids.generator_config));
  t.add({"allow-other-split", group, Tier::advanced, OnResume::stays,
         "Takes a generator that was trained with other labels. What it knows of them then leaks "
         "into the classifier."},
        SCIMIX_FIELD(hybrids.allow_other_split));
  t.add({"hybrid-use", group, Tier::advanced, OnResume::stays,
         "What is learnt from a hybrid (the paper's Table V): contradict (a mixture of both "
         "parents' predictions), consistency (the content's alone), pseudo or labeled (a label)."},
        SCIMIX_FIELD(hybrids.use));
  t.add({"alpha",
         group,
         Tier::advanced,
         OnResume::stays,
         "Share of the content's prediction in the target of a hybrid; mixup and cutmix bring "
         "their own.",
         {.least = 0.5, .most = 1, .least_is_excluded = true}},
        SCIMIX_FIELD(hybrids.alpha));
  t.add({"hybrid-weight", group, Tier::advanced, OnResume::stays,
         "Weight of the loss on hybrids. Below 0 it is --consistency-weight, and 1 for the uses "
         "pseudo and labeled."},
        SCIMIX_FIELD(hybrids.weight));
  t.add({"hybrid-filter", group, Tier::advanced, OnResume::stays,
         "For scimix: drops hybrids in which the generator's classifier does not see the class of "
         "the content."},
        SCIMIX_FIELD(hybrids.filter));
  t.add({"mixup-alpha",
         group,
         Tier::advanced,
         OnResume::stays,
         "For mixup: shares are drawn from Beta(a, a) with this a.",
         {.least = 1e-3}},
        SCIMIX_FIELD(hybrids.mixup_alpha));
  t.add({"fda-band",
         group,
         Tier::advanced,
         OnResume::stays,
         "For fda: side of the band of low frequencies that is exchanged, as a share of the "
         "spectrum's side.",
         {.least = 0, .most = 0.4999}},
        SCIMIX_FIELD(hybrids.fda_band));
}

void add_semi_supervised_settings(Table& t) {
  const std::string teacher = "Mean Teacher";
  t.add({"consistency-weight",
         teacher,
         Tier::advanced,
         OnResume::stays,
         "Weight of the consistency loss at the end of its ramp.",
         {.least = 0}},
        SCIMIX_FIELD(consistency.weight));
  t.add({"consistency-ramp",
         teacher,
         Tier::advanced,
         OnResume::stays,
         "Share of the steps in which that weight grows from 0.",
         {.least = 0, .most = 1}},
        SCIMIX_FIELD(consistency.ramp));
  t.add({"ramp-shape", teacher, Tier::advanced, OnResume::stays, "How the weight grows."},
        SCIMIX_FIELD(consistency.ramp_shape));
  add_fixmatch_settings(t);
}

void add_training_settings(Table& t) {
  const std::string group = "Training";
  add_length_settings(t);
  t.add({"batch",
         group,
         Tier::everyday,
         OnResume::stays,
         "Labelled images per step; --unlabeled-batch says how many come beside them.",
         {.least = 1}},
        SCIMIX_FIELD(batch));
  add_unlabeled_batch_setting(t);
  t.add({"supervised-weight",
         group,
         Tier::advanced,
         OnResume::stays,
         "Weight of the cross-entropy on labelled images.",
         {.least = 0}},
        SCIMIX_FIELD(supervised_weight));
  t.add({"norm-statistics", group, Tier::advanced, OnResume::stays,
         "Whether batch norm takes its statistics over all images of a step (joint) or over each "
         "kind alone (segments); auto is joint for fixmatch."},
        SCIMIX_FIELD(norm_statistics));
  t.add({"input-noise",
         group,
         Tier::advanced,
         OnResume::stays,
         "Standard deviation of noise on the network's input, whose pixels lie in [-1, 1].",
         {.least = 0}},
        SCIMIX_FIELD(input_noise));
  t.add({"optimizer", group, Tier::advanced, OnResume::stays,
         "adam takes --learning-rate, --ramp-up and --ramp-down; momentum and weight decay are of "
         "sgd."},
        SCIMIX_FIELD(optimizer));
  add_sgd_settings(t);
  t.add({"ramp-up",
         group,
         Tier::advanced,
         OnResume::may_change,
         "For adam: share of the steps in which its learning rate grows.",
         {.least = 0, .most = 1}},
        SCIMIX_FIELD(ramp_up));
  t.add({"ramp-down",
         group,
         Tier::advanced,
         OnResume::may_change,
         "For adam: share of the steps at the end in which its learning rate falls.",
         {.least = 0, .most = 1}},
        SCIMIX_FIELD(ramp_down));
  t.add({"ema-decay",
         group,
         Tier::advanced,
         OnResume::stays,
         "Decay per step of the averaged model, which is evaluated. Short runs need a smaller one: "
         "0.99 for some thousand steps.",
         {.least = 0, .most = 1}},
        SCIMIX_FIELD(ema_decay));
  t.add({"early-ema-decay",
         group,
         Tier::advanced,
         OnResume::stays,
         "For adam: that decay while the learning rate grows; below 0 as --ema-decay.",
         {.least = -1, .most = 1}},
        SCIMIX_FIELD(early_ema_decay));
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

// Mean Teacher's preset B: the original publication (Tarvainen and Valpola 2017), as far as it is
// not tied to its network. These are its SVHN settings; its CIFAR-10 differs in
// --consistency-weight, 100 times the share of labelled images. Its batch is 1 labelled and 99
// other images, in which the classification loss is a mean over all 100. Its noise of 0.15 is for
// images of standard deviation 1; ours have about 0.5.
SettingBundle preset(const SettingValues& values) {
  const ClassifierConfig config = classifier_table().config(values);
  if (config.method != Method::mean_teacher || config.preset != MethodPreset::b) return {};
  return {{"optimizer", "adam"},
          {"learning-rate", "3e-3"},
          {"weight-decay", "0"},
          {"steps", "150000"},
          {"batch", "1"},
          {"unlabeled-batch", "99"},
          {"supervised-weight", "0.01"},
          {"norm-statistics", "joint"},
          {"consistency-weight", "1"},
          {"consistency-ramp", "0.267"},
          {"ramp-shape", "sigmoid"},
          {"ema-decay", "0.999"},
          {"early-ema-decay", "0.99"},
          {"crop-pad", "2"},
          {"input-noise", "0.075"}};
}

// Model, batch and length, and what goes with the length: averages over steps.
SettingBundle cpu_scale(const SettingValues& /*values*/) {
  return {{"depth", "10"},           {"width", "1"},
          {"norm-momentum", "0.05"}, {"steps", "2000"},
          {"batch", "32"},           {"unlabeled-batch", "32"},
          {"ema-decay", "0.99"},     {"log-every", "50"},
          {"eval-every", "25"},      {"checkpoint-every", "500"}};
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

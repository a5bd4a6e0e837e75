// The table of the settings of scimix_train auto.
#include "core/error.hpp"
#include "models/wide_resnet.hpp"
#include "settings/auto_config.hpp"
#include "settings/run_kinds.hpp"
#include "settings/shared_settings.hpp"

namespace scimix {

namespace {

using Table = SettingTable<AutoConfig>;

void add_pick_settings(Table& t) {
  const SettingAdder group(t, "Method");
  group.everyday(
      "minutes",
      "Planned minutes of the whole job, for which image size, network and numbers of steps are "
      "picked. It is not a limit: a busy machine takes longer.",
      {.least = 0, .most = 1e5, .least_is_excluded = true}, SCIMIX_FIELD(minutes));
  group.everyday(
      "method",
      "Method of the final classifier. auto is fixmatch, except that a classifier without hybrids "
      "is supervised if there are fewer unlabelled images than labelled ones, or fewer than 64.",
      SCIMIX_FIELD(method));
  group.advanced(
      "scale",
      "Scale of the runs: batches, averages and networks. auto picks full only where the device "
      "is fast enough for it.",
      SCIMIX_FIELD(scale));
}

void add_network_settings(Table& t) {
  const SettingAdder group(t, "WideResNet");
  group.everyday(
      "depth",
      "Number of layers of the classifiers and of the semantic encoder, 6 n + 4; 0 picks it.",
      {.least = 0, .most = 1000}, SCIMIX_FIELD(depth));
  group.everyday("width", "Factor on the channels 16, 32 and 64 of the three stages; 0 picks it.",
                 {.least = 0, .most = 256}, SCIMIX_FIELD(width));
}

void add_steps_settings(Table& t) {
  const SettingAdder group(t, "Training");
  group.everyday(
      "guide-steps",
      "Number of steps of the guide, the classifier from which the generator starts; 0 trains "
      "none, -1 picks the number.",
      {.least = -1, .most = 2e9}, SCIMIX_FIELD(guide_steps));
  group.everyday(
      "generator-steps",
      "Number of steps of the generator; 0 trains none, so that the classifier learns without "
      "hybrids, -1 picks the number.",
      {.least = -1, .most = 2e9}, SCIMIX_FIELD(generator_steps));
  group.everyday("steps", "Number of steps of the final classifier; -1 picks it.",
                 {.least = -1, .most = 2e9}, SCIMIX_FIELD(steps));
  group.advanced("init-from",
                 "Initial weights of the final classifier, if it learns with hybrids: generator "
                 "copies them from the generator's own classifier, scratch draws them at random.",
                 SCIMIX_FIELD(init_from));
  group.advanced("hybrid-use",
                 "What the final classifier learns from hybrids (see --hybrid-use of scimix_train "
                 "classifier).",
                 SCIMIX_FIELD(hybrid_use));
  add_seed_and_precision_settings(t);
}

void add_plain_settings(Table& t) {
  const SettingAdder group(t, "If the guide is weak");
  group.advanced(
      "least-guide-accuracy",
      "Least accuracy of the guide on the held-out images, from 0 to 1. Below it, no generator is "
      "trained, and the rest of the time goes to a classifier without hybrids. 0 trains the "
      "generator in any case. -1 picks it: 4/9 of the way from chance (the share of the largest "
      "class) to 1, which is 0.5 with ten "
      "classes and 0.72 with two.",
      {.least = -1, .most = 1}, SCIMIX_FIELD(least_guide_accuracy));
  group.advanced(
      "plain-method",
      "Method of the classifier that is trained after a weak guide. auto takes --method if that "
      "is given; otherwise it is fixmatch, or supervised if there are fewer unlabelled images than "
      "labelled ones, or fewer than 64.",
      SCIMIX_FIELD(plain.method));
  group.advanced(
      "plain-image-size",
      "Image size of the classifier that is trained after a weak guide, a multiple of 4; 0 picks "
      "it, or takes --image-size if that is given. --crop-pad is changed in proportion.",
      {.least = 0, .most = 4096}, SCIMIX_FIELD(plain.image_size));
  group.advanced(
      "plain-scale",
      "Scale of the classifier that is trained after a weak guide; auto picks it, or takes "
      "--scale if that is given.",
      SCIMIX_FIELD(plain.scale));
  group.advanced(
      "plain-depth",
      "Number of layers of the classifier that is trained after a weak guide, 6 n + 4; 0 picks "
      "it, or takes --depth if that is given.",
      {.least = 0, .most = 1000}, SCIMIX_FIELD(plain.depth));
  group.advanced(
      "plain-width",
      "Factor on the channels of the classifier that is trained after a weak guide; 0 picks it, "
      "or takes --width if that is given.",
      {.least = 0, .most = 256}, SCIMIX_FIELD(plain.width));
  group.advanced(
      "plain-steps",
      "Number of steps of the classifier that is trained after a weak guide; -1 picks it, or "
      "takes --steps if that is given; 0 trains the generator in any case.",
      {.least = -1, .most = 2e9}, SCIMIX_FIELD(plain.steps));
}

Table make_table() {
  Table t;
  add_pick_settings(t);
  add_data_settings(t, DataPicks::by_program);
  add_network_settings(t);
  add_steps_settings(t);
  add_plain_settings(t);
  add_out_setting(t,
                  "Folder of the job. The runs are in its subfolders: guide, generator and "
                  "classifier; after a weak guide, guide and plain; without a generator, only "
                  "classifier. If empty, runs/DATASET-auto-SEED.");
  add_device_setting(t);
  return t;
}

}  // namespace

const SettingTable<AutoConfig>& auto_table() {
  static const Table table = make_table();
  return table;
}

const RunKind& auto_kind() {
  static const RunKind kind{
      .name = "auto",
      .summary =
          "Does the whole job: looks at the data, picks image size, network and numbers of "
          "steps for the device and the time, and trains guide, generator and classifier. "
          "Started again, it goes on.",
      .settings = auto_table().settings(),
      .defaults = auto_table().values({}),
      .preset = [](const SettingValues&) { return SettingBundle(); },
      .cpu_scale = [](const SettingValues&) { return SettingBundle(); },
      .scaled_folders = {},
      .values_before = {{"init-from", "scratch"},
                        {"hybrid-use", "contradict"},
                        {"plain-steps", "0"}}};
  return kind;
}

void check(const AutoConfig& c) {
  auto_table().check(c);
  check_image_size(c.data.image_size, "--image-size");
  check_image_size(c.plain.image_size, "--plain-image-size");
  if (c.depth != 0) check_depth("--depth", c.depth);
  if (c.plain.depth != 0) check_depth("--plain-depth", c.plain.depth);
  if (c.steps == 0) user_error("--steps 0: expected at least 1, or -1 to pick the number");
  if (c.guide_steps > 0 && c.generator_steps == 0) {
    user_error("--guide-steps ", c.guide_steps,
               " with --generator-steps 0: expected no guide, as only a generator uses it");
  }
}

}  // namespace scimix

// The settings that runs of both kinds have. `Config` is ClassifierConfig or GeneratorRunConfig.
#pragma once

#include <string>

#include "data/dataset.hpp"
#include "settings/setting_table.hpp"

namespace scimix {

// A function that returns the field `path` of a structure of settings.
#define SCIMIX_FIELD(path) \
  [](auto& c) -> auto& {   \
    return c.path;         \
  }

template <class Config>
void add_scale_setting(SettingTable<Config>& t) {
  t.add({"scale", "Method", Tier::everyday, OnResume::stays,
         "cpu shrinks model, batch and length, to try a run for minutes on two cores; its figures "
         "are not those of a full run."},
        SCIMIX_FIELD(scale));
}

template <class Config>
void add_data_settings(SettingTable<Config>& t) {
  const std::string group = "Data";
  t.add({"dataset",
         group,
         Tier::everyday,
         OnResume::stays,
         "digits are drawn by the program; cifar10, svhn, cub-200-2010 and cub-200-2011 are read "
         "from --data-dir; folder reads images of your own, labelled ones in a subfolder for each "
         "class (docs/own-pictures.md).",
         {},
         SettingType::choice,
         {dataset_names().begin(), dataset_names().end()}},
        SCIMIX_FIELD(data.dataset));
  t.add({"data-dir",
         group,
         Tier::everyday,
         OnResume::may_change,
         "Folder that holds the data set; not needed for digits. A resumed run may name another "
         "one, if the images are the same.",
         {},
         SettingType::path},
        SCIMIX_FIELD(data.data_dir));
  t.add(
      {"labels-file",
       group,
       Tier::everyday,
       OnResume::may_change,
       "CSV file with the columns file name and class, for a folder of images that are not sorted "
       "into class folders. Images without a row are unlabelled.",
       {},
       SettingType::path},
      SCIMIX_FIELD(data.labels_file));
  t.add({"test", group, Tier::everyday, OnResume::stays,
         "auto tests on the test images of the data set; of a folder without any, a share of the "
         "labelled images is held out (--test-share). none trains on all labelled images, and "
         "measures no accuracy."},
        SCIMIX_FIELD(data.test));
  t.add({"test-share",
         group,
         Tier::advanced,
         OnResume::stays,
         "Share of each class that is held out as test images, at least one image, where a folder "
         "has no test images.",
         {.least = 0, .most = 0.9, .least_is_excluded = true}},
        SCIMIX_FIELD(data.test_share));
  t.add({"labels",
         group,
         Tier::everyday,
         OnResume::stays,
         "How many of the labelled training images are used with their labels, evenly over the "
         "classes, or all. The others are used without.",
         {},
         SettingType::labels},
        SCIMIX_FIELD(data.labels));
  t.add({"split-seed", group, Tier::advanced, OnResume::stays,
         "Decides which images are labelled. Other values give other splits of the same size."},
        SCIMIX_FIELD(data.split_seed));
  t.add({"data-seed", group, Tier::advanced, OnResume::stays,
         "Decides which digits are drawn, and which images of a folder are held out for testing."},
        SCIMIX_FIELD(data.data_seed));
  t.add({"image-size", group, Tier::advanced, OnResume::stays,
         "Side in pixels to which images are resized, a multiple of 4 from 8; 0 keeps the data "
         "set's own size (32 for a folder, 64 for CUB-200)."},
        SCIMIX_FIELD(data.image_size));
  t.add({"bounding-box", group, Tier::advanced, OnResume::stays,
         "For cub-200-2011: cuts each bird out by its bounding box before its image is resized."},
        SCIMIX_FIELD(data.bounding_box));
  t.add({"digits-train",
         group,
         Tier::advanced,
         OnResume::stays,
         "Number of training images that are drawn for the data set digits.",
         {.least = 10}},
        SCIMIX_FIELD(data.digits_train));
  t.add({"digits-test",
         group,
         Tier::advanced,
         OnResume::stays,
         "Number of test images that are drawn for the data set digits.",
         {.least = 10}},
        SCIMIX_FIELD(data.digits_test));
  t.add({"flip", group, Tier::advanced, OnResume::stays,
         "Mirrors training images at random. auto mirrors where a mirror image has the same class, "
         "as the data set says; digits and SVHN are not mirrored."},
        SCIMIX_FIELD(data.flip));
  t.add({"crop-pad",
         group,
         Tier::advanced,
         OnResume::stays,
         "Largest random shift of training images, in pixels; 0 switches it off.",
         {.least = 0}},
        SCIMIX_FIELD(data.crop_pad));
  t.add({"skip-unreadable", group, Tier::advanced, OnResume::may_change,
         "Leaves out images of a folder that cannot be read, and says how many. Otherwise they are "
         "an error that lists them."},
        SCIMIX_FIELD(data.skip_unreadable));
  t.add({"image-cache", group, Tier::advanced, OnResume::may_change,
         "Keeps the decoded images of a folder with 1,000 or more in a file beside the run, in the "
         "folder image-cache. The next run decodes only the images that have changed."},
        SCIMIX_FIELD(data.image_cache));
  t.add({"unlabeled-includes-labeled", group, Tier::advanced, OnResume::stays,
         "Whether labelled images are also among the images that are learnt without a label."},
        SCIMIX_FIELD(unlabeled_includes_labeled));
}

// `encoder` returns the EncoderSettings.
template <class Config, class Encoder>
void add_encoder_settings(SettingTable<Config>& t, Encoder encoder) {
  const std::string group = "WideResNet";
  t.add(
      {"depth", group, Tier::advanced, OnResume::stays,
       "Number of layers, 6 n + 4. 10 is a small network, 28 that of the paper."},
      [encoder](auto& c) -> auto& { return encoder(c).depth; });
  t.add(
      {"width",
       group,
       Tier::advanced,
       OnResume::stays,
       "Factor on the channels 16, 32 and 64 of the three stages.",
       {.least = 1}},
      [encoder](auto& c) -> auto& { return encoder(c).width; });
  t.add(
      {"norm-eps",
       group,
       Tier::advanced,
       OnResume::stays,
       "What batch norm adds to a variance.",
       {.least = 1e-12}},
      [encoder](auto& c) -> auto& { return encoder(c).norm_eps; });
  t.add(
      {"norm-momentum",
       group,
       Tier::advanced,
       OnResume::stays,
       "Share of a batch in the running statistics of batch norm. Short runs need a larger one: "
       "0.05 for some thousand steps.",
       {.least = 0, .most = 1}},
      [encoder](auto& c) -> auto& { return encoder(c).norm_momentum; });
}

template <class Config>
void add_length_settings(SettingTable<Config>& t) {
  t.add({"steps",
         "Training",
         Tier::everyday,
         OnResume::may_change,
         "Length of the run in steps. Learning rates and ramps follow it. A resumed run may be "
         "made longer.",
         {.least = 1, .most = 2e9}},
        SCIMIX_FIELD(steps));
}

template <class Config>
void add_unlabeled_batch_setting(SettingTable<Config>& t) {
  t.add({"unlabeled-batch",
         "Training",
         Tier::advanced,
         OnResume::stays,
         "Images without labels per step; 0 is as many as --batch, for fixmatch 7 times that.",
         {.least = 0}},
        SCIMIX_FIELD(unlabeled_batch));
}

template <class Config>
void add_fixmatch_settings(SettingTable<Config>& t) {
  const std::string fixmatch = "FixMatch";
  t.add({"threshold",
         fixmatch,
         Tier::advanced,
         OnResume::stays,
         "Probability from which a prediction becomes a pseudo-label.",
         {.least = 0, .most = 1}},
        SCIMIX_FIELD(fixmatch.threshold));
  t.add({"unlabeled-weight",
         fixmatch,
         Tier::advanced,
         OnResume::stays,
         "Weight of the loss on pseudo-labels.",
         {.least = 0}},
        SCIMIX_FIELD(fixmatch.weight));
  t.add({"strong-table", fixmatch, Tier::advanced, OnResume::stays,
         "Published program whose magnitudes the strong augmentation has."},
        SCIMIX_FIELD(fixmatch.strong_table));
  t.add({"strong-operations",
         fixmatch,
         Tier::advanced,
         OnResume::stays,
         "Operations of the strong augmentation per image, drawn with replacement.",
         {.least = 0, .most = 8}},
        SCIMIX_FIELD(fixmatch.strong_operations));
  t.add({"strong-probability",
         fixmatch,
         Tier::advanced,
         OnResume::stays,
         "Probability that a drawn operation is applied.",
         {.least = 0, .most = 1}},
        SCIMIX_FIELD(fixmatch.strong_probability));
  t.add({"cutout",
         fixmatch,
         Tier::advanced,
         OnResume::stays,
         "Side of the box that the strong augmentation blanks, in pixels; 0 for none.",
         {.least = 0}},
        SCIMIX_FIELD(fixmatch.cutout));
}

template <class Config>
void add_sgd_settings(SettingTable<Config>& t) {
  const std::string group = "Training";
  t.add({"learning-rate",
         group,
         Tier::everyday,
         OnResume::may_change,
         "Learning rate at step 0, of SGD (falls as cos(7 pi k / 16 K) over K steps) or, in a "
         "classifier, of Adam. Lower it where losses become infinite.",
         {.least = 0}},
        SCIMIX_FIELD(sgd.learning_rate));
  t.add({"momentum",
         group,
         Tier::advanced,
         OnResume::may_change,
         "Nesterov momentum of SGD.",
         {.least = 0, .most = 0.9999}},
        SCIMIX_FIELD(sgd.momentum));
  t.add({"weight-decay",
         group,
         Tier::advanced,
         OnResume::may_change,
         "Weight decay of SGD, on convolution and linear kernels alone.",
         {.least = 0}},
        SCIMIX_FIELD(sgd.weight_decay));
}

template <class Config>
void add_seed_and_precision_settings(SettingTable<Config>& t) {
  const std::string group = "Training";
  t.add({"seed", group, Tier::everyday, OnResume::stays,
         "Decides initial weights, order of images, augmentation and pairs. Runs of the same seed "
         "are equal bit for bit."},
        SCIMIX_FIELD(seed));
  t.add({"precision", group, Tier::advanced, OnResume::stays,
         "Number format: f32; tf32 (f32, with a GPU's TF32 products); bf16 (activations and their "
         "gradients: fastest on a GPU); f64 (CPU only and slow, for checks)."},
        SCIMIX_FIELD(precision));
}

template <class Config>
void add_graph_and_rank_settings(SettingTable<Config>& t) {
  const std::string graphs = "Graphs";
  t.add({"graph", graphs, Tier::advanced, OnResume::may_change,
         "Records a step once and replays it, with the same numbers: auto does so on a GPU."},
        SCIMIX_FIELD(graphs.graph));
  t.add({"steps-per-graph",
         graphs,
         Tier::advanced,
         OnResume::may_change,
         "Largest number of steps that are replayed at once.",
         {.least = 1, .most = 64}},
        SCIMIX_FIELD(graphs.steps_per_graph));
  const std::string ranks = "Ranks (mpirun, srun)";
  t.add({"sync-norm", ranks, Tier::advanced, OnResume::stays,
         "Takes the statistics of batch norm over the images of all ranks, not of each alone."},
        SCIMIX_FIELD(ranks.sync_norm));
  t.add({"rank-timeout",
         ranks,
         Tier::advanced,
         OnResume::may_change,
         "Seconds after which a rank that does not answer is given up and the run ends.",
         {.least = 1}},
        SCIMIX_FIELD(ranks.timeout));
  t.add({"check-ranks-every",
         ranks,
         Tier::advanced,
         OnResume::may_change,
         "Steps between two checks that all ranks hold the same parameters.",
         {.least = 1}},
        SCIMIX_FIELD(ranks.check_every));
}

template <class Config>
void add_output_settings(SettingTable<Config>& t, const std::string& default_out) {
  const std::string group = "Output";
  t.add({"out",
         group,
         Tier::everyday,
         OnResume::stays,
         "Run folder: settings, numbers, pictures, checkpoints. Without it " + default_out + ".",
         {},
         SettingType::path},
        SCIMIX_FIELD(output.out));
  t.add({"log-every",
         group,
         Tier::advanced,
         OnResume::may_change,
         "Steps between two lines of metrics.jsonl.",
         {.least = 1}},
        SCIMIX_FIELD(output.log_every));
  t.add({"eval-every",
         group,
         Tier::advanced,
         OnResume::may_change,
         "Steps between two evaluations on the test images.",
         {.least = 1}},
        SCIMIX_FIELD(output.eval_every));
  t.add({"eval-batch",
         group,
         Tier::advanced,
         OnResume::may_change,
         "Images of 32x32 pixels per batch of an evaluation; of larger images proportionally fewer "
         "are taken. Lower it where memory runs out.",
         {.least = 1}},
        SCIMIX_FIELD(output.eval_batch));
  t.add({"checkpoint-every",
         group,
         Tier::advanced,
         OnResume::may_change,
         "Steps between two checkpoints: what a crash can cost.",
         {.least = 1}},
        SCIMIX_FIELD(output.checkpoint_every));
  t.add({"keep-checkpoints",
         group,
         Tier::advanced,
         OnResume::may_change,
         "Number of checkpoints that are kept, the newest ones.",
         {.least = 1}},
        SCIMIX_FIELD(output.keep_checkpoints));
  t.add({"device", group, Tier::everyday, OnResume::may_change,
         "Device: auto (a GPU where there is one), cpu, cuda:N."},
        SCIMIX_FIELD(output.device));
}

}  // namespace scimix

// Adds the settings that runs of both kinds have to a table. `Config` is ClassifierConfig or
// GeneratorRunConfig.
#pragma once

#include <array>
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
  const SettingAdder group(t, "Method");
  group.everyday(
      "scale",
      "Size of the run. cpu has a smaller model, smaller batches and fewer steps, and takes "
      "minutes on two cores; its results cannot be compared with those of a full run.",
      SCIMIX_FIELD(scale));
}

// The settings that, together with the paths --data-dir and --labels-file, determine the images of
// a data set, and which of them are test images.
inline constexpr std::array<const char*, 9> kImageSettings{
    "dataset",      "test",         "test-share",  "data-seed",      "image-size",
    "bounding-box", "digits-train", "digits-test", "skip-unreadable"};

// Says who decides on an image size and a shift that the user leaves open: each run has fixed
// defaults, and scimix_train auto picks them.
enum class DataPicks { fixed, by_program };

template <class Config>
void add_data_settings(SettingTable<Config>& t, DataPicks picks = DataPicks::fixed) {
  const SettingAdder group(t, "Data");
  const SettingAdder changeable(t, "Data", OnResume::may_change);
  const bool picked = picks == DataPicks::by_program;
  t.add(
      {"dataset",
       "Data",
       Tier::everyday,
       OnResume::stays,
       "Data set. digits are drawn by the program; cifar10, svhn, cub-200-2010 and cub-200-2011 "
       "are read from --data-dir; folder reads your own images from --data-dir, the labelled ones "
       "in a subfolder for each class (docs/own-pictures.md).",
       {},
       SettingType::choice,
       {dataset_names().begin(), dataset_names().end()}},
      SCIMIX_FIELD(data.dataset));
  changeable.everyday(
      "data-dir",
      "Folder of the data set; not needed for digits. A resumed run may use another folder with "
      "the same images.",
      SCIMIX_FIELD(data.data_dir), SettingType::path);
  changeable.advanced(
      "labels-file",
      "CSV file with the columns file name and class, for a folder of images that are not, or not "
      "all, sorted into class folders. Images without a class there are unlabelled, except "
      "those in labeled/CLASS (or train/CLASS beside unlabeled/), which have the class of their "
      "folder.",
      SCIMIX_FIELD(data.labels_file), SettingType::path);
  group.advanced(
      "test",
      "auto tests on the test images of the data set; of a folder without any, a share of the "
      "labelled images is held out (--test-share). none trains on all labelled images, and "
      "measures no accuracy.",
      SCIMIX_FIELD(data.test));
  group.advanced(
      "test-share",
      "Share of each class that is held out as test images, at least one image, where a folder "
      "has no test images.",
      {.least = 0, .most = 0.9, .least_is_excluded = true}, SCIMIX_FIELD(data.test_share));
  group.everyday(
      "labels",
      "Number of labelled training images whose labels are used, the same number for each class, "
      "or all.",
      SCIMIX_FIELD(data.labels), SettingType::labels);
  group.advanced(
      "split-seed",
      "Seed that selects the labelled images. Other values give other splits of the same size.",
      SCIMIX_FIELD(data.split_seed));
  group.advanced(
      "data-seed",
      "Seed of the drawn digits, and of the selection of a folder's images that are held out "
      "for testing.",
      SCIMIX_FIELD(data.data_seed));
  t.add({"image-size", "Data", picked ? Tier::everyday : Tier::advanced, OnResume::stays,
         std::string("Side in pixels to which images are resized, a multiple of 4 from 8; 0 ") +
             (picked ? "picks it."
                     : "means the data set's own size (32 for a folder, 64 for CUB-200).")},
        SCIMIX_FIELD(data.image_size));
  group.advanced(
      "bounding-box",
      "For cub-200-2011: crops each image to the bounding box of its bird before it is resized.",
      SCIMIX_FIELD(data.bounding_box));
  group.advanced("digits-train",
                 "Number of training images that are drawn for the data set digits.", {.least = 10},
                 SCIMIX_FIELD(data.digits_train));
  group.advanced("digits-test", "Number of test images that are drawn for the data set digits.",
                 {.least = 10}, SCIMIX_FIELD(data.digits_test));
  group.advanced(
      "flip",
      "Mirrors training images at random. auto mirrors unless a mirrored image can have another "
      "class, as in digits and SVHN.",
      SCIMIX_FIELD(data.flip));
  group.advanced(
      "crop-pad",
      std::string("Largest random shift of training images, in pixels; 0 switches it off") +
          (picked ? ", -1 means an eighth of the image size." : "."),
      {.least = picked ? -1.0 : 0.0}, SCIMIX_FIELD(data.crop_pad));
  changeable.advanced(
      "skip-unreadable",
      "Leaves out images of a folder that cannot be read, and prints their number. Otherwise "
      "unreadable images are an error.",
      SCIMIX_FIELD(data.skip_unreadable));
  changeable.advanced(
      "image-cache",
      "Keeps the decoded images of a folder with 1,000 or more in a file beside the run, in the "
      "folder image-cache. The next run decodes only the images that have changed.",
      SCIMIX_FIELD(data.image_cache));
  changeable.advanced(
      "image-storage",
      "Where the decoded images of a folder are during a run: in memory, or in a file beside the "
      "run, of which the system keeps in memory what fits (disk). auto takes the file if the "
      "images need more than a quarter of the memory. The results are the same.",
      SCIMIX_FIELD(data.image_storage));
  group.advanced("unlabeled-includes-labeled",
                 "Whether the unlabelled images include the labelled images, without their labels.",
                 SCIMIX_FIELD(unlabeled_includes_labeled));
}

// Adds the settings of a WideResNet. `encoder` returns the EncoderSettings of a Config.
template <class Config, class Encoder>
void add_encoder_settings(SettingTable<Config>& t, Encoder encoder) {
  const SettingAdder group(t, "WideResNet");
  group.advanced(
      "depth", "Number of layers, 6 n + 4. 10 is a small network, 28 the paper's.",
      {.least = 10, .most = 1000}, [encoder](auto& c) -> auto& { return encoder(c).depth; });
  group.advanced(
      "width", "Factor on the channels 16, 32 and 64 of the three stages.",
      {.least = 1, .most = 256}, [encoder](auto& c) -> auto& { return encoder(c).width; });
  group.advanced(
      "norm-eps", "Constant that batch norm adds to a variance before its square root.",
      {.least = 1e-12}, [encoder](auto& c) -> auto& { return encoder(c).norm_eps; });
  group.advanced(
      "norm-momentum",
      "Weight of a batch in the running statistics of batch norm. Short runs need a larger "
      "weight: 0.05 for a few thousand steps.",
      {.least = 0, .most = 1}, [encoder](auto& c) -> auto& { return encoder(c).norm_momentum; });
}

template <class Config>
void add_length_settings(SettingTable<Config>& t) {
  const SettingAdder group(t, "Training", OnResume::changes_training);
  group.everyday(
      "steps",
      "Number of steps. Schedules of learning rates and weights are relative to it. A resumed "
      "run may have more steps.",
      {.least = 1, .most = 2e9}, SCIMIX_FIELD(steps));
}

template <class Config>
void add_unlabeled_batch_setting(SettingTable<Config>& t) {
  const SettingAdder group(t, "Training");
  group.advanced(
      "unlabeled-batch",
      "Unlabelled images per step, for mean-teacher and fixmatch; 0 means as many as --batch, "
      "for fixmatch 7 times as many.",
      {.least = 0}, SCIMIX_FIELD(unlabeled_batch));
}

template <class Config>
void add_fixmatch_settings(SettingTable<Config>& t) {
  const SettingAdder fixmatch(t, "FixMatch");
  fixmatch.advanced("threshold",
                    "Smallest probability of a prediction that is used as a pseudo-label.",
                    {.least = 0, .most = 1}, SCIMIX_FIELD(fixmatch.threshold));
  fixmatch.advanced("unlabeled-weight", "Weight of the loss on pseudo-labels.", {.least = 0},
                    SCIMIX_FIELD(fixmatch.weight));
  fixmatch.advanced("strong-table",
                    "Published program whose ranges of magnitudes the strong augmentation uses.",
                    SCIMIX_FIELD(fixmatch.strong_table));
  fixmatch.advanced(
      "strong-operations",
      "Number of operations of the strong augmentation per image, drawn with replacement.",
      {.least = 0, .most = 8}, SCIMIX_FIELD(fixmatch.strong_operations));
  fixmatch.advanced("strong-probability", "Probability that a drawn operation is applied.",
                    {.least = 0, .most = 1}, SCIMIX_FIELD(fixmatch.strong_probability));
  fixmatch.advanced(
      "cutout",
      "Side in pixels of the box that the strong augmentation sets to grey (Cutout); 0 switches "
      "it off, -1 is half the side of an image.",
      {.least = -1}, SCIMIX_FIELD(fixmatch.cutout));
}

template <class Config>
void add_sgd_settings(SettingTable<Config>& t) {
  const SettingAdder group(t, "Training", OnResume::changes_training);
  group.everyday(
      "learning-rate",
      "SGD's learning rate at step 0, which falls as cos(7 pi k / 16 K) at step k of K, or the "
      "largest learning rate of a classifier's Adam. Lower it if losses become infinite.",
      {.least = 0}, SCIMIX_FIELD(sgd.learning_rate));
  group.advanced("momentum", "Nesterov momentum of SGD.", {.least = 0, .most = 0.9999},
                 SCIMIX_FIELD(sgd.momentum));
  group.advanced("weight-decay",
                 "Weight decay of SGD, only on the weights of convolutions and linear layers.",
                 {.least = 0}, SCIMIX_FIELD(sgd.weight_decay));
}

template <class Config>
void add_seed_and_precision_settings(SettingTable<Config>& t) {
  const SettingAdder group(t, "Training");
  group.everyday(
      "seed",
      "Seed of initial weights, order of images, augmentation and pairs. Runs with the same "
      "settings and seed give the same bits.",
      SCIMIX_FIELD(seed));
  group.advanced(
      "precision",
      "Number format: f32; tf32 (f32, but a GPU may round the inputs of products to TF32); bf16 "
      "(for activations and their gradients; meant for GPUs); f64 (slow and only on a CPU, "
      "for checks).",
      SCIMIX_FIELD(precision));
}

template <class Config>
void add_graph_and_rank_settings(SettingTable<Config>& t) {
  const SettingAdder graphs(t, "Graphs", OnResume::may_change);
  graphs.advanced(
      "graph",
      "Records a step as a graph and replays it, which gives the same results and is meant to be "
      "faster. auto does this on a GPU.",
      SCIMIX_FIELD(graphs.graph));
  graphs.advanced("steps-per-graph", "Largest number of steps in one graph.",
                  {.least = 1, .most = 64}, SCIMIX_FIELD(graphs.steps_per_graph));
  const SettingAdder ranks(t, "Ranks (mpirun, srun)");
  const SettingAdder changeable(t, "Ranks (mpirun, srun)", OnResume::may_change);
  ranks.advanced(
      "sync-norm",
      "Computes the batch statistics of batch norm over the images of all ranks, not of each "
      "rank separately.",
      SCIMIX_FIELD(ranks.sync_norm));
  changeable.advanced("rank-timeout",
                      "Seconds without an answer from another rank after which the run ends.",
                      {.least = 1}, SCIMIX_FIELD(ranks.timeout));
  changeable.advanced("check-ranks-every",
                      "Steps between two checks that all ranks have the same parameters.",
                      {.least = 1}, SCIMIX_FIELD(ranks.check_every));
}

template <class Config>
void add_out_setting(SettingTable<Config>& t, const std::string& help) {
  const SettingAdder group(t, "Output");
  group.everyday("out", help, SCIMIX_FIELD(output.out), SettingType::path);
}

template <class Config>
void add_device_setting(SettingTable<Config>& t) {
  const SettingAdder group(t, "Output", OnResume::may_change);
  group.everyday("device", "Device: auto (a GPU if there is one), cpu, cuda:N.",
                 SCIMIX_FIELD(output.device));
  group.advanced("threads",
                 "Threads of the CPU. 0: the value of OMP_NUM_THREADS, or else the cores that this "
                 "process may use, within its CPU quota (in a container).",
                 {.least = 0, .most = 4096}, SCIMIX_FIELD(output.threads));
}

template <class Config>
void add_output_settings(SettingTable<Config>& t, const std::string& default_out) {
  const SettingAdder group(t, "Output", OnResume::may_change);
  add_out_setting(t, "Run folder, for settings, logs, pictures and checkpoints. If empty, " +
                         default_out + ".");
  const auto count = [&](const char* name, const char* help, auto field) {
    group.advanced(name, help, {.least = 1}, field);
  };
  count("log-every", "Steps between two lines of metrics.jsonl.", SCIMIX_FIELD(output.log_every));
  count("eval-every", "Steps between two evaluations on the test images.",
        SCIMIX_FIELD(output.eval_every));
  count("eval-batch",
        "Batch size of evaluations, for images of 32x32 pixels; larger images have proportionally "
        "smaller batches. Lower it if memory runs out.",
        SCIMIX_FIELD(output.eval_batch));
  count("checkpoint-every",
        "Steps between two checkpoints. A crash loses the steps since the last checkpoint.",
        SCIMIX_FIELD(output.checkpoint_every));
  count("keep-checkpoints", "Number of checkpoints that are kept; older checkpoints are deleted.",
        SCIMIX_FIELD(output.keep_checkpoints));
  add_device_setting(t);
}

}  // namespace scimix

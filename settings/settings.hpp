// Settings that all kinds of training runs have. The command line, the files in configs/ and the
// config.toml of a run folder fill the same structures.
#pragma once

#include <cstdint>
#include <string>

#include "core/comm.hpp"
#include "core/device.hpp"
#include "core/dtype.hpp"
#include "data/dataset.hpp"
#include "kernels/image/augment.hpp"
#include "kernels/image/strong_augment.hpp"
#include "kernels/optim/schedule.hpp"
#include "models/wide_resnet.hpp"
#include "settings/choices.hpp"

namespace scimix {

struct DataSettings {
  std::string dataset = "digits";
  std::string data_dir;
  std::string labels = "all";  // a number, spread evenly over the classes, or "all"
  std::uint64_t split_seed = 0;
  // Seed of the synthetic digits, and of the held-out images of a folder.
  std::uint64_t data_seed = DatasetOptions{}.data_seed;
  std::int64_t image_size = 0;  // side in pixels; 0: the data set's own (folder: 32, CUB: 64)
  bool bounding_box = false;    // cub-200-2011: crop each image to its bird
  std::int64_t digits_train = DatasetOptions{}.digits_train;
  std::int64_t digits_test = DatasetOptions{}.digits_test;
  FlipMode flip = FlipMode::automatic;  // automatic: mirror images unless the data set forbids it
  int crop_pad = WeakAugment{}.pad;     // pixels
  bool skip_unreadable = false;         // folder: leave out images that cannot be read
  std::string labels_file;              // folder: a CSV file that names the classes of some images
  TestSet test = TestSet::automatic;    // none: no image is held out, and no accuracy is measured
  // Fraction of a folder without test images that is held out.
  double test_share = DatasetOptions{}.test_fraction;
  bool image_cache = true;  // folder: keep decoded images in a file beside the run
  ImageStorage image_storage = ImageStorage::automatic;  // folder: decoded images during a run
};

// The WideResNet of a classifier or an encoder.
struct EncoderSettings {
  int depth = WideResNetConfig{}.depth;
  int width = WideResNetConfig{}.width;
  double norm_eps = WideResNetConfig{}.norm.eps;
  // Weight of a batch in the running statistics.
  double norm_momentum = WideResNetConfig{}.norm.momentum;
};

// FixMatch's loss on unlabelled images and its strong augmentation.
struct FixMatchSettings {
  double threshold = 0.95;  // probability from which a pseudo-label is used
  double weight = 1;        // lambda_u
  StrongTable strong_table = StrongAugment{}.table;         // ranges of magnitudes
  int strong_operations = StrongAugment{}.operations;       // per image, drawn with replacement
  double strong_probability = StrongAugment{}.probability;  // that an operation is applied
  int cutout = -1;  // side in pixels; 0: none; -1: half an image
};

// SGD with Nesterov momentum and a cosine schedule.
struct SgdSettings {
  double learning_rate = CosineSchedule{}.base;  // at step 0
  double momentum = 0.9;
  double weight_decay = 5e-4;  // only on weights of convolutions and linear layers
};

// Adam for G, E_r and D.
struct AdamSettings {
  double learning_rate = 2e-3;
  double beta1 = 0;
  double beta2 = 0.99;
  double eps = 1e-8;
};

// Settings of a run with several ranks (core/ranks.hpp). They have no effect with one rank.
struct RankSettings {
  bool sync_norm = false;           // compute batch statistics over the images of all ranks
  double timeout = 600;             // seconds after which waiting for another rank ends the run
  std::int64_t check_every = 1000;  // steps between checks that all ranks have equal parameters
};

// How steps are submitted to the device. This does not change their results.
struct GraphSettings {
  GraphMode graph = GraphMode::automatic;  // automatic: record and replay steps on a GPU
  std::int64_t steps_per_graph = 4;        // the largest number of steps in one graph
};

struct OutputSettings {
  std::string out;              // run folder; empty: the run chooses a name under runs/
  std::int64_t log_every = 50;  // steps
  std::int64_t eval_every = 1000;
  std::int64_t eval_batch = 250;
  std::int64_t checkpoint_every = 1000;
  std::int64_t keep_checkpoints = 2;
  std::string device = "auto";
  std::int64_t threads = 0;  // of the CPU; 0: the default (core/threads.hpp)
};

// Returns the options with which load_dataset reads the data set of these settings.
[[nodiscard]] DatasetOptions dataset_options(const DataSettings& settings);

// Return the element type of activations and of parameters in a run of this precision. With tf32,
// both are f32, but a GPU may round the inputs of convolutions and matrix products to TF32.
[[nodiscard]] DType activation_type(Precision precision);
[[nodiscard]] DType parameter_type(Precision precision);
// Returns the strong augmentation of these settings for images of side x side pixels.
[[nodiscard]] StrongAugment strong_augment(const FixMatchSettings& settings, std::int64_t side);
// Checks that the device supports the precision. Errors (user): f64 on a GPU.
void check_precision(Precision precision, Device device);

// Returns whether a run records and replays its steps. Errors (user): GraphMode::on with several
// ranks on CPUs, which exchange data through host memory.
[[nodiscard]] bool uses_graphs(const GraphSettings& settings, Device device, const Comm& ranks);

// Checks an image size; `option` is named in the message. Errors (user): a size other than 0 that
// is below 8 or not a multiple of 4.
void check_image_size(std::int64_t size, const char* option = "--image-size");

}  // namespace scimix

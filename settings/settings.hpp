// Settings that every training run has, whatever it trains. The command line, a preset in configs/
// and the config.toml of a run folder fill the same structures.
#pragma once

#include <cstdint>
#include <string>

#include "core/comm.hpp"
#include "core/device.hpp"
#include "core/dtype.hpp"
#include "settings/choices.hpp"

namespace scimix {

struct DataSettings {
  std::string dataset = "digits";
  std::string data_dir;
  std::string labels = "all";  // a number, spread evenly over the classes, or "all"
  std::uint64_t split_seed = 0;
  std::uint64_t data_seed = 1;  // digits drawn, folder images held out
  std::int64_t image_size = 0;  // side to resize to; 0: the data set's own (folder: 32)
  std::int64_t digits_train = 20000;
  std::int64_t digits_test = 4000;
  FlipMode flip = FlipMode::automatic;  // mirror images where the data set allows it
  int crop_pad = 4;                     // pixels
  bool skip_unreadable = false;         // folder: leave out images that cannot be read
};

// WideResNet.
struct EncoderSettings {
  int depth = 28;
  int width = 2;
  double norm_eps = 1e-3;
  double norm_momentum = 1e-3;  // share of the batch in the running statistics
};

// SGD with Nesterov momentum, cosine schedule.
struct SgdSettings {
  double learning_rate = 0.03;  // at step 0
  double momentum = 0.9;
  double weight_decay = 5e-4;  // on kernels alone
};

// Several processes that train one model (core/ranks.hpp); without effect on one alone.
struct RankSettings {
  bool sync_norm = false;           // batch statistics over the images of all ranks
  double timeout = 600;             // seconds after which a rank that is waited for is given up
  std::int64_t check_every = 1000;  // steps between two checks that all hold the same parameters
};

// How a step is handed to the device. It changes no number.
struct GraphSettings {
  GraphMode graph = GraphMode::automatic;  // steps are recorded once and replayed on a GPU
  std::int64_t steps_per_graph = 4;        // at most, where no work of the host falls between them
};

struct OutputSettings {
  std::string out;              // run folder; the run chooses a name under runs/ when empty
  std::int64_t log_every = 50;  // steps
  std::int64_t eval_every = 1000;
  std::int64_t eval_batch = 250;
  std::int64_t checkpoint_every = 1000;
  std::int64_t keep_checkpoints = 2;
  std::string device = "auto";
};

// The type of activations in a run of this precision (f32, tf32, bf16, f64), and that of its
// parameters. tf32 is f32 whose products a GPU may compute from inputs rounded to TF32.
[[nodiscard]] DType activation_type(Precision precision);
[[nodiscard]] DType parameter_type(Precision precision);
// Errors (user): f64, the reference of checks, on a GPU.
void check_precision(Precision precision, Device device);

// Whether a run replays its steps. Errors (user): `on` where ranks meet through host memory.
[[nodiscard]] bool uses_graphs(const GraphSettings& settings, Device device, const Comm& ranks);

// Checks what ranges of single settings cannot say. Errors (user): an image size that no network
// takes.
void check_image_size(const DataSettings& settings);

}  // namespace scimix

// Every setting of a classifier run. The command line, a preset in configs/ and the config.toml of
// a run folder fill the same structure.
#pragma once

#include <cstdint>
#include <string>

namespace scimix {

struct ClassifierConfig {
  std::string method = "supervised";

  // Data.
  std::string dataset = "digits";
  std::string data_dir;
  std::string labels = "all";  // a number, spread evenly over the classes, or "all"
  std::uint64_t split_seed = 0;
  std::uint64_t data_seed = 1;   // digits drawn, folder images held out
  std::int64_t image_size = 32;  // folder: side after resizing
  std::int64_t digits_train = 20000;
  std::int64_t digits_test = 4000;
  std::string flip = "auto";  // auto (where the data set allows it), on, off
  int crop_pad = 4;           // pixels

  // Model: WideResNet.
  int depth = 28;
  int width = 2;
  double norm_eps = 1e-3;
  double norm_momentum = 1e-3;  // share of a batch in the running statistics

  // Training.
  std::int64_t steps = 65536;
  std::int64_t batch = 64;
  double learning_rate = 0.03;
  double momentum = 0.9;
  double weight_decay = 5e-4;
  double ema_decay = 0.999;
  std::uint64_t seed = 0;
  std::string precision = "f32";  // f32, bf16

  // Output.
  std::string out;              // run folder; runs/<dataset>-<method>-<seed> when empty
  std::int64_t log_every = 50;  // steps
  std::int64_t eval_every = 1000;
  std::int64_t eval_batch = 250;
  std::int64_t checkpoint_every = 1000;
  std::int64_t keep_checkpoints = 2;
  std::string device = "auto";
};

// Throws a user error for the first setting that is out of its range.
void check(const ClassifierConfig& config);

}  // namespace scimix

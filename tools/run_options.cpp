#include "tools/run_options.hpp"

#include <algorithm>

#include "data/dataset.hpp"

namespace scimix {

namespace {

std::string dataset_list() {
  std::string list;
  for (const std::string& name : dataset_names()) list += (list.empty() ? "" : ", ") + name;
  return list;
}

}  // namespace

CLI::Validator whole_seed() {
  return CLI::Validator(
      [](const std::string& word) {
        const bool digits = word.find_first_not_of("0123456789") == std::string::npos;
        return digits ? std::string() : word + ": expected a whole number from 0";
      },
      "", "seed");
}

void use_setting_defaults(CLI::App& app) {
  app.option_defaults()->always_capture_default()->multi_option_policy(
      CLI::MultiOptionPolicy::TakeLast);
}

void set_option(CLI::App& app, const std::string& name, const std::string& value) {
  CLI::Option* const option = app.get_option(name);
  option->clear();
  option->add_result(value);
  option->run_callback();
}

std::string option_text(const CLI::App& app, const std::string& name) {
  const CLI::Option* const option = app.get_option(name);
  return option->count() > 0 ? option->results().back() : option->get_default_str();
}

bool is_named(const std::vector<std::string>& arguments, const std::string& name) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& word) {
    return word == name || word.starts_with(name + "=");
  });
}

void add_data_options(CLI::App& app, DataSettings& s) {
  const std::string group = "Data";
  app.add_option("--dataset", s.dataset, dataset_list())->group(group);
  app.add_option("--data-dir", s.data_dir, "folder of the data set (not for digits)")->group(group);
  app.add_option("--labels", s.labels, "labelled images, evenly over the classes, or all")
      ->group(group);
  app.add_option("--split-seed", s.split_seed, "which images are labelled")
      ->group(group)
      ->check(whole_seed());
  app.add_option("--data-seed", s.data_seed, "digits drawn, folder images held out for testing")
      ->group(group)
      ->check(whole_seed());
  app.add_option("--image-size", s.image_size,
                 "side in pixels to which images are resized; 0: as they are (folder: 32)")
      ->group(group);
  app.add_option("--digits-train", s.digits_train, "digits: training images")->group(group);
  app.add_option("--digits-test", s.digits_test, "digits: test images")->group(group);
  add_choice(app, "--flip", s.flip, "mirror images at random: auto, on, off")->group(group);
  app.add_option("--crop-pad", s.crop_pad, "random shift in pixels")->group(group);
}

void add_encoder_options(CLI::App& app, EncoderSettings& s) {
  const std::string group = "WideResNet";
  app.add_option("--depth", s.depth, "6 n + 4")->group(group);
  app.add_option("--width", s.width, "16, 32, 64 channels times this")->group(group);
  app.add_option("--norm-eps", s.norm_eps, "epsilon of batch norm")->group(group);
  app.add_option("--norm-momentum", s.norm_momentum, "share of a batch in running statistics")
      ->group(group);
}

void add_sgd_options(CLI::App& app, SgdSettings& s, const std::string& group) {
  app.add_option("--learning-rate", s.learning_rate, "SGD, at step 0; falls as cos(7 pi k / 16 K)")
      ->group(group);
  app.add_option("--momentum", s.momentum, "SGD, Nesterov")->group(group);
  app.add_option("--weight-decay", s.weight_decay, "SGD, on kernels only")->group(group);
}

void add_precision_option(CLI::App& app, Precision& precision, const std::string& group) {
  add_choice(app, "--precision", precision,
             "f32, tf32 (f32, with a GPU's TF32 products), bf16 (activations), f64 (CPU: slow, for "
             "checks)")
      ->group(group);
}

void add_graph_options(CLI::App& app, GraphSettings& s) {
  const std::string group = "Graphs";
  add_choice(app, "--graph", s.graph,
             "record a step once and replay it: auto (on a GPU), on, off; the numbers are the "
             "same")
      ->group(group);
  app.add_option("--steps-per-graph", s.steps_per_graph, "steps replayed at once, at most")
      ->group(group);
}

void add_rank_options(CLI::App& app, RankSettings& s) {
  const std::string group = "Ranks (mpirun, srun)";
  app.add_option("--sync-norm", s.sync_norm,
                 "batch norm's statistics are those of the images of all ranks: true, false")
      ->group(group);
  app.add_option("--rank-timeout", s.timeout,
                 "seconds after which a rank that is waited for is given up, and the run ends")
      ->group(group);
  app.add_option("--check-ranks-every", s.check_every,
                 "steps between two checks that all ranks hold the same parameters")
      ->group(group);
}

void add_output_options(CLI::App& app, OutputSettings& s, const std::string& default_out) {
  const std::string group = "Output";
  app.add_option("--out", s.out, "run folder (default " + default_out + ")")->group(group);
  app.add_option("--log-every", s.log_every, "steps")->group(group);
  app.add_option("--eval-every", s.eval_every, "steps")->group(group);
  app.add_option("--eval-batch", s.eval_batch, "images per evaluation batch")->group(group);
  app.add_option("--checkpoint-every", s.checkpoint_every, "steps")->group(group);
  app.add_option("--keep-checkpoints", s.keep_checkpoints, "newest ones kept")->group(group);
  app.add_option("--device", s.device, "auto, cpu, cuda:N")->group(group);
}

}  // namespace scimix

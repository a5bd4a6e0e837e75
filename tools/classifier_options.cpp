#include "tools/classifier_options.hpp"

#include "data/dataset.hpp"

namespace scimix {

namespace {

std::string dataset_list() {
  std::string list;
  for (const std::string& name : dataset_names()) list += (list.empty() ? "" : ", ") + name;
  return list;
}

// CLI11 wraps a negative number into a huge one.
CLI::Validator whole_seed() {
  return CLI::Validator(
      [](const std::string& word) {
        const bool digits = word.find_first_not_of("0123456789") == std::string::npos;
        return digits ? std::string() : word + ": expected a whole number from 0";
      },
      "", "seed");
}

}  // namespace

void add_classifier_options(CLI::App& app, ClassifierConfig& c) {
  // The last one counts, so that a script's options can be overridden behind it.
  app.option_defaults()->always_capture_default()->multi_option_policy(
      CLI::MultiOptionPolicy::TakeLast);
  app.add_option("--method", c.method, "supervised")->group("Method");

  const std::string data = "Data";
  app.add_option("--dataset", c.dataset, dataset_list())->group(data);
  app.add_option("--data-dir", c.data_dir, "folder of the data set (not for digits)")->group(data);
  app.add_option("--labels", c.labels, "labelled images, evenly over the classes, or all")
      ->group(data);
  app.add_option("--split-seed", c.split_seed, "which images are labelled")
      ->group(data)
      ->check(whole_seed());
  app.add_option("--data-seed", c.data_seed, "digits drawn, folder images held out for testing")
      ->group(data)
      ->check(whole_seed());
  app.add_option("--image-size", c.image_size, "folder: side of the images in pixels")->group(data);
  app.add_option("--digits-train", c.digits_train, "digits: training images")->group(data);
  app.add_option("--digits-test", c.digits_test, "digits: test images")->group(data);
  app.add_option("--flip", c.flip, "mirror images at random: auto, on, off")->group(data);
  app.add_option("--crop-pad", c.crop_pad, "random shift in pixels")->group(data);

  const std::string model = "Model (WideResNet)";
  app.add_option("--depth", c.depth, "6 n + 4")->group(model);
  app.add_option("--width", c.width, "16, 32, 64 channels times this")->group(model);
  app.add_option("--norm-eps", c.norm_eps, "epsilon of batch norm")->group(model);
  app.add_option("--norm-momentum", c.norm_momentum, "share of a batch in running statistics")
      ->group(model);

  const std::string training = "Training";
  app.add_option("--steps", c.steps, "length of the run")->group(training);
  app.add_option("--batch", c.batch, "images per step")->group(training);
  app.add_option("--learning-rate", c.learning_rate, "at step 0; falls as cos(7 pi k / 16 K)")
      ->group(training);
  app.add_option("--momentum", c.momentum, "Nesterov momentum")->group(training);
  app.add_option("--weight-decay", c.weight_decay, "on kernels only")->group(training);
  app.add_option("--ema-decay", c.ema_decay, "of the averaged model, which is evaluated")
      ->group(training);
  app.add_option("--seed", c.seed, "initial weights, order of images, augmentation")
      ->group(training)
      ->check(whole_seed());
  app.add_option("--precision", c.precision, "f32, bf16 (activations)")->group(training);

  const std::string output = "Output";
  app.add_option("--out", c.out, "run folder (default runs/DATASET-METHOD-SEED)")->group(output);
  app.add_option("--log-every", c.log_every, "steps")->group(output);
  app.add_option("--eval-every", c.eval_every, "steps")->group(output);
  app.add_option("--eval-batch", c.eval_batch, "images per evaluation batch")->group(output);
  app.add_option("--checkpoint-every", c.checkpoint_every, "steps")->group(output);
  app.add_option("--keep-checkpoints", c.keep_checkpoints, "newest ones kept")->group(output);
  app.add_option("--device", c.device, "auto, cpu, cuda:N")->group(output);
}

}  // namespace scimix

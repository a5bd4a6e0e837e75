#include "trainers/run_inputs.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/is_inside.hpp"
#include "core/paths.hpp"
#include "core/threads.hpp"
#include "report/count_line.hpp"
#include "report/run_folder.hpp"

namespace scimix {

namespace {

Dataset read_dataset(const DataSettings& settings, const std::filesystem::path& run,
                     std::ostream& progress) {
  CountLine line(progress, stderr_is_terminal(), "reading images");
  DatasetOptions options = dataset_options(settings);
  const std::filesystem::path beside = RunFolder::image_cache(run);
  if (settings.image_cache) options.image_cache = beside;
  options.storage = {.storage = settings.image_storage, .folder = beside};
  options.progress = [&](std::int64_t done, std::int64_t images) { line.update(done, images); };
  return load_dataset(settings.dataset, settings.data_dir, options);
}

// Creates the folder and removes it again.
void check_can_be_created(const std::filesystem::path& folder) {
  std::filesystem::path first = absolute_path(folder);  // the first folder of the path to create
  if (path_kind(first) != PathKind::missing) return;
  while (first.has_relative_path() && path_kind(first.parent_path()) == PathKind::missing) {
    first = first.parent_path();
  }
  std::error_code error;
  std::filesystem::create_directory(first, error);
  if (error) user_error(shown(folder), ": cannot make this folder: ", error.message());
  std::filesystem::remove(first, error);
}

}  // namespace

void check_new_run(const std::filesystem::path& folder, const DataSettings& data) {
  RunFolder::check_free(folder);
  if (data.dataset == "folder" && !data.data_dir.empty() && is_inside(folder, data.data_dir)) {
    user_error("--out ", shown(folder), ": in the folder of the images, ", shown(data.data_dir),
               "; expected a folder outside of it");
  }
  check_can_be_created(folder);
}

RunInputs load_run_inputs(const DataSettings& settings, const RankSettings& ranks,
                          const OutputSettings& output, const RunRequest& request,
                          const std::filesystem::path& run, std::ostream& progress) {
  RunInputs inputs;
  use_threads(static_cast<int>(output.threads),
              request.ranks != nullptr ? request.ranks->local_size() : 1);
  inputs.device =
      request.ranks != nullptr ? request.ranks->device(output.device) : parse_device(output.device);
  select_device(inputs.device);
  if (request.ranks != nullptr) inputs.ranks = &request.ranks->comm(inputs.device, ranks.timeout);
  inputs.dataset = read_dataset(settings, run, progress);
  const auto labels = parse_label_count(settings.labels);
  if (!request.resume) {
    inputs.split = make_split(inputs.dataset, labels, settings.split_seed);
    return inputs;
  }
  const std::filesystem::path split = RunFolder::open(*request.resume).split();
  inputs.split = load_split(split, inputs.dataset);
  check_same_test_images(split, inputs.split, inputs.dataset);
  return inputs;
}

std::string unused_data_note(const DataSettings& settings) {
  if (settings.dataset != "digits" || settings.data_dir.empty()) return {};
  return "note: --data-dir is not used, since --dataset is digits, which are drawn "
         "(--dataset folder reads your own pictures)";
}

void check_batch(const std::string& option, std::int64_t rows, const Comm& ranks) {
  if (rows % ranks.size() == 0) return;
  user_error(option, " ", rows, ": expected a multiple of the ", ranks.size(),
             " ranks, which share every batch equally");
}

WeakAugment weak_augment(const DataSettings& settings, const Dataset& dataset, std::uint64_t seed) {
  const bool flip =
      settings.flip == FlipMode::automatic ? dataset.flip_allowed : settings.flip == FlipMode::on;
  if (settings.crop_pad >= dataset.train.height || settings.crop_pad >= dataset.train.width) {
    user_error("--crop-pad ", settings.crop_pad, ": expected less than the images' ",
               dataset.train.height, "x", dataset.train.width, " pixels");
  }
  return {.flip = flip, .pad = settings.crop_pad, .seed = seed};
}

void check_strong_size(const std::string& option, Method method, std::int64_t height,
                       std::int64_t width) {
  if (method != Method::fixmatch || height * width <= kStrongPixels) return;
  user_error(option, ": images of ", width, "x", height, " pixels, expected at most ",
             kStrongPixels, " pixels each, such as 100x100 (--image-size)");
}

WideResNetConfig encoder_config(const EncoderSettings& settings, std::int64_t classes) {
  return {.depth = settings.depth,
          .width = settings.width,
          .classes = static_cast<int>(classes),
          .norm = {.eps = settings.norm_eps, .momentum = settings.norm_momentum}};
}

SgdOptions sgd_options(const SgdSettings& settings, std::int64_t steps, double ema_decay) {
  return {.schedule = {.base = settings.learning_rate, .total_steps = steps},
          .momentum = static_cast<float>(settings.momentum),
          .weight_decay = static_cast<float>(settings.weight_decay),
          .ema_decay = static_cast<float>(ema_decay)};
}

}  // namespace scimix

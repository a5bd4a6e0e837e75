#include "trainers/matching_run.hpp"

#include "core/error.hpp"
#include "report/run_folder.hpp"
#include "settings/settings_file.hpp"
#include "trainers/checkpoint.hpp"

namespace scimix {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

}  // namespace

void check_finished(const std::filesystem::path& folder, const RunKind& kind) {
  const RunFolder run = RunFolder::open(folder);
  const std::filesystem::path checkpoint = run.required_checkpoint();
  const SettingValues values = resolve(kind, read_settings_file(kind, run.config())).values;
  const auto steps = std::get<std::int64_t>(values[static_cast<std::size_t>(kind.index("steps"))]);
  const auto made =
      number_of<std::int64_t>(read_checkpoint_metadata(checkpoint), "step", checkpoint);
  if (made >= steps) return;
  const std::string command = "scimix_train " + kind.name + " --resume " + folder.string();
  user_error(folder.string(), ": has made ", made, " of ", steps, " steps; finish it with ",
             command, ", or keep it as it is with ", command, " --steps ", made);
}

std::string labels_text(const std::string& labels, std::int64_t labeled,
                        const std::string& split_seed) {
  if (labels == "all" || labels == std::to_string(labeled)) return "all labels";
  return labels + " labels by split seed " + split_seed;
}

void check_same_classes(const TrainedOn& run, const Dataset& dataset) {
  if (run.class_names != dataset.class_names) {
    user_error(run.where, ": ", run.what, " for the classes ", joined(run.class_names),
               ", expected those of ", dataset.name, ": ", joined(dataset.class_names));
  }
  if (dataset.train.height != run.image_size || dataset.train.width != run.image_size) {
    user_error(run.where, ": ", run.what, " for images of ", run.image_size, "x", run.image_size,
               " pixels, expected ", dataset.train.width, "x", dataset.train.height, " as in ",
               dataset.name, " (--image-size)");
  }
}

void check_same_images(const TrainedOn& run, const Split& split, const std::string& why) {
  if (run.train_hash == split.train_hash) return;
  user_error(run.where, ": ", run.what, " of other training images (hash ", run.train_hash,
             ", expected ", split.train_hash, ")", why);
}

void check_same_labels(const TrainedOn& run, const Dataset& dataset, const Split& split,
                       const std::string& why) {
  const std::string here = labels_text(std::to_string(split.labeled.size()),
                                       labeled_count(dataset.train), std::to_string(split.seed));
  if (run.labels != here) {
    user_error(run.where, ": ", run.what, " trained with ", run.labels, ", expected ", here, why);
  }
}

void check_same_shape(const std::string& where, const WideResNetConfig& found,
                      const EncoderSettings& expected, const std::string& whose) {
  if (found.depth != expected.depth || found.width != expected.width) {
    user_error(where, " is a WideResNet-", found.depth, "-", found.width, ", expected ", whose,
               " --depth ", expected.depth, " --width ", expected.width);
  }
  if (found.norm.eps != expected.norm_eps) {
    user_error(where, " has batch norm with --norm-eps ", found.norm.eps, ", expected ", whose,
               " --norm-eps ", expected.norm_eps);
  }
}

}  // namespace scimix

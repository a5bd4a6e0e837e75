#include "trainers/guide.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "settings/run_kinds.hpp"
#include "settings/settings_file.hpp"
#include "trainers/classifier_checkpoint.hpp"
#include "trainers/classifier_run.hpp"
#include "trainers/classifier_trainer.hpp"
#include "trainers/generator_checkpoint.hpp"
#include "trainers/matching_run.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

constexpr const char* kWhy = "; the guide's knowledge of them would leak into the generator";

fs::path checkpoint_of(const fs::path& folder) {
  if (!is_file(folder / "config.toml")) {
    user_error(folder.string(),
               ": no run here, expected the folder of a run of scimix_train classifier");
  }
  return RunFolder::open(folder).required_checkpoint();
}

std::string method_of(const CheckpointMetadata& said) {
  const std::string method = value_of(said, "method");
  const std::string mixer = value_of(said, "mixer");
  return mixer.empty() || mixer == "none" ? method : method + " with hybrids by " + mixer;
}

}  // namespace

fs::path guide_folder(const fs::path& run) {
  return run / "guide";
}

void check_guide_left(const GeneratorRunConfig& config, Method method, const fs::path& run) {
  const fs::path folder = guide_folder(run);
  if (!is_file(folder / "config.toml")) return;
  const RunKind& kind = classifier_kind();
  const SettingValues wanted = classifier_table().values(semantic_classifier(config, method));
  const SettingValues there =
      resolve(kind, read_settings_file(kind, folder / "config.toml")).values;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const Setting& setting = kind.settings[i];
    if (setting.on_resume == OnResume::may_change || setting.name == "out") continue;
    if (there[i] == wanted[i]) continue;
    user_error(folder.string(), ": holds a guide with other settings (--", setting.name, " ",
               toml_value(there[i]), ", here ", toml_value(wanted[i]),
               "), expected the same, or no guide there");
  }
}

bool train_guide(const GeneratorRunConfig& config, Method method, const RunFolder& run,
                 const RunRequest& request, const RunStreams& streams) {
  ClassifierConfig guide = semantic_classifier(config, method);
  const fs::path folder = guide_folder(run.path());
  guide.output.out = folder.string();
  RunRequest asked = request;
  asked.config_text =
      config_text(classifier_kind(), classifier_table().values(guide), {kMadeBy + request.command});
  const bool begun = is_file(folder / "config.toml");
  asked.resume.reset();
  asked.changes_training.clear();  // they concern the generator's own steps
  if (request.ranks == nullptr ? begun : request.ranks->agree(begun)) asked.resume = folder;
  fmt::print(streams.out, "\nguide: {} for {} steps, in {}\n", name_of(method), guide.steps,
             folder.string());
  const bool finished = !run_classifier(guide, asked, streams).interrupted;
  fmt::print(streams.out, "\n");
  streams.out.flush();
  return finished;
}

void check_guide(const fs::path& folder) {
  const fs::path checkpoint = checkpoint_of(folder);
  check_format(checkpoint, read_checkpoint_metadata(checkpoint), kClassifierFormat, "classifier");
  check_finished(folder, classifier_kind());
}

TrainedGuide load_matching_guide(const fs::path& folder, const GeneratorRunConfig& config,
                                 const Dataset& dataset, const Split& split, Device device) {
  const fs::path checkpoint = checkpoint_of(folder);
  const CheckpointMetadata said = read_checkpoint_metadata(checkpoint);
  check_format(checkpoint, said, kClassifierFormat, "classifier");
  TrainedOn run{.where = folder.string(),
                .what = "a classifier",
                .class_names = class_names_of(said, checkpoint),
                .image_size = number_of<std::int64_t>(said, "image_size", checkpoint),
                .train_hash = value_of(said, "train_hash"),
                .labels = {}};
  check_same_classes(run, dataset);
  const WideResNetConfig shape{
      .depth = static_cast<int>(number_of<std::int64_t>(said, "depth", checkpoint)),
      .width = static_cast<int>(number_of<std::int64_t>(said, "width", checkpoint)),
      .classes = static_cast<int>(run.class_names.size()),
      .norm = {.eps = number_of<double>(said, "norm_eps", checkpoint)}};
  check_same_shape(folder.string() + ":", shape, config.encoder, "the generator's");
  check_same_images(run, split, kWhy);
  const Split learnt = load_split(RunFolder::open(folder).split(), dataset);
  run.labels = labels_text(std::to_string(learnt.labeled.size()), labeled_count(dataset.train),
                           std::to_string(learnt.seed));
  check_same_labels(run, dataset, split, kWhy);
  if (learnt.labeled != split.labeled) {
    user_error(folder.string(), ": a classifier trained with other labelled images than ",
               run.labels, " of this data set", kWhy);
  }
  return {checkpoint, method_of(said), number_of<std::int64_t>(said, "step", checkpoint),
          load_wide_resnet(checkpoint, "ema.", shape, parameter_type(config.precision), device)};
}

}  // namespace scimix

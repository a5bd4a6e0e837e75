#include "tools/train/needed_generator.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <array>
#include <filesystem>

#include "core/paths.hpp"
#include "report/run_folder.hpp"
#include "settings/run_kinds.hpp"
#include "settings/settings_file.hpp"
#include "settings/shared_settings.hpp"
#include "tools/train/train_command.hpp"
#include "trainers/checkpoint.hpp"
#include "trainers/classifier_run.hpp"
#include "trainers/generator_run.hpp"
#include "trainers/run_inputs.hpp"
#include "trainers/training_run.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

// The settings on which generator and classifier must agree, besides kImageSettings.
constexpr std::array<const char*, 13> kShared{
    "data-dir",    "labels-file", "split-seed",    "flip",
    "crop-pad",    "image-cache", "image-storage", "unlabeled-includes-labeled",
    "device",      "threads",     "precision",     "sync-norm",
    "rank-timeout"};

bool has_all_steps(const fs::path& folder, const GeneratorRunConfig& config) {
  const auto checkpoint = RunFolder::open(folder).latest_checkpoint();
  if (!checkpoint) return false;
  return value_of(read_checkpoint_metadata(*checkpoint), "step") == std::to_string(config.steps);
}

// Finishes the run in `folder` with the run's own settings. Returns false if it was interrupted.
bool finish(const fs::path& folder, Ranks& ranks, const RunStreams& streams) {
  const RunKind& kind = generator_kind();
  const AskedRun asked = read_command(kind, {"--resume=" + folder.string()});
  const GeneratorRunConfig config = generator_table().config(asked.values);
  if (ranks.agree(has_all_steps(folder, config))) return true;
  fmt::print(streams.out, "generator {}: not finished yet, going on with it\n", folder.string());
  streams.out.flush();
  const RunRequest request = make_request(kind, asked, asked.values, "", ranks);
  return !run_generator(config, request, streams).interrupted;
}

// Returns whether the classifier's --scale replaces steps and sizes that the generator's own file
// gives. A file that has this scale itself gives them for it.
bool shrinks(const ClassifierConfig& classifier, const GeneratorRunConfig& of_file) {
  return classifier.scale != RunScale::full && classifier.scale != of_file.scale;
}

GeneratorRunConfig generator_settings(const ClassifierConfig& classifier) {
  const RunKind& kind = generator_kind();
  std::vector<SettingLayer> layers = read_settings_file(kind, classifier.hybrids.generator_config);
  const auto labels = static_cast<std::size_t>(kind.index("labels"));
  const bool file_names_labels = resolve(kind, layers).given[labels];
  const SettingValues of_file = resolve(kind, layers).values;
  if (shrinks(classifier, generator_table().config(of_file))) {
    layers.push_back({{kind.index("scale"), std::string(name_of(classifier.scale))}});
  }
  // These settings override the generator's own file.
  layers.push_back(generator_settings_by(classifier, file_names_labels));
  return generator_table().config(resolve(kind, layers).values);
}

// Trains the generator by the command that asked for the classifier, which is the one that repeats
// it: the classifier's settings override those of the generator's file.
bool train(const ClassifierConfig& wanted, const std::string& typed, Ranks& ranks,
           const RunStreams& streams) {
  const GeneratorRunConfig config = generator_settings(wanted);
  const RunKind& kind = generator_kind();
  const std::string& file = wanted.hybrids.generator_config;
  const SettingValues of_file = resolve(kind, read_settings_file(kind, file)).values;
  const bool smaller = shrinks(wanted, generator_table().config(of_file));
  fmt::print(streams.out, "no generator in {}: training one with the settings of {}{}\n",
             wanted.hybrids.generator, file,
             smaller ? fmt::format(", scaled down by --scale {}", name_of(wanted.scale)) : "");
  streams.out.flush();
  const AskedRun asked{.done = {}, .values = generator_table().values(config)};
  const RunRequest request = make_request(kind, asked, asked.values, typed, ranks);
  return !run_generator(config, request, streams).interrupted;
}

}  // namespace

SettingLayer generator_settings_by(const ClassifierConfig& classifier, bool keep_labels) {
  const RunKind& from = classifier_kind();
  const RunKind& to = generator_kind();
  const SettingValues values = classifier_table().values(classifier);
  SettingLayer layer;
  const auto give = [&](const std::string& name, SettingValue value) {
    layer.push_back({to.index(name), std::move(value)});
  };
  const auto value = [&](const std::string& name) {
    return values[static_cast<std::size_t>(from.index(name))];
  };
  for (const char* const name : kImageSettings) give(name, value(name));
  for (const char* const name : kShared) give(name, value(name));
  if (!keep_labels) give("labels", value("labels"));
  give("seed", value("split-seed"));
  give("out", value("generator"));
  return layer;
}

bool may_be_all(const DataSettings& data) {
  constexpr std::int64_t kFewestImages = 2000;  // data sets in files have more
  const auto labels = parse_label_count(data.labels);
  return labels && *labels >= (data.dataset == "digits" ? data.digits_train : kFewestImages);
}

void check_generator_suits(const SettingValues& classifier, const SettingValues& generator) {
  const auto of = [](const RunKind& kind, const SettingValues& values, const char* name) {
    return text_of(values[static_cast<std::size_t>(kind.index(name))]);
  };
  const auto check_equal = [&](const char* name, const char* why) {
    const std::string here = of(classifier_kind(), classifier, name);
    const std::string there = of(generator_kind(), generator, name);
    if (here == there) return;
    user_error("--", name, " ", here, ": the generator has ", there, ", expected the same", why);
  };
  if (of(classifier_kind(), classifier, "allow-other-split") != "true") {
    const char* const why =
        ", or its knowledge of other labels leaks (--allow-other-split permits it)";
    // Whether a large number is that of all training images, so that it means the same as "all" and
    // the split seed does not matter, only the runs know.
    const DataSettings here = classifier_table().config(classifier).data;
    const DataSettings there = generator_table().config(generator).data;
    if (here.labels != "all" && there.labels != "all" && !may_be_all(here) && !may_be_all(there)) {
      check_equal("labels", why);
      check_equal("split-seed", why);
    }
  }
  if (of(classifier_kind(), classifier, "init-from") != "generator") return;
  for (const char* const name : {"depth", "width", "norm-eps"}) {
    check_equal(name, ", as the classifier starts from it (--init-from generator)");
  }
}

bool provide_generator(const ClassifierConfig& config, const fs::path& resume,
                       const std::string& typed, Ranks& ranks, const RunStreams& streams) {
  if (!uses_generator(config) || config.hybrids.generator_config.empty()) return true;
  // Mistakes are found before the generator is trained.
  check(config);
  bool finished = false;
  if (!resume.empty()) {
    finished = is_finished(RunFolder::open(resume), config.steps);
  } else if (ranks.rank() == 0) {
    check_new_run(run_folder_of(config), config.data);
  }
  if (ranks.agree(finished)) return true;
  const fs::path there = config.hybrids.generator;
  // A run that was killed at its very start has a folder, but no settings: it starts anew.
  if (ranks.agree(is_file(there))) return true;
  if (ranks.agree(is_file(there / "config.toml"))) return finish(there, ranks, streams);
  check_generator_suits(classifier_table().values(config),
                        generator_table().values(generator_settings(config)));
  const bool done = train(config, typed, ranks, streams);
  fmt::print(streams.out, "\n");
  return done;
}

}  // namespace scimix

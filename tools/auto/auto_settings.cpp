#include "tools/auto/auto_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/paths.hpp"
#include "settings/run_kinds.hpp"
#include "tools/train/needed_generator.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

// Settings of the job that mean something else in a run, or are given separately.
constexpr std::array<std::string_view, 7> kOfJob{"minutes", "method",    "scale",     "steps",
                                                 "out",     "init-from", "hybrid-use"};

// Returns the settings of the job that the kind of run has under the same name.
SettingLayer shared_settings(const AutoConfig& config, const RunKind& to) {
  const RunKind& from = auto_kind();
  const SettingValues values = auto_table().values(config);
  SettingLayer layer;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string& name = from.settings[i].name;
    const int index = find_setting(to.settings, name);
    if (index < 0 || std::ranges::find(kOfJob, name) != kOfJob.end()) continue;
    if (name == "guide-steps") continue;  // of the generator: its guide is a run of its own
    layer.push_back({index, values[i]});
  }
  return layer;
}

using Given = std::vector<std::pair<const char*, SettingValue>>;

SettingLayer layer_of(const RunKind& kind, const Given& given) {
  SettingLayer layer;
  for (const auto& [name, value] : given) layer.push_back({kind.index(name), value});
  return layer;
}

// Returns settings that depend on the length of a run. About 10 evaluations show how it proceeds
// and cost little time; on a CPU, the default of a short run would be far more of them.
Given lengths(std::int64_t steps) {
  const std::int64_t tenth = std::max<std::int64_t>(1, steps / 10);
  return {{"steps", std::max<std::int64_t>(1, steps)},
          {"eval-every", tenth},
          {"checkpoint-every", std::min<std::int64_t>(tenth, 500)}};
}

ClassifierConfig classifier_of(const AutoConfig& picked, std::int64_t steps, Given given) {
  const RunKind& kind = classifier_kind();
  for (const auto& one : lengths(steps)) given.push_back(one);
  const std::vector<SettingLayer> layers{
      layer_of(kind, {{"scale", std::string(name_of(picked.scale))}}),
      shared_settings(picked, kind), layer_of(kind, given)};
  return classifier_table().config(resolve(kind, layers).values);
}

GeneratorRunConfig generator_of(const AutoConfig& picked, const ClassifierConfig& classifier,
                                Given given) {
  const RunKind& kind = generator_kind();
  for (const auto& one : lengths(picked.generator_steps)) given.push_back(one);
  const std::vector<SettingLayer> layers{
      layer_of(kind, {{"scale", std::string(name_of(picked.scale))}}),
      generator_settings_by(classifier, /*keep_labels=*/false), shared_settings(picked, kind),
      layer_of(kind, given)};
  return generator_table().config(resolve(kind, layers).values);
}

// Returns the settings of the job with those of the classifier that is trained if the guide is weak
// in place of those of its other runs.
AutoConfig with_plain_settings(AutoConfig picked) {
  const std::int64_t size = picked.data.image_size;
  const PlainSettings& plain = picked.plain;
  picked.data.crop_pad = static_cast<int>(picked.data.crop_pad * plain.image_size / size);
  picked.data.image_size = plain.image_size;
  picked.scale = plain.scale;
  picked.depth = plain.depth;
  picked.width = plain.width;
  return picked;
}

}  // namespace

fs::path run_folder_of(const AutoConfig& config) {
  if (!config.output.out.empty()) return config.output.out;
  return fs::path("runs") / fmt::format("{}-auto-{}", config.data.dataset, config.seed);
}

AutoRunSettings auto_run_settings(const AutoConfig& picked) {
  const fs::path folder = absolute_path(run_folder_of(picked));
  const auto in_folder = [&](const char* name) { return (folder / name).string(); };
  const bool hybrids = picked.generator_steps > 0;
  const bool guided = hybrids && picked.guide_steps > 0;
  AutoRunSettings runs;
  runs.guide = classifier_of(picked, picked.guide_steps,
                             {{"method", std::string("fixmatch")}, {"out", in_folder(kAutoGuide)}});
  Given of_classifier{{"method", std::string(name_of(picked.method))},
                      {"out", in_folder(kAutoClassifier)}};
  if (hybrids) {
    of_classifier.emplace_back("mixer", std::string("scimix"));
    of_classifier.emplace_back("generator", in_folder(kAutoGenerator));
    of_classifier.emplace_back("init-from", std::string(name_of(picked.init_from)));
    of_classifier.emplace_back("hybrid-use", std::string(name_of(picked.hybrid_use)));
  }
  runs.classifier = classifier_of(picked, picked.steps, of_classifier);
  Given of_generator{{"out", in_folder(kAutoGenerator)},
                     {"guide-steps", std::int64_t{0}},
                     {"semantic-loss", std::string("fixmatch")}};
  if (guided) {
    of_generator.emplace_back("guide", in_folder(kAutoGuide));
    of_generator.emplace_back("guided-learning-rate", 0.003);
  }
  runs.generator = generator_of(picked, runs.classifier, of_generator);
  if (!hybrids) runs.generator.steps = 0;
  if (!guided) runs.guide.steps = 0;
  runs.least_guide_accuracy = picked.least_guide_accuracy;
  runs.plain.steps = 0;
  if (guided && picked.plain.steps > 0) {
    runs.plain = classifier_of(
        with_plain_settings(picked), picked.plain.steps,
        {{"method", std::string(name_of(picked.plain.method))}, {"out", in_folder(kAutoPlain)}});
  }
  return runs;
}

}  // namespace scimix

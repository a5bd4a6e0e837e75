// Every preset under configs/ is one that its own first lines can run.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "data/dataset.hpp"
#include "data/split.hpp"
#include "settings/classifier_config.hpp"
#include "settings/generator_config.hpp"
#include "settings/run_kinds.hpp"
#include "settings/settings_file.hpp"
#include "tests/paths.hpp"
#include "tools/run_settings.hpp"
#include "tools/seeds.hpp"
#include "tools/train_command.hpp"

using namespace scimix;

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = source_dir();

std::vector<fs::path> presets() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "configs")) {
    // Layers are what presets extend; no command names them.
    const bool is_layer = entry.path().parent_path().filename() == "layers";
    if (entry.path().extension() == ".toml" && !is_layer) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// A command as the comment of a preset shows it.
struct Shown {
  std::string name;                    // classifier, generator
  std::vector<std::string> arguments;  // behind it; the preset's path made absolute
  std::optional<std::string> config;   // that path, as it stands there
};

std::vector<Shown> commands_in(const fs::path& preset) {
  const std::string mark = "#   scimix_train ";
  std::vector<Shown> found;
  std::ifstream file(preset);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(mark)) continue;
    std::istringstream words(line.substr(mark.size()));
    Shown shown;
    words >> shown.name;
    for (std::string word; words >> word;) {
      if (!shown.arguments.empty() && shown.arguments.back() == "--config") {
        shown.config = word;
        word = (kRoot / word).string();
      }
      shown.arguments.push_back(word);
    }
    found.push_back(shown);
  }
  return found;
}

GeneratorRunConfig read_generator(const std::vector<std::string>& arguments) {
  const AskedRun asked = read_command(generator_kind(), arguments);
  CHECK_FALSE(asked.done.has_value());
  return generator_table().config(asked.values);
}

struct AskedClassifier {
  ClassifierConfig config;
  std::string seeds;
  // With {dataset}, {labels} and {split} filled in.
  [[nodiscard]] ClassifierConfig filled_in() const {
    ClassifierConfig filled = config;
    fill_in_placeholders(filled);
    return filled;
  }
};

AskedClassifier read_classifier(const std::vector<std::string>& arguments) {
  const AskedRun asked = read_command(classifier_kind(), arguments);
  CHECK_FALSE(asked.done.has_value());
  return {classifier_table().config(asked.values), asked.seeds.value_or("")};
}

// What can be said of data settings without the data.
void check_data(const DataSettings& data) {
  const auto names = dataset_names();
  CHECK(std::find(names.begin(), names.end(), data.dataset) != names.end());
  const std::optional<std::int64_t> labels = parse_label_count(data.labels);
  CHECK(labels.value_or(10) % 10 == 0);  // every preset is of ten classes
}

void check_classifier(const std::vector<std::string>& arguments, bool small) {
  const AskedClassifier asked = read_classifier(arguments);
  const ClassifierConfig& config = asked.config;
  CHECK_NOTHROW(check(config));
  check_data(config.data);
  if (!asked.seeds.empty()) CHECK_NOTHROW(static_cast<void>(parse_seeds(asked.seeds)));
  if (config.hybrids.generator_config.empty()) return;

  // Its generator: one for each split, of the same data set, and of the classifier's labels unless
  // the file says why not.
  CAPTURE(config.hybrids.generator_config);
  REQUIRE(uses_generator(config));
  const fs::path path = kRoot / asked.filled_in().hybrids.generator_config;
  REQUIRE(fs::exists(path));
  std::vector<std::string> of_generator{"--config", path.string()};
  if (small) of_generator.insert(of_generator.end(), {"--scale", "cpu"});
  const GeneratorRunConfig generator = read_generator(of_generator);
  CHECK(config.hybrids.generator.find("{split}") != std::string::npos);
  CHECK(generator.data.dataset == config.data.dataset);
  const RunKind& kind = generator_kind();
  const bool names_labels = resolve(kind, read_settings_file(kind, path))
                                .given[static_cast<std::size_t>(kind.index("labels"))];
  CHECK(config.hybrids.allow_other_split ==
        (names_labels && generator.data.labels != config.data.labels));
  if (config.init_from == InitFrom::generator) {
    CHECK(generator.encoder.depth == config.model.depth);
    CHECK(generator.encoder.width == config.model.width);
  }
}

}  // namespace

TEST_CASE("every preset parses with the command that it names, and its settings are in range") {
  const std::vector<fs::path> all = presets();
  REQUIRE(all.size() >= 30);
  for (const fs::path& preset : all) {
    const std::string name = fs::relative(preset, kRoot).string();
    CAPTURE(name);
    const std::vector<Shown> shown = commands_in(preset);
    REQUIRE(!shown.empty());
    for (const Shown& command : shown) {
      REQUIRE(command.config.has_value());
      CHECK(*command.config == name);  // a copied comment would name another file
      for (const bool small : {false, true}) {
        CAPTURE(small);
        std::vector<std::string> arguments = command.arguments;
        if (small) arguments.insert(arguments.end(), {"--scale", "cpu"});
        if (command.name == "classifier") {
          check_classifier(arguments, small);
        } else {
          REQUIRE(command.name == "generator");
          const GeneratorRunConfig config = read_generator(arguments);
          CHECK_NOTHROW(check(config));
          check_data(config.data);
        }
      }
    }
  }
}

TEST_CASE("runs of different presets don't share a folder") {
  std::vector<std::string> folders;
  for (const fs::path& preset : presets()) {
    for (const Shown& command : commands_in(preset)) {
      const std::string out = command.name == "classifier"
                                  ? read_classifier(command.arguments).config.output.out
                                  : read_generator(command.arguments).output.out;
      if (!out.empty()) folders.push_back(out);
    }
  }
  std::sort(folders.begin(), folders.end());
  CHECK(std::adjacent_find(folders.begin(), folders.end()) == folders.end());
}

TEST_CASE("a generator that several presets share is trained by one file with the same labels") {
  struct Origin {
    std::string config, dataset, labels;
    bool operator==(const Origin&) const = default;
  };
  std::map<std::string, Origin> origins;
  for (const fs::path& preset : presets()) {
    for (const Shown& command : commands_in(preset)) {
      if (command.name != "classifier") continue;
      const ClassifierConfig config = read_classifier(command.arguments).filled_in();
      if (config.hybrids.generator_config.empty()) continue;
      CAPTURE(config.hybrids.generator);
      const Origin origin{config.hybrids.generator_config, config.data.dataset, config.data.labels};
      const auto [at, is_new] = origins.try_emplace(config.hybrids.generator, origin);
      CHECK(at->second == origin);
    }
  }
  CHECK(origins.size() > 1);
}

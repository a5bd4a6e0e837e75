// Every preset under configs/ is one that its own first lines can run, and so is every row of the
// list of tables.
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
#include "settings/generator_run_config.hpp"
#include "settings/run_kinds.hpp"
#include "settings/settings_file.hpp"
#include "settings/table_list.hpp"
#include "tests/paths.hpp"
#include "tools/command_line/seeds.hpp"
#include "tools/table/table_plan.hpp"
#include "tools/train/train_command.hpp"

using namespace scimix;

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = source_dir();

std::vector<fs::path> presets() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "configs")) {
    // Layers are what presets extend; no command names them. The list of tables is no preset.
    const bool is_layer = entry.path().parent_path().filename() == "layers";
    const bool is_list = entry.path().filename() == "tables.toml";
    if (entry.path().extension() == ".toml" && !is_layer && !is_list) found.push_back(entry.path());
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

void check_classifier(const std::vector<std::string>& arguments) {
  const AskedClassifier asked = read_classifier(arguments);
  const ClassifierConfig& config = asked.config;
  CHECK_NOTHROW(check(config));
  check_data(config.data);
  if (!asked.seeds.empty()) CHECK_NOTHROW(static_cast<void>(parse_seeds(asked.seeds)));
}

// The list of tables, with all rows of a table planned.
const TableList& table_list() {
  static const TableList list = read_table_list(kRoot / "configs/tables.toml");
  return list;
}

TablePlan plan_of(const std::string& table, RunScale scale) {
  return plan_table(table_list(), {.table = table, .scale = scale, .data_dir = "d", .out = "o"});
}

// A generator is of the data set of its classifier, and of its labels unless the row permits
// others.
void check_generator(const ClassifierConfig& classifier, const GeneratorRunConfig& generator) {
  CHECK(generator.data.dataset == classifier.data.dataset);
  CHECK(generator.data.split_seed == classifier.data.split_seed);
  CHECK(generator.data.image_size == classifier.data.image_size);
  CHECK(generator.data.crop_pad == classifier.data.crop_pad);
  CHECK(classifier.hybrids.allow_other_split == (generator.data.labels != classifier.data.labels));
  if (classifier.init_from == InitFrom::generator) {
    CHECK(generator.encoder.depth == classifier.model.depth);
    CHECK(generator.encoder.width == classifier.model.width);
  }
}

}  // namespace

TEST_CASE("every preset parses with the command that it names, and its settings are in range") {
  const std::vector<fs::path> all = presets();
  REQUIRE(all.size() >= 10);
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
          check_classifier(arguments);
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

TEST_CASE("every row of every table can be run, at full size and scaled down") {
  REQUIRE(table_list().tables.size() >= 9);
  for (const TableList::Table& table : table_list().tables) {
    for (const RunScale scale : {RunScale::full, RunScale::cpu}) {
      CAPTURE(table.name);
      const TablePlan plan = plan_of(table.name, scale);  // checks the settings of every run
      CHECK(plan.rows.size() >= 2);
      for (const TableTask& task : plan.tasks) {
        CAPTURE(task.name);
        for (const std::size_t need : task.needs) CHECK(&plan.tasks[need] < &task);
        if (task.kind != TableTask::Kind::classifier || task.needs.empty()) continue;
        const ClassifierConfig config = classifier_table().config(task.values);
        const TableTask& generator = plan.tasks[task.needs[0]];
        REQUIRE(generator.kind == TableTask::Kind::generator);
        CHECK(config.hybrids.mixer == MixerKind::scimix);
        CHECK(config.hybrids.generator == fs::absolute(generator.folder));
        check_generator(config, generator_table().config(generator.values));
      }
    }
  }
}

TEST_CASE("no two runs of the tables are the same but for their names") {
  std::map<std::string, std::string> settings;  // by task
  for (const TableList::Table& table : table_list().tables) {
    for (const TableTask& task : plan_of(table.name, RunScale::full).tasks) {
      if (!task.is_run()) continue;
      SettingValues values = task.values;
      values[static_cast<std::size_t>(task.run_kind().index("out"))] = std::string();
      const std::string text = task.run_kind().name + settings_text(task.run_kind(), values);
      const auto [at, is_new] = settings.try_emplace(task.name, text);
      CAPTURE(task.name);
      CHECK(at->second == text);  // a run that several tables show
    }
  }
  std::map<std::string, std::string> names;
  for (const auto& run : settings) {
    const auto added = names.try_emplace(run.second, run.first);
    CHECK_MESSAGE(added.second, run.first, " has the settings of ", added.first->second);
  }
  CHECK(settings.size() >= 100);
}

TEST_CASE("the rows of the tables have the paper's figures") {
  std::map<std::string, int> rows;
  for (const TableRow& row : table_list().rows) {
    ++rows[row.table];
    if (row.table == "3b" || row.table == "digits") continue;
    CAPTURE(row.title);
    REQUIRE(row.paper.has_value());
    CHECK(row.paper->mean > 10);
    CHECK(row.paper->std.has_value());
  }
  const auto row_of = [](const std::string& table, const std::string& name) {
    for (const TableRow& row : table_list().rows) {
      if (row.table == table && table_list().runs[row.runs].name == name) return row;
    }
    FAIL("no row ", name);
    return TableRow{};
  };
  CHECK(rows["I"] == 14);
  CHECK(rows["V"] == 4);
  CHECK(row_of("I", "svhn-60-scimix").paper->mean == 83.4);
  CHECK(row_of("IV", "svhn-60-no-hyb").paper_s_r->mean == 99.8);
  CHECK(row_of("VI", "birds-96-scimix").paper->std == 0.9);
}

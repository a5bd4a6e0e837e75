#include "tools/table/table_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <regex>
#include <span>
#include <string_view>

#include "core/error.hpp"
#include "core/names.hpp"
#include "data/content_hash.hpp"
#include "data/split.hpp"
#include "settings/run_kinds.hpp"
#include "settings/settings_file.hpp"
#include "settings/shared_settings.hpp"
#include "tools/train/needed_generator.hpp"
#include "trainers/generator_run.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

// The settings that an oracle takes from the classifier of the row, besides kImageSettings.
constexpr std::array<const char*, 7> kOracleSettings{
    "data-dir", "labels-file", "flip", "crop-pad", "device", "threads", "precision"};

// The settings that --set cannot change, by kind of run: they follow from the list of rows, --seeds
// and --out.
constexpr std::array<std::string_view, 6> kDecidedOfClassifier{
    "seed", "split-seed", "out", "generator", "generator-config", "mixer"};
constexpr std::array<std::string_view, 1> kDecidedOfGenerator{"out"};
constexpr std::array<std::string_view, 2> kDecidedOfOracle{"out", "labels"};

// The settings of --set, by kind of run.
struct Overrides {
  SettingLayer classifier;
  SettingLayer generator;
  SettingLayer oracle;

  explicit Overrides(const std::vector<std::string>& words) {
    for (const std::string& word : words) add(word);
  }

 private:
  void add(const std::string& word) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      user_error("--set ", word, ": expected KEY=VALUE, generator.KEY=VALUE or oracle.KEY=VALUE");
    }
    std::string key = word.substr(0, equals);
    const bool of_generator = key.starts_with("generator.");
    const bool of_oracle = key.starts_with("oracle.");
    if (of_generator || of_oracle) key = key.substr(key.find('.') + 1);
    const RunKind& kind = of_generator ? generator_kind() : classifier_kind();
    const int index = find_setting(kind.settings, key);
    if (index < 0) {
      user_error("--set ", word, ": unknown setting ", key,
                 suggest_setting(kind.settings, key, ""));
    }
    const auto is_decided = [&](std::span<const std::string_view> names) {
      return std::ranges::find(names, key) != names.end();
    };
    if (of_generator ? is_decided(kDecidedOfGenerator)
        : of_oracle  ? is_decided(kDecidedOfOracle)
                     : is_decided(kDecidedOfClassifier)) {
      user_error(
          "--set ", word,
          ": the table decides this setting itself, by its list of rows, --seeds and --out; --set ",
          "cannot change it");
    }
    const Setting& setting = kind.settings[static_cast<std::size_t>(index)];
    SettingLayer& layer = of_generator ? generator : of_oracle ? oracle : classifier;
    layer.push_back({index, parse_value(setting, word.substr(equals + 1), {})});
  }
};

void replace_all(std::string& text, const std::string& mark, const std::string& value) {
  for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += value.size()) {
    text.replace(at, mark.size(), value);
  }
}

class Planner {
 public:
  Planner(const TableList& list, const TableRequest& request)
      : list_(list), request_(request), overrides_(request.overrides) {}

  TablePlan plan() && {
    check_table();
    const std::vector<const TableRow*> rows = chosen_rows();
    for (const TableRow* const row : rows) add_row(*row);
    return std::move(plan_);
  }

 private:
  void check_table() const {
    std::vector<std::string> names;
    for (const TableList::Table& table : list_.tables) names.push_back(table.name);
    if (std::ranges::find(names, request_.table) != names.end()) return;
    user_error("unknown table ", request_.table, ", expected ", fmt::format("{}", joined(names)),
               "; did you mean ", nearest_name(request_.table, names), "?");
  }

  static std::string joined(const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    return list;
  }

  [[nodiscard]] std::vector<const TableRow*> chosen_rows() const {
    std::regex wanted;
    try {
      wanted = request_.rows;
    } catch (const std::regex_error& error) {
      user_error("--rows ", request_.rows, ": no regular expression: ", error.what());
    }
    std::vector<const TableRow*> rows;
    std::vector<std::string> names;
    for (const TableRow& row : list_.rows) {
      if (row.table != request_.table) continue;
      const std::string& name = list_.runs[row.runs].name;
      if (std::regex_search(name, wanted)) rows.push_back(&row);
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
    if (rows.empty()) {
      user_error("--rows ", request_.rows, ": no row of table ", request_.table,
                 " has such a name, expected some of ", joined(names));
    }
    return rows;
  }

  void add_row(const TableRow& row) {
    const TableRuns& runs = list_.runs[row.runs];
    PlannedRow planned{.row = &row, .values = classifier_values(runs, request_.seeds.front())};
    for (const std::uint64_t seed : request_.seeds) {
      std::optional<std::size_t> generator;
      std::optional<std::size_t> classifier;
      std::optional<std::size_t> transfer;
      if (!runs.generator.empty()) generator = add_generator(runs, seed);
      if (row.has(TableMeasure::accuracy)) classifier = add_classifier(runs, seed);
      if (row.has(TableMeasure::transfer)) transfer = add_transfer(runs, seed, *generator);
      planned.generators.push_back(generator);
      planned.classifiers.push_back(classifier);
      planned.transfers.push_back(transfer);
    }
    if (!row.baseline.empty()) planned.baselines = baselines_of(row);
    plan_.rows.push_back(std::move(planned));
  }

  // Returns the runs of a row's baseline, and plans none of them.
  [[nodiscard]] std::vector<TableTask> baselines_of(const TableRow& row) const {
    const int runs = list_.find_runs(row.baseline);
    if (runs < 0) return {};
    Planner other(*this);
    std::vector<TableTask> tasks;
    try {
      for (const std::uint64_t seed : request_.seeds) {
        const std::size_t task =
            other.add_classifier(list_.runs[static_cast<std::size_t>(runs)], seed);
        tasks.push_back(other.plan_.tasks[task]);
      }
    } catch (const Error& error) {
      if (error.fault() != Fault::user) throw;
      return {};
    }
    return tasks;
  }

  // --- classifiers ---

  [[nodiscard]] SettingValues classifier_values(const TableRuns& runs, std::uint64_t seed) const {
    const RunKind& kind = classifier_kind();
    const auto give = [&](const std::string& name, SettingValue value) -> GivenSetting {
      return {kind.index(name), std::move(value)};
    };
    std::vector<SettingLayer> layers;
    if (!runs.generator.empty()) {
      // The paper's use of hybrids, unless a row names another one.
      layers.push_back(
          {give("mixer", std::string("scimix")), give("hybrid-use", std::string("contradict"))});
    }
    layers.insert(layers.end(), runs.settings.begin(), runs.settings.end());
    push_scale(kind, layers);
    SettingLayer last{give("device", request_.device)};
    if (!request_.data_dir.empty()) last.push_back(give("data-dir", request_.data_dir));
    layers.push_back(std::move(last));
    layers.push_back(overrides_.classifier);
    layers.push_back({give("seed", seed), give("split-seed", seed),
                      give("out", table_run_folder(request_.out, runs.name, seed).string())});
    SettingValues values = resolve(kind, layers).values;
    if (!runs.generator.empty()) {
      // The generator's folder depends on data and labels, which are known only now.
      values[at(kind, "generator")] = std::string("?");
      const SettingValues made = generator_values(runs, values);
      values[at(kind, "generator")] = std::get<std::string>(made[at(generator_kind(), "out")]);
    }
    return values;
  }

  std::size_t add_classifier(const TableRuns& runs, std::uint64_t seed) {
    const fs::path folder = table_run_folder(request_.out, runs.name, seed);
    if (const auto found = planned_.find(folder); found != planned_.end()) return found->second;
    enter(runs.name);
    TableTask task{.kind = TableTask::Kind::classifier,
                   .name = fmt::format("{} seed {}", runs.name, seed),
                   .folder = folder,
                   .values = classifier_values(runs, seed)};
    if (!runs.generator.empty()) task.needs.push_back(add_generator(runs, seed));
    fill_in(classifier_kind(), task, seed);
    check(classifier_table().config(task.values));
    if (!runs.generator.empty()) {
      check_generator_suits(task.values, plan_.tasks[task.needs.front()].values);
    }
    open_.pop_back();
    return add(std::move(task));
  }

  // --- generators ---

  // Returns the settings of the generator of a classifier with the settings `classifier`.
  [[nodiscard]] SettingValues generator_values(const TableRuns& runs,
                                               const SettingValues& classifier) const {
    const RunKind& kind = generator_kind();
    std::vector<SettingLayer> layers = list_.generators.at(runs.generator);
    const bool names_labels = resolve(kind, layers).given[at(kind, "labels")];
    push_scale(kind, layers);
    layers.push_back(generator_settings_by(classifier_table().config(classifier), names_labels));
    layers.push_back(overrides_.generator);
    SettingValues values = resolve(kind, layers).values;
    const std::uint64_t seed = std::get<std::uint64_t>(values[at(kind, "split-seed")]);
    values[at(kind, "out")] =
        (request_.out / "generators" / (runs.generator + "-" + data_name(kind, values)) /
         fmt::format("seed-{}", seed))
            .string();
    return values;
  }

  std::size_t add_generator(const TableRuns& runs, std::uint64_t seed) {
    const RunKind& kind = generator_kind();
    TableTask task{.kind = TableTask::Kind::generator,
                   .values = generator_values(runs, classifier_values(runs, seed))};
    if (const auto guide = add_guide(task.values)) {
      task.needs.push_back(*guide);
      task.guide = plan_.tasks[*guide].folder;
    }
    task.folder = std::get<std::string>(task.values[at(kind, "out")]);
    task.name =
        fmt::format("generator {} seed {}", task.folder.parent_path().filename().string(), seed);
    if (planned_.contains(task.folder)) {
      fill_in(kind, task, seed);
      return add(std::move(task));
    }
    enter(task.folder.string());
    fill_in(kind, task, seed);
    check_before_data(generator_table().config(task.values));
    open_.pop_back();
    return add(std::move(task));
  }

  // --- guides ---

  // Adds the classifier that a generator with the settings `generator` trains first, as a run of
  // its own: generators that need the same guide, such as those of Table IV, share it. Returns
  // nullopt if the generator has no such guide, or if it trains its guide itself: with a folder of
  // images, or many labels, only the run knows whether all images have labels, on which the guide's
  // method may depend.
  std::optional<std::size_t> add_guide(const SettingValues& generator) {
    const RunKind& kind = classifier_kind();
    const GeneratorRunConfig config = generator_table().config(generator);
    if (config.guide.steps == 0 || !config.guide.run.empty()) return std::nullopt;
    if (config.data.dataset == "folder" || may_be_all(config.data)) return std::nullopt;
    const Method method = semantic_method(config, config.data.labels == "all");
    TableTask task{.kind = TableTask::Kind::classifier,
                   .values = classifier_table().values(semantic_classifier(config, method)),
                   .is_guide = true};
    // Guides with different settings must not have the same folder.
    const std::string name = fmt::format("{}-{}-{}", name_of(method), data_name(kind, task.values),
                                         digest(kind, task.values));
    const std::uint64_t seed = config.data.split_seed;
    task.folder = request_.out / "guides" / name / fmt::format("seed-{}", seed);
    task.values[at(kind, "out")] = task.folder.string();
    task.name = fmt::format("guide {} seed {}", name, seed);
    fill_in(kind, task, seed);
    check(classifier_table().config(task.values));
    return add(std::move(task));
  }

  // Returns eight hexadecimal digits that depend on the settings that influence the trained
  // network, as far as they differ from their defaults. The split seed is not among them, as it is
  // in the folder's name, nor is the seed if it is the same.
  static std::string digest(const RunKind& kind, const SettingValues& values) {
    constexpr std::array kLeftOut{"split-seed", "out"};
    const auto has = [](const auto& list, const std::string& name) {
      return std::ranges::find(list, name) != list.end();
    };
    ContentHash hash;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Setting& setting = kind.settings[i];
      if (setting.on_resume == OnResume::may_change || has(kLeftOut, setting.name) ||
          values[i] == kind.defaults[i])
        continue;
      if (setting.name == "seed" && values[i] == values[at(kind, "split-seed")]) continue;
      const std::string text = setting.name + "=" + text_of(values[i]);
      hash.add(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
    }
    return fmt::format("{:08x}", hash.value() >> 32U);
  }

  // --- oracles and measurements ---

  std::size_t add_oracle(const SettingValues& classifier) {
    const RunKind& kind = classifier_kind();
    std::vector<SettingLayer> layers = list_.oracle;
    const SettingValue& scale = classifier[at(kind, "scale")];
    if (scale != SettingValue("full")) layers.push_back({{kind.index("scale"), scale}});
    SettingLayer data;
    const auto take = [&](const char* name) {
      data.push_back({kind.index(name), classifier[at(kind, name)]});
    };
    std::ranges::for_each(kImageSettings, take);
    std::ranges::for_each(kOracleSettings, take);
    data.push_back({kind.index("labels"), std::string("all")});
    layers.push_back(std::move(data));
    layers.push_back(overrides_.oracle);
    TableTask task{.kind = TableTask::Kind::classifier, .values = resolve(kind, layers).values};
    task.folder = request_.out / "oracles" / data_name(kind, task.values);
    task.values[at(kind, "out")] = task.folder.string();
    task.name = "oracle " + task.folder.filename().string();
    fill_in(kind, task, 0);
    check(classifier_table().config(task.values));
    return add(std::move(task));
  }

  std::size_t add_transfer(const TableRuns& runs, std::uint64_t seed, std::size_t generator) {
    const fs::path made = plan_.tasks[generator].folder;
    const std::string name = made.parent_path().filename().string();
    TableTask task{.kind = TableTask::Kind::transfer,
                   .name = fmt::format("hybrids of {} seed {}", name, seed),
                   .folder = request_.out / "hybrids" / name / fmt::format("seed-{}", seed),
                   .values = {},
                   .needs = {generator},
                   .generator = made};
    const std::size_t oracle = add_oracle(classifier_values(runs, seed));
    task.needs.push_back(oracle);
    task.oracle = plan_.tasks[oracle].folder;
    return add(std::move(task));
  }

  // --- helper functions ---

  static std::size_t at(const RunKind& kind, const std::string& name) {
    return static_cast<std::size_t>(kind.index(name));
  }

  void push_scale(const RunKind& kind, std::vector<SettingLayer>& layers) const {
    if (request_.scale == RunScale::full) return;
    layers.push_back({{kind.index("scale"), std::string(name_of(request_.scale))}});
  }

  // "svhn-60", "cub-200-2010-all-64px"
  static std::string data_name(const RunKind& kind, const SettingValues& values) {
    std::string name = std::get<std::string>(values[at(kind, "dataset")]) + "-" +
                       std::get<std::string>(values[at(kind, "labels")]);
    const auto size = std::get<std::int64_t>(values[at(kind, "image-size")]);
    if (size != 0) name += fmt::format("-{}px", size);
    return name;
  }

  // Replaces placeholders such as {labels} in the texts of a run, and makes paths absolute. A
  // placeholder {run:NAME} also adds the named run to the plan and to the needs of the task.
  void fill_in(const RunKind& kind, TableTask& task, std::uint64_t seed) {
    for (std::size_t i = 0; i < task.values.size(); ++i) {
      auto* const text = std::get_if<std::string>(&task.values[i]);
      if (text == nullptr || text->empty()) continue;
      if (text->find('{') != std::string::npos) fill_in(*text, kind, task, seed);
      const Setting& setting = kind.settings[i];
      if (setting.type == SettingType::path && setting.name != "out") {
        *text = fs::absolute(*text).string();
      }
    }
  }

  void fill_in(std::string& text, const RunKind& kind, TableTask& task, std::uint64_t seed) {
    for (const char* const name : {"dataset", "labels"}) {
      replace_all(text, std::string("{") + name + "}",
                  std::get<std::string>(task.values[at(kind, name)]));
    }
    replace_all(text, "{split}", std::to_string(seed));
    constexpr std::string_view kRun = "{run:";
    for (std::size_t from = 0; (from = text.find(kRun)) != std::string::npos;) {
      const std::size_t end = text.find('}', from);
      const std::string name = text.substr(from + kRun.size(), end - from - kRun.size());
      const int found = list_.find_runs(name);
      if (end == std::string::npos || found < 0) {
        user_error(list_.file.string(), ": ", text, " of ", task.name, ": no row is called ", name);
      }
      const std::size_t run = add_classifier(list_.runs[static_cast<std::size_t>(found)], seed);
      task.needs.push_back(run);
      text.replace(from, end + 1 - from, plan_.tasks[run].folder.string());
    }
  }

  // Notes that the needs of the runs of this name are being planned. Errors (user): the runs need
  // themselves.
  void enter(const std::string& name) {
    if (std::ranges::find(open_, name) != open_.end()) {
      user_error(list_.file.string(), ": the runs of ", name, " need themselves");
    }
    open_.push_back(name);
  }

  // Returns the index of a task, which is added unless the plan has it already. Errors (user): the
  // plan has a run in the same folder with other settings.
  std::size_t add(TableTask task) {
    const auto [found, is_new] = planned_.try_emplace(task.folder, plan_.tasks.size());
    if (!is_new) {
      check_same(plan_.tasks[found->second], task);
      return found->second;
    }
    plan_.tasks.push_back(std::move(task));
    return plan_.tasks.size() - 1;
  }

  void check_same(const TableTask& one, const TableTask& other) const {
    if (!one.is_run()) return;
    const RunKind& kind = one.run_kind();
    for (std::size_t i = 0; i < one.values.size(); ++i) {
      if (one.values[i] == other.values[i]) continue;
      // Guides in one folder differ only in settings without influence on the network, and perhaps
      // in the folder of their data, which the folder's name does not tell. The first one's
      // settings are used.
      if (one.is_guide && kind.settings[i].name != "data-dir") continue;
      user_error(list_.file.string(), ": two rows need ", one.name, " with different settings (",
                 kind.settings[i].name, " ", toml_value(one.values[i]), " and ",
                 toml_value(other.values[i]), "), expected ",
                 one.is_guide ? "one folder for each data set" : "generators of different names");
    }
  }

  const TableList& list_;
  const TableRequest& request_;
  Overrides overrides_;
  TablePlan plan_;
  std::map<fs::path, std::size_t> planned_;  // folder -> index of the task
  std::vector<std::string> open_;            // runs whose needs are being planned
};

}  // namespace

std::string TableTask::file_name() const {
  std::string file = name;
  std::ranges::replace(file, ' ', '-');
  return file;
}

const RunKind& TableTask::run_kind() const {
  SCIMIX_CHECK(is_run(), name, " is no run");
  return kind == Kind::generator ? generator_kind() : classifier_kind();
}

std::string TableTask::setting(const std::string& setting_name) const {
  const int index = find_setting(run_kind().settings, setting_name);
  return index < 0 ? "" : text_of(values[static_cast<std::size_t>(index)]);
}

std::int64_t TableTask::steps() const {
  return std::get<std::int64_t>(values[static_cast<std::size_t>(run_kind().index("steps"))]);
}

std::vector<std::size_t> PlannedRow::tasks() const {
  std::vector<std::size_t> all;
  for (const auto* const some : {&classifiers, &generators, &transfers}) {
    for (const auto& task : *some) {
      if (task) all.push_back(*task);
    }
  }
  return all;
}

TablePlan plan_table(const TableList& list, const TableRequest& request) {
  return Planner(list, request).plan();
}

std::string row_title(const TableRow& row, const SettingValues& values) {
  std::string title = row.title;
  const auto labels = static_cast<std::size_t>(classifier_kind().index("labels"));
  replace_all(title, "{labels}", text_of(values[labels]));
  return title;
}

fs::path table_run_folder(const fs::path& out, const std::string& name, std::uint64_t seed) {
  return out / "runs" / name / fmt::format("seed-{}", seed);
}

}  // namespace scimix

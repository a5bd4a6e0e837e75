#include "settings/table_list.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/names.hpp"
#include "core/paths.hpp"
#include "settings/run_kinds.hpp"
#include "settings/toml_values.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;

const Names kSections{"table", "set", "generator", "oracle", "row"};
const Names kRowKeys{"table",    "name",      "same-as",  "title",   "use",
                     "settings", "generator", "baseline", "measure", "mixer",
                     "paper",    "paper-s-c", "paper-s-r"};
const Names kMixers{"SciMix", "MixUp", "AdaIN", "FDA"};

class ListReader {
 public:
  explicit ListReader(const fs::path& file)
      : file_(file), document_(parse_toml(file, read_toml_text(file))) {
    list_.file = file;
  }

  TableList read() && {
    for (const auto& [key, node] : document_) check_name("section", key, kSections);
    read_tables();
    for (const auto& [key, node] : section("generator")) {
      const toml::table& settings = table_in(key, node);
      list_.generators[std::string(key.str())] = layers_of(generator_kind(), settings);
    }
    if (const toml::node* const oracle = document_.get("oracle")) {
      const toml::table* const settings = oracle->as_table();
      if (settings == nullptr) refuse(*oracle, "oracle", "a table of settings");
      list_.oracle = layers_of(classifier_kind(), *settings);
    }
    const toml::node* const rows = document_.get("row");
    const toml::array* const array = rows == nullptr ? nullptr : rows->as_array();
    if (array == nullptr) user_error(file_.string(), ": no rows, expected tables [[row]]");
    for (const toml::node& row : *array) {
      const toml::table* const table = row.as_table();
      if (table == nullptr) refuse(row, "row", "tables [[row]]");
      read_row(*table);
    }
    check_baselines();
    return std::move(list_);
  }

 private:
  [[nodiscard]] SettingPlace at(const toml::source_region& source) const {
    return place_of(file_, source);
  }

  [[nodiscard]] std::string where(const toml::source_region& source) const {
    const SettingPlace place = at(source);
    return place.file + ":" + std::to_string(place.line) + ": ";
  }

  [[noreturn]] void refuse(const toml::node& node, const std::string& key,
                           const std::string& wanted) const {
    user_error(describe(at(node.source()), key, written(node)), ": found ", type_of(node),
               ", expected ", wanted);
  }

  void check_name(const std::string& what, const toml::key& key, const Names& names) const {
    const std::string name(key.str());
    if (std::ranges::find(names, name) != names.end()) return;
    user_error(where(key.source()), "unknown ", what, " ", shown(name), "; did you mean ",
               nearest_name(name, names), "?");
  }

  // Returns the TOML table of this name, or an empty table if the file has none.
  [[nodiscard]] const toml::table& section(const std::string& name) const {
    static const toml::table none;
    const toml::node* const node = document_.get(name);
    if (node == nullptr) return none;
    if (node->as_table() == nullptr) refuse(*node, name, "tables [" + name + ".NAME]");
    return *node->as_table();
  }

  [[nodiscard]] const toml::table& table_in(const toml::key& key, const toml::node& node) const {
    if (node.as_table() == nullptr) refuse(node, std::string(key.str()), "a table of settings");
    return *node.as_table();
  }

  void read_tables() {
    for (const auto& [key, node] : section("table")) {
      const std::string name(key.str());
      const auto title = table_in(key, node)["title"].value_exact<std::string>();
      if (!title)
        user_error(where(key.source()), "table ", shown(name), ": no title, expected a text");
      order_[name] = at(key.source()).line;
      list_.tables.push_back({name, *title});
    }
    std::ranges::sort(list_.tables, {}, [&](const auto& table) { return order_[table.name]; });
  }

  // Returns the layers of a table of settings: the layers of the sets that `use` names, then the
  // table's own settings. `outer` are the sets that use this table, directly or indirectly.
  [[nodiscard]] std::vector<SettingLayer> layers_of(const RunKind& kind, const toml::table& table,
                                                    const Names& outer = {}) const {
    std::vector<SettingLayer> layers;
    if (const toml::node* const use = table.get("use")) layers = used(kind, *use, outer);
    SettingLayer own;
    for (const auto& [key, node] : table) {
      if (key.str() != "use") own.push_back(read_setting(kind, file_, key, node));
    }
    if (!own.empty()) layers.push_back(std::move(own));
    return layers;
  }

  [[nodiscard]] std::vector<SettingLayer> used(const RunKind& kind, const toml::node& use,
                                               const Names& outer) const {
    const std::optional<Names> names = names_of(use);
    if (!names) refuse(use, "use", "the name of a set, or an array of names");
    std::vector<SettingLayer> layers;
    for (const std::string& name : *names) {
      const toml::node* const set = section("set").get(name);
      if (set == nullptr || set->as_table() == nullptr) {
        user_error(where(use.source()), "use ", shown(name), ": no such set, expected [set.",
                   shown(name), "]", suggest(name, keys_of("set")));
      }
      if (std::ranges::find(outer, name) != outer.end()) {
        user_error(where(use.source()), "use ", shown(name), ": these sets use each other");
      }
      Names inner = outer;
      inner.push_back(name);
      for (SettingLayer& layer : layers_of(kind, *set->as_table(), inner)) {
        layers.push_back(std::move(layer));
      }
    }
    return layers;
  }

  [[nodiscard]] Names keys_of(const std::string& name) const {
    Names keys;
    for (const auto& [key, node] : section(name)) keys.emplace_back(key.str());
    return keys;
  }

  static std::string suggest(const std::string& name, const Names& names) {
    const std::string nearest = nearest_name(name, names);
    return nearest.empty() ? "" : "; did you mean " + nearest + "?";
  }

  [[nodiscard]] std::string text_in(const toml::table& row, const std::string& key) const {
    const toml::node* const node = row.get(key);
    if (node == nullptr) return {};
    const auto value = node->value_exact<std::string>();
    if (!value || value->empty()) refuse(*node, key, "a text");
    return *value;
  }

  [[nodiscard]] std::string required(const toml::table& row, const std::string& key) const {
    std::string value = text_in(row, key);
    if (value.empty()) user_error(where(row.source()), "this row has no ", key);
    return value;
  }

  // Returns a figure of the paper, written as 83.4 or [83.4, 0.5].
  [[nodiscard]] std::optional<PaperFigure> figure_in(const toml::table& row,
                                                     const std::string& key) const {
    const toml::node* const node = row.get(key);
    if (node == nullptr) return std::nullopt;
    const toml::array* const pair = node->as_array();
    const auto number = [](const toml::node* one) {
      return one != nullptr && one->is_number() ? one->value<double>() : std::nullopt;
    };
    if (const auto mean = number(node)) return PaperFigure{*mean, std::nullopt};
    if (pair != nullptr && pair->size() == 2 && number(pair->get(0)) && number(pair->get(1))) {
      return PaperFigure{*number(pair->get(0)), number(pair->get(1))};
    }
    refuse(*node, key, "a number, or mean and standard deviation: [83.4, 0.5]");
  }

  void read_row(const toml::table& table) {
    for (const auto& [key, node] : table) check_name("key", key, kRowKeys);
    TableRow row;
    row.table = required(table, "table");
    if (!order_.contains(row.table)) {
      user_error(where(table.get("table")->source()), "table ", shown(row.table),
                 ": no such table, expected [table.", shown(row.table), "]",
                 suggest(row.table, keys_of("table")));
    }
    row.title = required(table, "title");
    row.runs = runs_of(table);
    row.baseline = text_in(table, "baseline");
    if (!row.baseline.empty()) baselines_.emplace_back(row.baseline, table.get("baseline"));
    row.paper = figure_in(table, "paper");
    row.paper_s_c = figure_in(table, "paper-s-c");
    row.paper_s_r = figure_in(table, "paper-s-r");
    row.mixer = text_in(table, "mixer");
    if (row.mixer.empty()) row.mixer = "SciMix";
    if (std::ranges::find(kMixers, row.mixer) == kMixers.end()) {
      refuse_choice(describe(at(table.get("mixer")->source()), "mixer", row.mixer), row.mixer,
                    kMixers);
    }
    row.measures = measures_in(table);
    check_measures(table, row);
    list_.rows.push_back(std::move(row));
  }

  [[nodiscard]] std::vector<TableMeasure> measures_in(const toml::table& table) const {
    const toml::node* const node = table.get("measure");
    if (node == nullptr) return {TableMeasure::accuracy};
    const std::optional<Names> names = names_of(*node);
    if (!names || names->empty()) refuse(*node, "measure", "a text, or an array of texts");
    std::vector<TableMeasure> measures;
    for (const std::string& name : *names) {
      const auto found = find_choice<TableMeasure>(name);
      if (!found) {
        refuse_choice(describe(at(node->source()), "measure", name), name,
                      choice_names<TableMeasure>());
      }
      measures.push_back(*found);
    }
    return measures;
  }

  void check_measures(const toml::table& table, const TableRow& row) const {
    const bool generator = !list_.runs[row.runs].generator.empty();
    for (const TableMeasure measure : row.measures) {
      if (measure == TableMeasure::accuracy || generator) continue;
      user_error(where(table.source()), "measure ", name_of(measure),
                 ": this row has no generator, expected one of ", suggest_list(list_.generators));
    }
  }

  static std::string suggest_list(const std::map<std::string, std::vector<SettingLayer>>& named) {
    std::string list;
    for (const auto& [name, layers] : named) list += (list.empty() ? "" : ", ") + name;
    return list;
  }

  // Returns the index of a row's runs: new runs, or with same-as the runs of another row.
  [[nodiscard]] std::size_t runs_of(const toml::table& table) {
    if (const toml::node* const other = table.get("same-as")) {
      const std::string name = text_in(table, "same-as");
      for (const char* const key : {"name", "use", "settings", "generator"}) {
        if (table.contains(key)) {
          user_error(where(other->source()), "same-as ", name, ": this row has a key ", key,
                     " of its own, expected one of the two");
        }
      }
      return known_runs(name, *other, "same-as");
    }
    TableRuns runs;
    runs.name = required(table, "name");
    runs.place = at(table.source());
    if (list_.find_runs(runs.name) >= 0) {
      user_error(where(table.get("name")->source()), "name ", runs.name,
                 ": a row of this name stands above, expected another name, or same-as");
    }
    if (runs.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789-_.") != std::string::npos ||
        runs.name.starts_with('.')) {
      user_error(where(table.get("name")->source()), "name ", runs.name,
                 ": folders bear it, expected letters, digits, -, _ and .");
    }
    runs.generator = text_in(table, "generator");
    if (!runs.generator.empty() && !list_.generators.contains(runs.generator)) {
      user_error(where(table.get("generator")->source()), "generator ", runs.generator,
                 ": no such generator, expected [generator.", runs.generator, "]",
                 suggest(runs.generator, keys_of("generator")));
    }
    if (const toml::node* const use = table.get("use")) {
      runs.settings = used(classifier_kind(), *use, {});
    }
    if (const toml::node* const settings = table.get("settings")) {
      if (settings->as_table() == nullptr) refuse(*settings, "settings", "a table of settings");
      for (SettingLayer& layer : layers_of(classifier_kind(), *settings->as_table())) {
        runs.settings.push_back(std::move(layer));
      }
    }
    list_.runs.push_back(std::move(runs));
    return list_.runs.size() - 1;
  }

  [[nodiscard]] std::size_t known_runs(const std::string& name, const toml::node& node,
                                       const std::string& key) const {
    const int found = list_.find_runs(name);
    if (found >= 0) return static_cast<std::size_t>(found);
    Names names;
    for (const TableRuns& runs : list_.runs) names.push_back(runs.name);
    user_error(where(node.source()), key, " ", name, ": no row of this name",
               key == "same-as" ? " above" : "", suggest(name, names));
  }

  // Checks the baselines after all rows are read, because a baseline may follow the row that names
  // it.
  void check_baselines() const {
    for (const auto& [name, node] : baselines_) (void)known_runs(name, *node, "baseline");
  }

  fs::path file_;
  toml::table document_;
  TableList list_;
  std::map<std::string, int> order_;  // line of each table in the file
  std::vector<std::pair<std::string, const toml::node*>> baselines_;
};

}  // namespace

bool TableRow::has(TableMeasure measure) const {
  return std::ranges::find(measures, measure) != measures.end();
}

int TableList::find_runs(const std::string& name) const {
  const auto found = std::ranges::find(runs, name, &TableRuns::name);
  return found == runs.end() ? -1 : static_cast<int>(found - runs.begin());
}

TableList read_table_list(const fs::path& file) {
  return ListReader(file).read();
}

}  // namespace scimix

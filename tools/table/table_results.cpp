#include "tools/table/table_results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/file.hpp"
#include "report/run_folder.hpp"
#include "settings/run_kinds.hpp"
#include "settings/shared_settings.hpp"
#include "tools/command_line/run_settings.hpp"
#include "tools/table/table_runner.hpp"
#include "trainers/training_run.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

std::string text_of_file(const fs::path& path) {
  const auto bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

// Returns the last test accuracy in the log of a run, in 0..1, or nothing if the log has none.
std::optional<double> last_accuracy(const RunHistory& history) {
  const Series* const series = history.find("test_accuracy");
  if (series == nullptr) return std::nullopt;
  const std::vector<double> last = last_values(*series, 1);
  return last.empty() ? std::nullopt : std::optional(last[0]);
}

class Results {
 public:
  Results(const TableList& list, const TableRequest& request, const TablePlan& plan)
      : list_(list), request_(request), plan_(plan) {}

  TableReport report(const std::string& command) {
    const auto table = std::ranges::find(list_.tables, request_.table, &TableList::Table::name);
    TableReport report{.name = table->name, .title = table->title, .command = command};
    bool scaled = false;
    for (const PlannedRow& planned : plan_.rows) {
      report.rows.push_back(row_of(planned, report.notes));
      const auto scale = static_cast<std::size_t>(classifier_kind().index("scale"));
      scaled |= planned.values[scale] == SettingValue("cpu");
    }
    if (scaled) report.notes.push_back(scale_note(RunScale::cpu));
    if (!request_.overrides.empty()) report.notes.push_back(override_note());
    for (const TableTask& task : plan_.tasks) {
      if (task.is_run()) add_notes(task, report.notes);
    }
    return report;
  }

 private:
  [[nodiscard]] std::string override_note() const {
    return fmt::format(
        "Settings changed by --set: {}. The list of tables has other settings, and the paper's "
        "figures belong to the paper's settings.",
        fmt::join(request_.overrides, ", "));
  }

  // Adds the notes that a run printed about its data set, such as how it was split.
  void add_notes(const TableTask& task, std::vector<std::string>& notes) const {
    constexpr std::string_view kMark = "note: ";
    std::ifstream log(table_log(request_.out, task));
    for (std::string line; std::getline(log, line);) {
      if (!line.starts_with(kMark)) continue;
      const std::string note = task.setting("dataset") + ": " + line.substr(kMark.size());
      if (std::ranges::find(notes, note) == notes.end()) notes.push_back(note);
    }
  }

  [[nodiscard]] const TableTask* done(const std::optional<std::size_t>& task) const {
    if (!task || !is_done(plan_.tasks[*task])) return nullptr;
    return &plan_.tasks[*task];
  }

  [[nodiscard]] std::string setting(const PlannedRow& planned, const std::string& name) const {
    return text_of(planned.values[static_cast<std::size_t>(classifier_kind().index(name))]);
  }

  TableReport::Row row_of(const PlannedRow& planned, std::vector<std::string>& notes) {
    const TableRow& row = *planned.row;
    const TableRuns& runs = list_.runs[row.runs];
    TableReport::Row out{.name = runs.name,
                         .title = planned.title(),
                         .group = group_of(planned),
                         .baseline = {},
                         .baseline_title = {},
                         .wanted = runs_of(planned)};
    if (planned.generators.front() && row.mixer == "SciMix") {
      out.generator = generator_guide(plan_.tasks[*planned.generators.front()]);
    }
    for (const TableMeasure measure : row.measures) add_measure(planned, measure, out);
    if (row.measures.front() != TableMeasure::transfer && !row.baseline.empty()) {
      out.baseline = row.baseline;
      out.baseline_title = baseline_title(planned);
      out.baseline_values = baseline_values(planned, notes);
    }
    add_picture(planned, out);
    add_settings(planned, out);
    return out;
  }

  [[nodiscard]] std::string group_of(const PlannedRow& planned) const {
    const std::string size = setting(planned, "image-size");
    return fmt::format("{}, {} labels{}", setting(planned, "dataset"), setting(planned, "labels"),
                       size == "0" ? "" : fmt::format(", {0}x{0} pixels", size));
  }

  void add_measure(const PlannedRow& planned, TableMeasure measure, TableReport::Row& out) {
    switch (measure) {
      case TableMeasure::accuracy:
        return add_accuracy(planned, planned.classifiers, "accuracy", out);
      case TableMeasure::generator_accuracy:
        return add_accuracy(planned, planned.generators, "accuracy", out);
      case TableMeasure::transfer:
        return add_transfer(planned, out);
    }
  }

  // Returns the generator whose hybrids the task measures. Other mixers learn nothing: on the same
  // test images, all seeds have the same figure.
  [[nodiscard]] static fs::path judged_by(const PlannedRow& planned, const TableTask& transfer) {
    return planned.row->mixer == "SciMix" ? transfer.generator : fs::path();
  }

  // Returns the number of different runs behind the row's first figure.
  [[nodiscard]] std::size_t runs_of(const PlannedRow& planned) const {
    const TableMeasure first = planned.row->measures.front();
    const auto& tasks = first == TableMeasure::accuracy             ? planned.classifiers
                        : first == TableMeasure::generator_accuracy ? planned.generators
                                                                    : planned.transfers;
    std::set<fs::path> runs;
    for (const std::optional<std::size_t>& task : tasks) {
      if (!task) continue;
      const TableTask& one = plan_.tasks[*task];
      runs.insert(first == TableMeasure::transfer ? judged_by(planned, one) : one.folder);
    }
    return runs.size();
  }

  static void set_paper(const std::optional<PaperFigure>& paper, TableReport::Measure& measure) {
    if (!paper) return;
    measure.paper = paper->mean;
    measure.paper_std = paper->std;
  }

  void add_accuracy(const PlannedRow& planned, const std::vector<std::optional<std::size_t>>& tasks,
                    const std::string& name, TableReport::Row& out) {
    TableReport::Measure last{.name = name, .values = {}};
    TableReport::Measure median{.name = "median of the last 20", .values = {}};
    set_paper(planned.row->paper, last);
    std::vector<Series> curves;
    std::set<fs::path> counted;  // seeds may share a run, such as one generator for all
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      const TableTask* const task = done(tasks[i]);
      if (task == nullptr || !counted.insert(task->folder).second) continue;
      const RunHistory history = RunHistory::read(task->folder / "metrics.jsonl");
      const std::optional<double> accuracy = last_accuracy(history);
      if (!accuracy) continue;
      last.values.push_back({request_.seeds[i], 100 * *accuracy});
      median.values.push_back({request_.seeds[i], 100 * median_accuracy(history).accuracy});
      curves.push_back(*history.find("test_accuracy"));
    }
    if (!curves.empty()) out.curve = mean_series(planned.title(), curves);
    out.measures.push_back(std::move(last));
    out.measures.push_back(std::move(median));
  }

  void add_transfer(const PlannedRow& planned, TableReport::Row& out) {
    TableReport::Measure s_c{.name = "s_c", .values = {}};
    TableReport::Measure s_r{.name = "s_r", .values = {}};
    set_paper(planned.row->paper_s_c, s_c);
    set_paper(planned.row->paper_s_r, s_r);
    std::set<fs::path> counted;
    for (std::size_t i = 0; i < planned.transfers.size(); ++i) {
      const TableTask* const task = done(planned.transfers[i]);
      if (task == nullptr || !counted.insert(judged_by(planned, *task)).second) continue;
      std::ifstream file(task->transfer_json());
      const auto json = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
      const auto share = [&](const char* name) -> double {
        const std::string path = "/methods/" + planned.row->mixer + "/" + name + "/share";
        const nlohmann::json::json_pointer at(path);
        if (!json.is_object() || !json.contains(at) || !json[at].is_number()) {
          user_error(task->transfer_json().string(), ": no number ", path,
                     ", expected what scimix_eval transfer writes");
        }
        return json[at].get<double>();
      };
      s_c.values.push_back({request_.seeds[i], 100 * share("s_c")});
      s_r.values.push_back({request_.seeds[i], 100 * share("s_r")});
    }
    out.measures.push_back(std::move(s_c));
    out.measures.push_back(std::move(s_r));
  }

  // Returns the title that the baseline of a row has in the same table, or else in another one. A
  // row and its baseline have the same number of labels.
  [[nodiscard]] std::string baseline_title(const PlannedRow& planned) const {
    const TableRow* found = nullptr;
    for (const TableRow& row : list_.rows) {
      if (list_.runs[row.runs].name != planned.row->baseline) continue;
      if (found == nullptr || row.table == request_.table) found = &row;
      if (row.table == request_.table) break;
    }
    return found == nullptr ? planned.row->baseline : row_title(*found, planned.values);
  }

  // Returns the accuracies of the baseline, for the seeds for which it is finished, and has the
  // data of the row and the settings that it has in this table. The baseline may have been trained
  // by an earlier command; a note says so if that had other settings.
  [[nodiscard]] std::vector<SeedValue> baseline_values(const PlannedRow& planned,
                                                       std::vector<std::string>& notes) const {
    const RunKind& kind = classifier_kind();
    std::vector<SeedValue> values;
    for (std::size_t i = 0; i < planned.baselines.size(); ++i) {
      const TableTask& task = planned.baselines[i];
      const auto agrees = [&](const char* setting) {
        const auto at = static_cast<std::size_t>(kind.index(setting));
        return task.values[at] == planned.values[at];
      };
      // A row and its baseline need the same images and labels.
      if (!std::ranges::all_of(kImageSettings, agrees) || !agrees("labels")) continue;
      try {
        if (!is_done(task)) continue;
      } catch (const Error& error) {
        if (error.fault() != Fault::user) throw;
        const std::string note = fmt::format("{} is compared with no baseline of seed {}: {}.",
                                             planned.title(), request_.seeds[i], error.what());
        if (std::ranges::find(notes, note) == notes.end()) notes.push_back(note);
        continue;
      }
      const RunFolder run = RunFolder::open(task.folder);
      const auto accuracy = last_accuracy(RunHistory::read(run.metrics()));
      if (accuracy) values.push_back({request_.seeds[i], 100 * *accuracy});
    }
    return values;
  }

  // Adds the picture of hybrids of the first seed: the one that the transfer measurement wrote, or
  // else the generator's own samples.
  void add_picture(const PlannedRow& planned, TableReport::Row& out) const {
    if (const TableTask* const transfer = done(planned.transfers.front())) {
      out.picture = transfer->transfer_picture();
      out.picture_columns = "columns: content, scene, SciMix, MixUp, AdaIN, FDA";
      return;
    }
    const TableTask* const generator = done(planned.generators.front());
    if (generator == nullptr) return;
    out.picture = RunFolder::open(generator->folder).step_samples(generator->steps());
    out.picture_columns = "the generator's samples";
  }

  void add_settings(const PlannedRow& planned, TableReport::Row& out) const {
    for (const auto* const tasks : {&planned.classifiers, &planned.generators}) {
      const std::optional<std::size_t>& first = tasks->front();
      if (!first) continue;
      const TableTask& task = plan_.tasks[*first];
      const fs::path config = task.folder / "config.toml";
      if (is_file(config)) out.settings.emplace_back(task.name, text_of_file(config));
    }
  }

  const TableList& list_;
  const TableRequest& request_;
  const TablePlan& plan_;
};

}  // namespace

TableReport table_results(const TableList& list, const TableRequest& request, const TablePlan& plan,
                          const std::string& command) {
  return Results(list, request, plan).report(command);
}

std::string generator_guide(const TableTask& generator) {
  std::string loss = generator.setting("semantic-loss");
  // The trained run knows whether all images have labels. Before, the settings let one guess.
  if (const std::string method = checkpoint_entry(generator.folder, "semantic_method");
      !method.empty()) {
    loss = method == "supervised" ? "cross-entropy" : method;
  } else if (loss == "auto") {
    loss = generator.setting("labels") == "all" ? "cross-entropy" : "mean-teacher";
  }
  const std::string guide = generator.setting("guide");
  if (!guide.empty()) {  // OUT/runs/NAME/seed-N is shown as NAME
    const fs::path run = fs::path(guide).parent_path().filename();
    return fmt::format("{}, guided by {}", loss, run.empty() ? guide : run.string());
  }
  const std::string steps = generator.setting("guide-steps");
  if (!steps.empty() && steps != "0")
    return fmt::format("{}, first alone for {} steps", loss, steps);
  return loss;
}

}  // namespace scimix

#include "tools/table/train_table.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <iostream>
#include <optional>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/installed_files.hpp"
#include "core/threads.hpp"
#include "report/run_lock.hpp"
#include "settings/table_list.hpp"
#include "tools/command_line/cli.hpp"
#include "tools/command_line/seeds.hpp"
#include "tools/table/table_data.hpp"
#include "tools/table/table_plan.hpp"
#include "tools/table/table_results.hpp"
#include "tools/table/table_runner.hpp"
#include "tools/train/train_command.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

struct Asked {
  std::string table;
  std::string rows;
  std::string seeds = "0,1,2";
  std::string scale = "full";
  std::string data_dir;
  std::string device = "auto";
  std::string out = "runs/tables";
  std::string config = "configs/tables.toml";
  std::vector<std::string> overrides;
  int jobs = 0;
  bool list = false;
};

void add_options(CLI::App& app, Asked& asked) {
  use_setting_defaults(app);
  app.add_option("table", asked.table, "I, II, 3b, III, IV, V, VI or another table of the list")
      ->required();
  app.add_option("--rows", asked.rows,
                 "only rows whose names match this regular expression; --list shows the names");
  app.add_option("--seeds", asked.seeds,
                 "one run of each row per seed; each seed also selects other labelled images");
  app.add_option("--scale", asked.scale,
                 "full, or cpu: smaller models and batches and fewer steps, minutes a run on two "
                 "cores");
  app.add_option("--data-dir", asked.data_dir, "folder that holds the data sets");
  app.add_option("--device", asked.device,
                 "auto, cpu, cuda:N; with auto, several jobs use different GPUs");
  app.add_option("--jobs", asked.jobs,
                 "runs at a time, among which the threads are divided; 0: as many as there are "
                 "GPUs, and 1 without a GPU")
      ->check(CLI::Range(0, 1024));
  add_threads(app, "Options");
  app.add_option(
      "--out", asked.out,
      "folder of the results (OUT/TABLE/table.md, table.csv, table.html) and of all runs, "
      "which several tables can use; with --scale cpu, the default is runs/tables-cpu");
  app.add_option("--set", asked.overrides,
                 "KEY=VALUE overrides a setting of all classifiers, generator.KEY=VALUE and "
                 "oracle.KEY=VALUE a setting of the other runs. May be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--config", asked.config, "file with the list of tables");
  app.add_flag("--list", asked.list,
               "show the rows and the progress of their runs, and train nothing");
}

TableRequest request_of(const Asked& asked, bool out_given) {
  TableRequest request{.table = asked.table,
                       .rows = asked.rows,
                       .seeds = parse_seeds(asked.seeds),
                       .data_dir = asked.data_dir,
                       .device = asked.device,
                       .out = asked.out,
                       .overrides = asked.overrides};
  const auto scale = find_choice<RunScale>(asked.scale);
  if (!scale) refuse_choice("--scale " + asked.scale, asked.scale, choice_names<RunScale>());
  request.scale = *scale;
  if (request.scale == RunScale::cpu && !out_given) request.out += "-cpu";
  (void)parse_device(asked.device);
  return request;
}

std::string state_of(const TableTask& task, bool settled) {
  if (settled) return is_done(task) ? "done" : "not needed";
  if (!task.is_run()) return "to do";
  const std::int64_t step = read_pace(task.folder / "metrics.jsonl").step;
  return step == 0 ? "to do" : fmt::format("step {} of {}", step, task.steps());
}

void print_list(std::ostream& out, const TableList& list, const TablePlan& plan) {
  for (const PlannedRow& planned : plan.rows) {
    const TableRow& row = *planned.row;
    std::string paper;
    if (row.paper) paper = fmt::format("  paper {:.1f}", row.paper->mean);
    if (row.paper && row.paper->std) paper += fmt::format(" ± {:.1f}", *row.paper->std);
    fmt::print(out, "{}  {}{}\n", list.runs[row.runs].name, planned.title(), paper);
  }
  fmt::print(out, "\n");
  const std::vector<bool> settled = settled_tasks(plan);
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    fmt::print(out, "{}: {}\n", plan.tasks[i].name, state_of(plan.tasks[i], settled[i]));
  }
}

// Ends the program with one line about all failed runs.
[[noreturn]] void report_failures(const std::vector<TableFailure>& failures) {
  std::string names;
  for (const TableFailure& failure : failures) {
    names += (names.empty() ? "" : ", ") + failure.task;
  }
  const TableFailure& first = failures.front();
  user_error(failures.size() == 1 ? "a run has failed: " : "runs have failed: ", names,
             "; the first with exit code ", first.exit_code, ": ", first.message, " (",
             first.log.string(), ")");
}

int jobs_of(const Asked& asked) {
  if (asked.jobs > 0) return asked.jobs;
  return asked.device == "auto" ? std::max(1, cuda_device_count()) : 1;
}

int make_table(const Asked& asked, const TableRequest& request, const std::string& command,
               Ranks& ranks) {
  const TableList list = read_table_list(find_preset(asked.config));
  const TablePlan plan = plan_table(list, request);
  const RunStreams streams = streams_of(ranks);
  if (asked.list) {
    print_list(streams.out, list, plan);
    return 0;
  }
  check_table_data(plan);
  std::error_code error;
  fs::create_directories(request.out, error);
  if (error) user_error("--out ", request.out.string(), ": ", error.message());
  const RunLock lock(request.out);
  const fs::path folder = request.out / request.table;
  const auto write = [&] { write_table(folder, table_results(list, request, plan, command)); };
  const TableOutcome outcome = run_table(
      plan, {.out = request.out, .jobs = jobs_of(asked), .made_by = command}, streams, write);
  write();
  if (!outcome.failures.empty()) report_failures(outcome.failures);
  if (outcome.interrupted) {
    fmt::print(streams.out, "interrupted; the same command goes on\n");
    return kExitInterrupted;
  }
  fmt::print(streams.out, "table {}\n", (folder / "table.html").string());
  return 0;
}

}  // namespace

int train_table(const std::vector<std::string>& arguments, Ranks& ranks) {
  CLI::App app("Trains all runs of a table, and writes the table. Started again, it resumes them.",
               "scimix_train table");
  Asked asked;
  add_options(app, asked);
  if (const auto done = parse(app, arguments)) return *done;
  if (ranks.size() > 1) {
    user_error("table: started as ", ranks.size(),
               " ranks, expected one process (--jobs starts several runs)");
  }
  const TableRequest request = request_of(asked, app.get_option("--out")->count() > 0);
  return make_table(asked, request, command_line("table", arguments), ranks);
}

}  // namespace scimix

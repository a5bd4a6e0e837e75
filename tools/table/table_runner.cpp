#include "tools/table/table_runner.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <thread>

#include "core/atomic_file.hpp"
#include "core/device.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "core/threads.hpp"
#include "report/progress.hpp"
#include "report/run_folder.hpp"
#include "report/run_lock.hpp"
#include "settings/settings_file.hpp"
#include "tools/command_line/child_process.hpp"
#include "tools/command_line/exit_codes.hpp"
#include "tools/command_line/run_settings.hpp"
#include "tools/train/train_command.hpp"
#include "trainers/checkpoint.hpp"
#include "trainers/guide.hpp"
#include "trainers/interrupt.hpp"
#include "trainers/training_run.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

constexpr auto kPoll = std::chrono::milliseconds(100);
constexpr double kTerminalSeconds = 2;  // between two progress lines
constexpr double kLogSeconds = 60;
constexpr double kOwnerSeconds = 600;  // how long to wait for another process's lock of a folder

bool has_run(const fs::path& folder) {
  return is_file(folder / "config.toml");
}

// Returns the end of a file, at most `bytes` of it.
std::string tail_of(const fs::path& path, std::int64_t bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  file.seekg(0, std::ios::end);
  const std::int64_t size = file.tellg();
  file.seekg(std::max<std::int64_t>(size - bytes, 0));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string last_line(const fs::path& log) {
  std::string text = tail_of(log, 4096);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

// Copies the trained guide into the folder in which the generator's run would train it. The run
// finds it finished there, and does not read the shared folder. A copy that was not completed has
// another name. Errors (user): it cannot be copied.
void take_over_guide(const TableTask& generator) {
  const fs::path guide = guide_folder(generator.folder);
  if (has_run(guide)) return;
  const fs::path made = guide.string() + ".new";
  std::error_code error;
  fs::remove_all(made, error);
  if (!error) fs::create_directories(generator.folder, error);
  if (!error) fs::copy(generator.guide, made, fs::copy_options::recursive, error);
  if (!error) fs::rename(made, guide, error);
  if (error) {
    user_error(guide.string(), ": cannot copy the guide ", generator.guide.string(),
               " there: ", error.message());
  }
}

// The state of a task.
enum class State { waiting, running, done, failed };

// A child process. `slot` is the smallest number that no other running process has, from 0. It
// selects the GPU.
struct Running {
  std::size_t task;
  int slot;
  ChildProcess process;
  double begun;
  double last_step_seconds = 0;
};

class Runner {
 public:
  Runner(const TablePlan& plan, const TableRunOptions& options, const RunStreams& streams,
         const std::function<void()>& after_each)
      : plan_(plan),
        options_(options),
        streams_(streams),
        after_each_(after_each),
        terminal_(stderr_is_terminal()) {
    for (const bool settled : settled_tasks(plan)) {
      states_.push_back(settled ? State::done : State::waiting);
    }
    for (const TableTask& task : plan.tasks) {
      if (!task.is_run()) continue;
      const double seconds = read_pace(metrics_of(task)).seconds_per_step;
      if (seconds > 0) pace_[rate_key(task)] = seconds;
    }
  }

  TableOutcome run();

 private:
  static fs::path metrics_of(const TableTask& task) { return task.folder / "metrics.jsonl"; }

  // Returns a key of runs that take about the same time for a step.
  static std::string rate_key(const TableTask& task) {
    return fmt::format("{} {} {} {} {}", static_cast<int>(task.kind), task.setting("method"),
                       task.setting("mixer"), task.setting("dataset"), task.setting("image-size"));
  }

  [[nodiscard]] bool is_ready(std::size_t task) const {
    return states_[task] == State::waiting &&
           std::ranges::all_of(plan_.tasks[task].needs,
                               [&](std::size_t need) { return states_[need] == State::done; });
  }
  [[nodiscard]] bool any_ready() const {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      if (is_ready(i)) return true;
    }
    return false;
  }
  void start_what_is_ready();
  void start(std::size_t task, int slot);
  [[nodiscard]] ChildCommand command_of(const TableTask& task, int slot) const;
  [[nodiscard]] bool has_owner(const TableTask& task);
  void collect();
  void finish(Running& child, int exit_code);
  void fail(std::size_t task, int exit_code, const std::string& message);
  [[nodiscard]] int free_slot() const;
  [[nodiscard]] std::string device_of(const TableTask& task, int slot) const;
  void show(bool now);
  [[nodiscard]] std::string progress_line();
  [[nodiscard]] double task_seconds(const TableTask& task);
  void say(const std::string& line);

  const TablePlan& plan_;
  const TableRunOptions& options_;
  const RunStreams& streams_;
  const std::function<void()>& after_each_;
  const bool terminal_;
  std::vector<State> states_;
  std::vector<Running> running_;
  std::map<std::string, double> pace_;         // seconds per step, by rate_key()
  std::map<std::size_t, double> waits_since_;  // task -> since when it waits for a folder's lock
  TableOutcome outcome_;
  double shown_ = -1e9;
  bool line_open_ = false;
};

int Runner::free_slot() const {
  int slot = 0;
  while (std::ranges::find(running_, slot, &Running::slot) != running_.end()) ++slot;
  return slot;
}

// Returns the device for a task. If there are several GPUs, processes that run at the same time use
// different GPUs as far as possible.
std::string Runner::device_of(const TableTask& task, int slot) const {
  const std::string wanted = task.is_run() ? task.setting("device") : "auto";
  const int gpus = cuda_device_count();
  if (gpus < 2 || (wanted != "auto" && wanted != "cuda")) return wanted;
  return fmt::format("cuda:{}", slot % gpus);
}

ChildCommand Runner::command_of(const TableTask& task, int slot) const {
  const fs::path programs = fs::read_symlink("/proc/self/exe").parent_path();
  ChildCommand command{
      .program = programs / "scimix_train",
      .arguments = {},
      .log = table_log(options_.out, task),
      .environment = {
          {"OMP_NUM_THREADS", std::to_string(std::max(1, thread_count() / options_.jobs))}}};
  if (!task.is_run()) {
    command.program = programs / "scimix_eval";
    const TableTask& run = plan_.tasks[task.needs[0]];
    command.arguments = {"transfer",
                         "--generator=" + task.generator.string(),
                         "--oracle=" + task.oracle.string(),
                         "--json=" + task.transfer_json().string(),
                         "--grid=" + task.transfer_picture().string(),
                         "--device=" + device_of(run, slot)};
    if (const std::string dir = run.setting("data-dir"); !dir.empty()) {
      command.arguments.push_back("--data-dir=" + dir);
    }
    return command;
  }
  const RunKind& kind = task.run_kind();
  SettingValues values = task.values;
  values[static_cast<std::size_t>(kind.index("device"))] = device_of(task, slot);
  command.arguments = {kind.name};
  if (has_run(task.folder)) {
    for (std::string& word : resume_arguments(kind, task.folder, values)) {
      command.arguments.push_back(std::move(word));
    }
    return command;
  }
  const fs::path settings = options_.out / "settings" / (task.file_name() + ".toml");
  AtomicFile out(settings);
  out.write(config_text(kind, values, {"made by: " + options_.made_by}));
  out.commit();
  command.arguments.push_back("--config=" + settings.string());
  return command;
}

// Returns whether another process holds the lock of the run's folder: a run whose table was killed
// may still be writing its last checkpoint. Errors (user): the lock was held for too long.
bool Runner::has_owner(const TableTask& task) {
  if (!task.is_run() || !is_file(task.folder / "lock")) return false;
  try {
    const RunLock lock(task.folder);
    return false;
  } catch (const Error& error) {
    const auto at = static_cast<std::size_t>(&task - plan_.tasks.data());
    const auto [since, is_new] = waits_since_.try_emplace(at, steady_seconds());
    if (is_new) say(std::string(error.what()) + "; waiting until the folder is free");
    if (steady_seconds() - since->second > kOwnerSeconds) throw;
    return true;
  }
}

// Returns the step of the newest checkpoint, from which the run will go on, as text.
std::string resumed_step(const fs::path& run) {
  const std::string step = checkpoint_entry(run, "step");
  return step.empty() ? "0" : step;
}

void Runner::start(std::size_t at, int slot) {
  const TableTask& task = plan_.tasks[at];
  fs::create_directories(task.is_run() ? task.folder.parent_path() : task.folder);
  if (!task.is_run() || !has_run(task.folder)) {  // no notes of an earlier run in this folder
    std::error_code none;
    fs::remove(table_log(options_.out, task), none);
  }
  if (!task.guide.empty() && !has_run(task.folder)) take_over_guide(task);
  running_.push_back({at, slot, ChildProcess(command_of(task, slot)), steady_seconds()});
  states_[at] = State::running;
  say(fmt::format("{}: {}", task.name,
                  !task.is_run()         ? "measuring"
                  : has_run(task.folder) ? "going on after step " + resumed_step(task.folder)
                                         : std::string("begun")));
}

void Runner::start_what_is_ready() {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (std::ssize(running_) >= options_.jobs) return;
    if (!is_ready(i)) continue;
    try {
      if (!has_owner(plan_.tasks[i])) start(i, free_slot());
    } catch (const Error& error) {
      if (error.fault() != Fault::user) throw;
      fail(i, kExitUserError, error.what());  // the other tasks go on
    } catch (const fs::filesystem_error& error) {
      fail(i, kExitUserError, error.what());
    }
  }
}

void Runner::fail(std::size_t at, int exit_code, const std::string& message) {
  const TableTask& task = plan_.tasks[at];
  states_[at] = State::failed;
  outcome_.failures.push_back({task.name, exit_code, message, table_log(options_.out, task)});
  say(fmt::format("{}: failed with exit code {}: {}", task.name, exit_code, message));
}

void Runner::finish(Running& child, int exit_code) {
  const TableTask& task = plan_.tasks[child.task];
  bool done = false;
  try {
    done = exit_code == 0 && is_done(task);
  } catch (const Error& error) {
    if (error.fault() != Fault::user) throw;
    return fail(child.task, kExitUserError, error.what());
  }
  if (done) {
    states_[child.task] = State::done;
    say(fmt::format("{}: done, took {}", task.name,
                    format_duration(steady_seconds() - child.begun)));
    after_each_();
    return;
  }
  // A user or scheduler has stopped the run. Before its first step, a run ends by SIGTERM itself,
  // because it has nothing to save.
  if (exit_code == kExitInterrupted || exit_code == 128 + SIGTERM) {
    outcome_.interrupted = true;
    states_[child.task] = State::waiting;
    return;
  }
  fail(child.task, exit_code, last_line(table_log(options_.out, task)));
}

void Runner::collect() {
  for (std::size_t i = 0; i < running_.size();) {
    const std::optional<int> code = running_[i].process.ended();
    if (!code) {
      ++i;
      continue;
    }
    Running child = std::move(running_[i]);
    std::vector<Running> rest;
    for (std::size_t j = 0; j < running_.size(); ++j) {
      if (j != i) rest.push_back(std::move(running_[j]));
    }
    running_.swap(rest);
    finish(child, *code);
  }
}

double Runner::task_seconds(const TableTask& task) {
  const RunPace pace = read_pace(metrics_of(task));
  double& rate = pace_[rate_key(task)];
  if (pace.seconds_per_step > 0) rate = pace.seconds_per_step;
  if (rate <= 0) return -1;
  return rate * static_cast<double>(task.steps() - pace.step);
}

std::string Runner::progress_line() {
  std::vector<double> seconds;
  std::size_t done = 0;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (states_[i] == State::done) ++done;
    const bool left = states_[i] == State::waiting || states_[i] == State::running;
    if (left && plan_.tasks[i].is_run()) seconds.push_back(task_seconds(plan_.tasks[i]));
  }
  const auto rows = std::ranges::count_if(plan_.rows, [&](const PlannedRow& row) {
    return std::ranges::all_of(row.tasks(),
                               [&](std::size_t task) { return states_[task] == State::done; });
  });
  std::string line =
      fmt::format("{} of {} rows, {} of {} runs done  {} left", rows, plan_.rows.size(), done,
                  states_.size(), format_duration(seconds_left(seconds, options_.jobs)));
  for (const Running& child : running_) {
    const TableTask& task = plan_.tasks[child.task];
    line += "  " + task.name;
    if (task.is_run())
      line += fmt::format(" {}/{}", read_pace(metrics_of(task)).step, task.steps());
  }
  return line;
}

void Runner::show(bool now) {
  const double seconds = steady_seconds();
  if (!now && seconds - shown_ < (terminal_ ? kTerminalSeconds : kLogSeconds)) return;
  shown_ = seconds;
  std::string line = progress_line();
  if (terminal_) {
    line = line.substr(0, static_cast<std::size_t>(std::max(terminal_width() - 1, 1)));
    streams_.progress << "\r\033[K" << line;
    line_open_ = true;
  } else {
    streams_.progress << line << '\n';
  }
  streams_.progress.flush();
}

void Runner::say(const std::string& line) {
  if (std::exchange(line_open_, false)) streams_.progress << "\r\033[K" << std::flush;
  fmt::print(streams_.out, "{}\n", line);
  streams_.out.flush();
}

TableOutcome Runner::run() {
  InterruptFlag interrupt;
  show(true);
  for (;;) {
    collect();
    if (!outcome_.interrupted) start_what_is_ready();
    if (running_.empty() && !any_ready()) break;
    if (interrupt.raised()) outcome_.interrupted = true;
    if (outcome_.interrupted) {
      interrupt.answer();
      for (const Running& child : running_) child.process.terminate();
      while (!running_.empty()) {
        std::this_thread::sleep_for(kPoll);
        collect();
      }
      break;
    }
    show(false);
    std::this_thread::sleep_for(kPoll);
  }
  show(true);
  if (line_open_) streams_.progress << '\n' << std::flush;
  return std::move(outcome_);
}

}  // namespace

fs::path table_log(const fs::path& out, const TableTask& task) {
  return out / "logs" / (task.file_name() + ".txt");
}

RunPace read_pace(const fs::path& metrics) {
  std::istringstream lines(tail_of(metrics, 16384));
  RunPace pace;
  double last_time = 0;
  std::vector<double> rates;
  for (std::string line; std::getline(lines, line);) {
    const auto record = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    const auto has_number = [&](const char* name) {
      return record.contains(name) && record[name].is_number();
    };
    if (!record.is_object() || !has_number("step") || !has_number("time")) continue;
    const auto step = record["step"].get<std::int64_t>();
    const auto time = record["time"].get<double>();
    if (pace.step > 0 && step > pace.step) {
      rates.push_back((time - last_time) / static_cast<double>(step - pace.step));
    }
    if (step == pace.step) continue;  // an evaluation; its time counts for the next steps
    pace.step = step;
    last_time = time;
  }
  if (rates.empty()) return pace;
  std::ranges::nth_element(rates, rates.begin() + std::ssize(rates) / 2);
  pace.seconds_per_step = std::max(rates[rates.size() / 2], 0.0);
  return pace;
}

std::string checkpoint_entry(const fs::path& run, const std::string& key) {
  if (!has_run(run)) return {};
  const auto newest = RunFolder::open(run).latest_checkpoint();
  return newest ? value_of(read_checkpoint_metadata(*newest), key) : std::string();
}

namespace {

// Checks that a classifier with hybrids learnt from the generator that is there now. Errors (user):
// it learnt from another one; the table would show it as this one's. (Older checkpoints do not say.
// Between f64 and other runs, the checksums differ by the rounding.)
void check_same_generator(const TableTask& task) {
  if (task.kind != TableTask::Kind::classifier || task.setting("mixer") != "scimix") return;
  const fs::path generator = task.setting("generator");
  const std::string learnt = checkpoint_entry(task.folder, "generator_checksum");
  const std::string there = checkpoint_entry(generator, "generator_checksum");
  if (learnt.empty() || there.empty() || learnt == there) return;
  const fs::path config = RunFolder::open(generator).config();
  const bool rounded = task.setting("precision") == "f64" ||
                       read_generator_config(config).precision == Precision::f64;
  if (rounded) return;
  user_error(shown(task.folder), ": learnt from another generator than the one that is in ",
             shown(generator), " now; move the classifier's folder away, or choose another --out");
}

}  // namespace

bool is_done(const TableTask& task) {
  if (!task.is_run()) {
    if (!is_file(task.transfer_json()) || !is_file(task.transfer_picture())) return false;
    // The generator may have been trained further since the measurement, and the generator or the
    // oracle may have been trained anew.
    std::ifstream file(task.transfer_json());
    const auto json = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("generator") || !json["generator"].is_string()) {
      return false;
    }
    const fs::path measured = json["generator"].get<std::string>();
    for (const fs::path& folder : {task.generator, task.oracle}) {
      const auto newest =
          has_run(folder) ? RunFolder::open(folder).latest_checkpoint() : std::nullopt;
      if (!newest || fs::last_write_time(*newest) > fs::last_write_time(task.transfer_json())) {
        return false;
      }
      if (folder == task.generator && measured.filename() != newest->filename()) return false;
    }
    return true;
  }
  if (!has_run(task.folder)) return false;
  (void)resume_arguments(task.run_kind(), task.folder, task.values);
  check_same_generator(task);
  return is_finished(RunFolder::open(task.folder), task.steps());
}

std::vector<bool> settled_tasks(const TablePlan& plan) {
  std::vector<bool> settled;
  for (const TableTask& task : plan.tasks) settled.push_back(is_done(task));
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    if (!plan.tasks[i].is_guide) continue;
    settled[i] = settled[i] || std::ranges::all_of(plan.tasks, [&](const TableTask& task) {
                   return std::ranges::find(task.needs, i) == task.needs.end() ||
                          has_run(task.folder) || has_run(guide_folder(task.folder));
                 });
  }
  return settled;
}

double seconds_left(const std::vector<double>& seconds, int jobs) {
  double sum = 0;
  double longest = 0;
  double known = 0;
  for (const double one : seconds) {
    if (one < 0) continue;
    sum += one;
    known += 1;
    longest = std::max(longest, one);
  }
  if (seconds.empty()) return 0;
  if (known == 0) return -1;
  const double all = sum / known * static_cast<double>(seconds.size());
  return std::max(longest, all / jobs);
}

TableOutcome run_table(const TablePlan& plan, const TableRunOptions& options,
                       const RunStreams& streams, const std::function<void()>& after_each) {
  for (const char* const folder : {"logs", "settings"}) {
    std::error_code error;
    fs::create_directories(options.out / folder, error);
    if (error) user_error((options.out / folder).string(), ": ", error.message());
  }
  return Runner(plan, options, streams, after_each).run();
}

}  // namespace scimix

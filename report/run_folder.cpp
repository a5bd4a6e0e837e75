#include "report/run_folder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <set>
#include <system_error>
#include <utility>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "core/result_file.hpp"
#include "core/safetensors.hpp"
#include "data/image_io.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBefore = "step-";
constexpr std::string_view kAfter = ".safetensors";

std::string name_of_checkpoint(std::int64_t step) {
  return fmt::format("{}{:08}{}", kBefore, step, kAfter);
}

// Temporary files of a killed run, and checkpoints that somebody gave another name, have no step.
std::optional<std::int64_t> step_in(const std::string& name) {
  if (!name.starts_with(kBefore) || !name.ends_with(kAfter)) return std::nullopt;
  const char* const begin = name.data() + kBefore.size();
  const char* const end = name.data() + name.size() - kAfter.size();
  std::int64_t step = 0;
  const auto [at, fault] = std::from_chars(begin, end, step);
  if (fault != std::errc() || at != end || name_of_checkpoint(step) != name) return std::nullopt;
  return step;
}

std::set<std::int64_t> steps_in(const fs::path& folder) {
  std::set<std::int64_t> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (const auto step = step_in(entry.path().filename().string())) found.insert(*step);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    user_error(folder.string(), ": cannot list this folder: ", error.message());
  }
  return found;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  const bool there = fs::exists(path, error);
  if (error) user_error(path.string(), ": cannot look at it: ", error.message());
  return there;
}

std::string first_line_of(const fs::path& file) {
  std::string line;
  std::ifstream stream(file);
  std::getline(stream, line);
  return line;
}

// Returns whether the folder is a job of scimix_train auto, whose runs are in folders of their own.
bool is_job(const RunFolder& run) {
  return first_line_of(run.config()) == "# scimix_train auto";
}

// Returns the paths of the runs in the folder of a job, for a message. The link to the best run
// comes first.
std::string runs_of_job(const fs::path& job) {
  const fs::path best = job / "best";
  std::vector<fs::path> runs;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(job, error)) {
    std::error_code ignored;
    if (fs::exists(entry.path() / "config.toml", ignored)) runs.push_back(entry.path());
  }
  std::ranges::sort(runs, {}, [&](const fs::path& run) { return std::pair(run != best, run); });
  std::string list;
  for (const fs::path& run : runs) list += (list.empty() ? "" : ", ") + shown(run);
  return list;
}

// Checks that this process may make files in a folder, if that is there.
void check_writable(const fs::path& folder) {
  if (path_kind(folder) == PathKind::missing || ::access(folder.c_str(), W_OK | X_OK) == 0) return;
  const std::string reason = reason_of(errno);
  user_error(folder.string(), ": cannot write in this folder: ", reason);
}

// Checks that a file of a run, if it exists, is one that this program wrote.
void check_own(const fs::path& file, std::string_view mark) {
  if (!is_there(file) || (is_file(file) && holds_mark("--out", file, mark))) return;
  user_error(shown(file), ": was not written by this program, and a run would replace it; move it ",
             "away or choose another --out");
}

}  // namespace

bool RunFolder::holds_run(const fs::path& path) {
  return first_line_of(RunFolder(path).config()).starts_with("# scimix_train ");
}

void RunFolder::check_free(const fs::path& path) {
  static_cast<void>(path_kind(
      path));  // throws if `path` is, for example, a link to something that does not exist
  const RunFolder run(path);
  if (is_there(run.config()) && !holds_run(path)) {
    user_error(path.string(),
               ": holds a config.toml that is no run of scimix_train; choose another ", "--out");
  }
  if (is_there(run.config())) {
    user_error(path.string(), ": already holds a run; continue it with --resume ", path.string(),
               " or choose another --out");
  }
  if (const auto steps = steps_in(run.checkpoints()); !steps.empty()) {
    user_error(path.string(), ": holds checkpoints of another run, the newest is ",
               name_of_checkpoint(*steps.rbegin()), "; move them away or choose another --out");
  }
  // A run that was killed before it had begun leaves none of these.
  for (const fs::path& file : {run.metrics(), run.report()}) {
    if (!is_there(file)) continue;
    user_error(file.string(), ": is there already, and a run would write to it; move it away or ",
               "choose another --out");
  }
  // It leaves these, which may also be other files of the same names.
  check_own(run.split(), "\"scimix-split-1\"");
  check_own(path / "lock", "process ");
  check_own(run.written(), "step-");
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(run.samples(), none)) {
    if (entry.path().extension() == ".png") check_own(entry.path(), kPngMark);
  }
}

RunFolder RunFolder::create(const fs::path& path) {
  check_free(path);
  RunFolder run(path);
  std::error_code error;
  fs::create_directories(run.checkpoints(), error);
  if (!error) fs::create_directories(run.samples(), error);
  if (error) user_error(path.string(), ": cannot make this folder: ", error.message());
  return run;
}

RunFolder RunFolder::open(const fs::path& path) {
  RunFolder run(path);
  if (!is_there(run.config())) {
    user_error(path.string(), ": no run to resume, expected a folder with a config.toml");
  }
  return run;
}

fs::path RunFolder::checkpoint(std::int64_t step) const {
  return checkpoints() / name_of_checkpoint(step);
}

fs::path RunFolder::step_samples(std::int64_t step) const {
  return samples() / fmt::format("step-{:08}.png", step);
}

// A run of an older version has no list: what is there is taken for its own. A list is written
// whole and is never empty, so an empty one, or one with other words, is damaged. Without it the
// run would look as if it had no checkpoint.
std::vector<std::int64_t> RunFolder::own_checkpoints() const {
  const std::set<std::int64_t> there = steps_in(checkpoints());
  if (path_kind(written()) == PathKind::missing) return {there.begin(), there.end()};
  std::ifstream list(written());
  if (!list) user_error(written().string(), ": cannot be read: ", reason_of(errno));
  std::set<std::int64_t> own;
  bool damaged = list.peek() == std::ifstream::traits_type::eof();
  for (std::string name; std::getline(list, name);) {
    const auto step = step_in(name);
    damaged = damaged || !step;
    if (step && there.contains(*step)) own.insert(*step);
  }
  if (damaged) {
    user_error(written().string(),
               ": damaged, expected the names of this run's checkpoints; move it away if all "
               "checkpoints beside it belong to this run");
  }
  return {own.begin(), own.end()};
}

fs::path RunFolder::required_checkpoint() const {
  const std::optional<fs::path> newest = latest_checkpoint();
  if (newest) return *newest;
  if (!is_job(*this)) user_error(shown(path_), ": no checkpoint in this run yet");
  const std::string runs = runs_of_job(path_);
  if (runs.empty()) user_error(shown(path_), ": a job of scimix_train auto that has no run yet");
  user_error(shown(path_), ": a job of scimix_train auto, expected one of its runs: ", runs);
}

std::optional<fs::path> RunFolder::latest_checkpoint(std::vector<std::string>* passed_over) const {
  const std::vector<std::int64_t> steps = own_checkpoints();
  std::string fault;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    try {
      const SafetensorsFile whole(checkpoint(*step));
      return checkpoint(*step);
    } catch (const Error& error) {
      if (fault.empty()) fault = error.what();
      if (passed_over == nullptr) continue;
      passed_over->push_back(
          fmt::format("{}; this checkpoint is passed over for the one before", error.what()));
    }
  }
  if (steps.empty()) return std::nullopt;
  user_error(fault, "; no checkpoint of this run is whole, without any it starts anew");
}

fs::path RunFolder::image_cache(const fs::path& run) {
  fs::path outer = absolute_path(run).lexically_normal();
  if (!outer.has_filename()) outer = outer.parent_path();
  while (outer != outer.parent_path() && holds_run(outer.parent_path()))
    outer = outer.parent_path();
  return outer.parent_path() / "image-cache";
}

void RunFolder::note_checkpoint(std::int64_t step) const {
  std::vector<std::int64_t> steps = own_checkpoints();
  if (std::find(steps.begin(), steps.end(), step) == steps.end()) steps.push_back(step);
  AtomicFile file(written());
  for (const std::int64_t own : steps) file.write(name_of_checkpoint(own) + "\n");
  file.commit();
}

void RunFolder::keep_newest_checkpoints(std::int64_t count, std::int64_t step) const {
  std::vector<std::int64_t> steps = own_checkpoints();
  std::erase_if(steps, [&](std::int64_t other) { return other > step; });
  const auto surplus = std::max<std::int64_t>(std::ssize(steps) - count, 0);
  for (std::int64_t i = 0; i < surplus; ++i) {
    std::error_code ignored;  // a checkpoint that somebody else removed is gone all the same
    fs::remove(checkpoint(steps[static_cast<std::size_t>(i)]), ignored);
  }
}

void RunFolder::check_writable() const {
  for (const fs::path& folder : {path_, samples(), checkpoints()}) scimix::check_writable(folder);
}

void RunFolder::remove_leftovers() const {
  for (const fs::path& folder : {path_, samples(), checkpoints()}) scimix::remove_leftovers(folder);
}

void RunFolder::write_config(std::string_view text) const {
  AtomicFile file(config());
  file.write(text);
  file.commit();
}

}  // namespace scimix

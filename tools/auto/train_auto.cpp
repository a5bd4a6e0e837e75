#include "tools/auto/train_auto.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <string_view>

#include "core/atomic_file.hpp"
#include "core/device.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "core/shell_word.hpp"
#include "report/interval.hpp"
#include "report/progress.hpp"
#include "report/run_folder.hpp"
#include "report/run_lock.hpp"
#include "report/run_report.hpp"
#include "settings/run_kinds.hpp"
#include "tools/auto/auto_data.hpp"
#include "tools/auto/auto_measure.hpp"
#include "tools/auto/auto_plan.hpp"
#include "tools/auto/auto_runs.hpp"
#include "tools/auto/auto_settings.hpp"
#include "tools/command_line/seeds.hpp"
#include "tools/train/train_command.hpp"
#include "trainers/run_inputs.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

// Reads the command line. If its folder holds a job already, returns the job's settings, changed by
// the options of the command line and of its configuration files. Errors (user): among others, an
// option that a resumed job cannot change.
AskedRun read_job(const std::vector<std::string>& arguments) {
  const RunKind& kind = auto_kind();
  AskedRun asked = read_command(kind, arguments);
  if (asked.done || asked.resumes()) return asked;
  const fs::path folder = run_folder_of(auto_table().config(asked.values));
  const fs::path config = folder / "config.toml";
  std::vector<std::string> words = without_option(asked.given, "--out");
  asked.note = command_line("auto", words);
  if (!RunFolder::holds_run(folder)) return asked;
  // What began the job goes on with its picks. They may differ from what was asked for: with too
  // little time, --guide-steps 200 trains no guide. A path may be another one now. (A job of an
  // earlier program has no such note.)
  const bool has_file = std::ranges::any_of(
      arguments, [](const std::string& word) { return word.starts_with("--config"); });
  const std::optional<std::string> note = note_of(config);
  const bool is_same =
      note ? *note == asked.note
           : !has_file && command_that_began(config) == command_line("auto", arguments);
  if (is_same) {
    std::erase_if(words, [&](const std::string& word) {
      const std::string name = word.substr(2, word.find('=') - 2);
      return kind.settings[static_cast<std::size_t>(kind.index(name))].on_resume == OnResume::stays;
    });
  }
  words.push_back("--resume=" + folder.string());
  return read_command(kind, words);
}

AutoConfig config_of(const AskedRun& asked) {
  AutoConfig config = auto_table().config(asked.values);
  if (asked.resumes()) config.output.out = asked.resume.string();
  config.output.out = absolute_path(run_folder_of(config)).string();
  for (std::string* const path : {&config.data.data_dir, &config.data.labels_file}) {
    if (!path->empty()) *path = absolute_path(*path).string();
  }
  return config;
}

// Checks what can be checked before the data are read. Errors (user): contradictory settings, an
// unknown device, a folder that holds other runs.
void check_job(const AskedRun& asked, const AutoConfig& config) {
  check(config);
  (void)parse_device(config.output.device);
  const bool fixmatch = config.generator_steps != 0 || config.method == AutoMethod::automatic ||
                        config.method == AutoMethod::fixmatch;
  if (fixmatch) {
    const auto check_size = [](const char* option, std::int64_t size) {
      check_strong_size(fmt::format("{} {}", option, size), Method::fixmatch, size, size);
    };
    check_size("--image-size", config.data.image_size);
    if (config.plain.method == AutoMethod::automatic ||
        config.plain.method == AutoMethod::fixmatch) {
      check_size("--plain-image-size", config.plain.image_size);
    }
  }
  if (asked.resumes()) return;
  const fs::path folder = config.output.out;
  if (const PathKind kind = path_kind(folder);
      kind != PathKind::missing && kind != PathKind::folder) {
    user_error("--out ", folder.string(), ": not a folder");
  }
  check_new_run(folder, config.data);
  for (const char* const run : {kAutoGuide, kAutoGenerator, kAutoClassifier, kAutoPlain}) {
    RunFolder::check_free(folder / run);
  }
}

// Checks that a job that goes on has all picks. Errors (user): its config.toml, which a person may
// have changed, leaves some open.
void check_picked(const AutoConfig& config) {
  const PlainSettings& plain = config.plain;
  const bool open = config.data.image_size == 0 || config.data.crop_pad < 0 || config.depth == 0 ||
                    config.width == 0 || config.scale == AutoScale::automatic ||
                    config.method == AutoMethod::automatic || config.guide_steps < 0 ||
                    config.generator_steps < 0 || config.steps < 0 || plain.steps < 0;
  const bool plain_open =
      plain.steps > 0 &&
      (plain.image_size == 0 || plain.depth == 0 || plain.width == 0 ||
       plain.scale == AutoScale::automatic || plain.method == AutoMethod::automatic);
  if (!open && !plain_open) return;
  user_error(shown(fs::path(config.output.out) / "config.toml"),
             ": leaves settings open that a job of scimix_train auto has picked; expected its own ",
             "file, or another --out");
}

// Checks the settings of every run that is to be trained. Errors (user): as of scimix_train
// classifier and generator.
void check_runs(const AutoRunSettings& runs) {
  for (const ClassifierConfig* const run : {&runs.guide, &runs.classifier, &runs.plain}) {
    if (run->steps > 0) check(*run);
  }
  if (runs.generator.steps > 0) check(runs.generator);
}

// Checks that the runs can draw the unlabelled images of a step, before the picks are written.
// Errors (user): there are fewer.
void check_unlabeled(const AutoRunSettings& runs, const AutoData& data) {
  const auto check_run = [&](const char* name, const ClassifierConfig& run, const char* option) {
    if (run.steps == 0) return;
    const std::int64_t images =
        data.unlabeled + (run.unlabeled_includes_labeled ? data.labeled : 0);
    const std::int64_t rows = unlabeled_rows(run);
    if (images >= rows) return;
    user_error(data.title, ": ", images, " images to learn from without their labels, expected at ",
               "least the ", rows, " of a step of the ", name, ", which is ", name_of(run.method),
               " at scale ", name_of(run.scale), "; ", option, " needs fewer");
  };
  const char* const none = "--generator-steps 0 --method supervised";
  check_run("guide", runs.guide, none);
  check_run("classifier", runs.classifier, none);
  check_run("classifier after a weak guide", runs.plain, "--plain-method supervised");
}

void print_lines(std::ostream& out, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) fmt::print(out, "{}\n", line);
  out.flush();
}

void write_config(const AskedRun& asked, const AutoConfig& config, const std::string& typed,
                  Ranks& ranks) {
  const RunRequest request =
      make_request(auto_kind(), asked, auto_table().values(config), typed, ranks);
  AtomicFile file(fs::path(config.output.out) / "config.toml");
  file.write(request.config_text);
  file.commit();
}

// The part of the job that needs the images in memory: they are freed before a run reads them.
AutoData look(const AutoConfig& config, const RunInputs& inputs, std::ostream& out) {
  const AutoData data = look_at_data(config.data, inputs);
  print_lines(out, describe(data));
  return data;
}

// Returns the seconds for the steps of the classifier after a weak guide: kAutoShareForSteps of the
// time that is left, which counts as at least a quarter of the whole job's time.
double seconds_after_guide(double minutes, double elapsed) {
  constexpr double kLeastShare = 0.25;
  const double all = 60 * minutes;
  return kAutoShareForSteps * std::max(all - elapsed, kLeastShare * all);
}

std::string accuracy_text(const RunResult& result, std::int64_t images) {
  const ShareInterval interval =
      wilson_interval(std::llround(result.accuracy * static_cast<double>(images)), images);
  return fmt::format("{:.2f}% of {} held-out images (95% interval {:.1f}% to {:.1f}%)",
                     100 * result.accuracy, images, 100 * interval.low, 100 * interval.high);
}

// Returns the run to use: the one with the highest accuracy on the held-out images, the later one
// of two equal ones. Without held-out images, it is the last one.
const AutoRun& best_run(const AutoResults& results) {
  const AutoRun* best = &results.runs.front();
  for (const AutoRun& run : results.runs) {
    if (!run.result.has_test_images || run.result.accuracy >= best->result.accuracy) best = &run;
  }
  return *best;
}

// Makes the link `best` in the folder of the job point to the run `name`. Returns its path, or the
// path of the run itself on a file system without links.
fs::path link_best(const fs::path& folder, const char* name) {
  const fs::path link = folder / kAutoBest;
  const fs::path made = folder / (std::string(kAutoBest) + ".new");
  std::error_code error;
  fs::remove(made, error);
  fs::create_directory_symlink(name, made, error);
  if (!error) fs::rename(made, link, error);
  if (!error) return link;
  fs::remove(made, error);
  return folder / name;
}

// Prints the results, and what to type next.
void print_summary(std::ostream& out, const fs::path& folder, const AutoResults& results,
                   std::int64_t test_images) {
  fmt::print(out, "\n");
  if (!results.runs.back().result.has_test_images) fmt::print(out, "{}\n", kNoTestImages);
  for (const AutoRun& run : results.runs) {
    if (!run.result.has_test_images) continue;
    const std::string_view name = run.folder;
    const char* const note = name == kAutoGenerator ? " (its own classifier)"
                             : name == kAutoPlain   ? " (without hybrids)"
                                                    : "";
    fmt::print(out, "{}{}: {}\n", name, note, accuracy_text(run.result, test_images));
  }
  const AutoRun& best = best_run(results);
  if (&best != &results.runs.back()) {
    fmt::print(out, "the {} is the best of these: use {}\n", best.folder,
               (folder / best.folder).string());
  }
  fmt::print(out, "report: {}\n", RunFolder::open(folder / best.folder).report().string());
  fmt::print(out, "next: scimix_eval predict {} PICTURES --out predictions.csv\n",
             shell_word(link_best(folder, best.folder).string()));
}

}  // namespace

int train_auto(const std::vector<std::string>& arguments, Ranks& ranks) {
  const std::string typed = command_line("auto", arguments);
  const AskedRun asked = read_job(arguments);
  if (asked.done) return *asked.done;
  if (ranks.size() > 1)
    user_error("auto: started as ", ranks.size(), " ranks, expected one process");
  AutoConfig config = config_of(asked);
  check_job(asked, config);
  if (asked.resumes()) check_picked(config);
  const RunStreams streams = streams_of(ranks);
  const fs::path folder = config.output.out;
  const double start = steady_seconds();
  AutoData data;
  Device device;
  Comm* comm = nullptr;
  const auto read_pictures = [&, pictures = config.data] {
    return load_run_inputs(pictures, {}, config.output,
                           {.config_text = {}, .command = {}, .ranks = &ranks}, folder,
                           streams.progress);
  };
  {
    const RunInputs inputs = read_pictures();
    if (asked.resumes()) check_same_pictures(folder, inputs.dataset);
    data = look(config, inputs, streams.out);
    device = inputs.device;
    comm = inputs.ranks;
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) user_error("--out ", folder.string(), ": ", error.message());
  const RunLock lock(folder);
  fmt::print(streams.out, "device: {}\n", describe(device));
  // The picks for the classifier after a weak guide. It has the images that the guide was judged on
  // only if no picture came or went meanwhile.
  const auto check_pictures = [&] { check_same_pictures(folder, read_pictures().dataset); };
  std::function<ClassifierConfig()> plan_again;
  if (asked.resumes()) {
    fmt::print(streams.out, "job folder {}: going on with its picks\n", folder.string());
    plan_again = [&] {
      check_pictures();
      return auto_run_settings(config).plain;
    };
  } else {
    fmt::print(streams.out, "picking settings for {}\n", in_minutes(config.minutes));
    streams.out.flush();
    const AutoConfig open = config;
    const AutoMeasure measure = measure_on(device, open, data, *comm);
    const AutoPlan plan = plan_auto(open, data, measure);
    print_lines(streams.out, plan.reasons);
    config = with_picks(open, plan);
    check_runs(auto_run_settings(config));
    check_unlabeled(auto_run_settings(config), data);
    // The machine may be faster or slower than it was at the start, and the guide may have taken
    // another time than planned. A resumed job does not know how long it ran before.
    plan_again = [&, open, measure] {
      check_pictures();
      const double seconds = seconds_after_guide(open.minutes, steady_seconds() - start);
      const PlainPlan plain = plan_plain(open, data, measure, seconds);
      fmt::print(streams.out, "planned again for the rest of the time: a {}\n", describe(plain));
      config = with_plain_picks(config, plain);
      write_config(asked, config, typed, ranks);
      return auto_run_settings(config).plain;
    };
  }
  if (!asked.resumes() || !asked.changed.empty()) write_config(asked, config, typed, ranks);
  const AutoResults results =
      train_runs(auto_run_settings(config), plan_again, typed, ranks, streams);
  if (results.interrupted) {
    fmt::print(streams.out, "interrupted; the same command goes on\n");
    return kExitInterrupted;
  }
  print_summary(streams.out, folder, results, data.test);
  return 0;
}

}  // namespace scimix

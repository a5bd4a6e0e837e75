#include "tools/train/train_command.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <fstream>
#include <iostream>
#include <map>

#include "core/error.hpp"
#include "core/installed_files.hpp"
#include "core/shell_word.hpp"
#include "report/run_folder.hpp"
#include "settings/settings_file.hpp"
#include "tools/command_line/cli.hpp"
#include "tools/command_line/option_list.hpp"
#include "tools/command_line/run_settings.hpp"
#include "tools/command_line/settings_help.hpp"
#include "trainers/checkpoint.hpp"
#include "trainers/training_run.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

constexpr const char* kResumedBy = "resumed by: ";
constexpr const char* kAsked = "asked: ";

// The options of a command line.
struct Words {
  SettingLayer settings;
  std::vector<std::string> configs;
  std::optional<std::string> resume;
  std::optional<std::string> seeds;
  bool help = false;
  bool help_all = false;
};

Words parse_words(const RunKind& kind, const std::vector<std::string>& arguments) {
  CLI::App app(kind.summary, "scimix_train " + kind.name);
  app.set_help_flag();
  use_setting_defaults(app);
  Words words;
  std::vector<std::string> values(kind.settings.size());
  std::vector<const CLI::Option*> options;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string name = "--" + kind.settings[i].name;
    const bool is_switch = kind.settings[i].type == SettingType::boolean;
    options.push_back(is_switch ? app.add_flag(name, values[i]) : app.add_option(name, values[i]));
  }
  app.add_option("--config", words.configs)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--resume", words.resume);
  if (kind.name == "classifier") app.add_option("--seeds", words.seeds);
  app.add_flag("--help,-h", words.help);
  app.add_flag("--help-all", words.help_all);
  (void)parse(app, arguments);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (options[i]->count() == 0) continue;
    words.settings.push_back({static_cast<int>(i), parse_value(kind.settings[i], values[i], {})});
  }
  return words;
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// Checks that a config.toml is of this kind of run. A config.toml without a heading is accepted.
void check_command(const fs::path& config, const RunKind& kind) {
  const std::vector<std::string> lines = lines_of(config);
  if (lines.empty() || !lines[0].starts_with(kRunMark) || lines[0] == kRunMark + kind.name) return;
  user_error(config.string(), ": a run of ", lines[0].substr(2), ", expected one of scimix_train ",
             kind.name);
}

// Returns the comments of a config.toml that begin with `mark`, without "# ".
std::vector<std::string> notes_in(const fs::path& config, const std::string& mark) {
  std::vector<std::string> notes;
  for (const std::string& line : lines_of(config)) {
    if (line.starts_with("# " + mark)) notes.push_back(line.substr(2));
  }
  return notes;
}

std::string names_that_may_change(const RunKind& kind) {
  std::string list;
  for (const Setting& setting : kind.settings) {
    if (setting.on_resume != OnResume::stays) list += (list.empty() ? "" : ", ") + setting.name;
  }
  return list;
}

// Checks --steps of a resumed run. Errors (user): fewer steps than the newest checkpoint has made.
void check_steps(const RunFolder& run, std::int64_t steps) {
  const auto checkpoint = run.latest_checkpoint();
  if (!checkpoint) return;
  const std::string made = value_of(read_checkpoint_metadata(*checkpoint), "step");
  std::int64_t step = 0;
  std::from_chars(made.data(), made.data() + made.size(), step);
  if (steps < step) {
    user_error("--steps ", steps, ": expected at least the ", step, " steps that ",
               run.path().string(), " has made");
  }
}

enum class Change { none, moved, other };

fs::path whole_path(const std::string& path) {
  std::error_code unknown;
  fs::path whole = fs::weakly_canonical(path, unknown);
  return unknown ? fs::path(path) : whole;
}

// The settings of a run as its config.toml has them, and the folder where the run is now.
struct RecordedRun {
  SettingValues values;
  fs::path folder;
};

// Compares the value of a setting with that of a run. Two spellings of a path are the same. A path
// was moved if it has the same place relative to the run's folder as before: the guide of a job
// lies beside its generator, wherever the job is.
Change compare(const RunKind& kind, std::size_t setting, const RecordedRun& run,
               const SettingValue& now) {
  const SettingValue& before = run.values[setting];
  if (before == now) return Change::none;
  if (kind.settings[setting].type != SettingType::path) return Change::other;
  const std::string& there = std::get<std::string>(before);
  const std::string& here = std::get<std::string>(now);
  if (there.empty() || here.empty()) return Change::other;
  if (whole_path(there) == whole_path(here)) return Change::none;
  const auto& old_folder =
      std::get<std::string>(run.values[static_cast<std::size_t>(kind.index("out"))]);
  const fs::path place = whole_path(there).lexically_relative(whole_path(old_folder));
  const fs::path place_now = whole_path(here).lexically_relative(whole_path(run.folder.string()));
  return !place.empty() && place == place_now ? Change::moved : Change::other;
}

// Returns the names of settings whose values on the command line differ from the run's. Errors
// (user): a setting that must stay.
std::vector<std::string> changed_settings(const RunKind& kind, const RecordedRun& run,
                                          const SettingLayer& given, const fs::path& config) {
  std::vector<std::string> changed;
  for (const GivenSetting& one : given) {
    const auto at = static_cast<std::size_t>(one.index);
    const Setting& setting = kind.settings[at];
    const Change change = compare(kind, at, run, one.value);
    if (change == Change::none) continue;
    if (setting.on_resume == OnResume::stays && change != Change::moved) {
      user_error("--", setting.name, " ", text_of(one.value),
                 ": a resumed run keeps this setting, ", toml_value(run.values[at]), " in ",
                 config.string(), "; settings that may change: ", names_that_may_change(kind));
    }
    changed.push_back(setting.name);
  }
  return changed;
}

// Checks that a command with --seeds names no other seed, which would have no effect.
void check_no_other_seed(const RunKind& kind, const Words& words) {
  for (const GivenSetting& one : words.settings) {
    const std::string& name = kind.settings[static_cast<std::size_t>(one.index)].name;
    if (name != "seed" && name != "split-seed") continue;
    user_error("--", name, " ", text_of(one.value), ": --seeds ", *words.seeds,
               " sets --seed and --split-seed of every run, expected either --seeds or --", name);
  }
}

AskedRun read_resumed(const RunKind& kind, const Words& words) {
  if (!words.configs.empty()) {
    user_error("--config ", words.configs[0], ": a resumed run has the settings of its folder");
  }
  if (words.seeds)
    user_error("--seeds: a resumed run keeps its settings, expected either --resume or --seeds");
  const RunFolder run = RunFolder::open(*words.resume);
  check_command(run.config(), kind);
  std::vector<SettingLayer> layers = read_settings_file(kind, run.config());
  const SettingValues before = resolve(kind, layers).values;
  AskedRun asked;
  asked.resume = run.path();
  asked.changed = changed_settings(kind, {before, run.path()}, words.settings, run.config());
  asked.values = before;
  for (const GivenSetting& one : words.settings) {
    asked.values[static_cast<std::size_t>(one.index)] = one.value;
  }
  // Paths in the run's folder are found relative to it, so a config.toml that is written again must
  // name the folder where the run is now.
  asked.values[static_cast<std::size_t>(kind.index("out"))] = absolute_path(run.path()).string();
  if (std::find(asked.changed.begin(), asked.changed.end(), "steps") != asked.changed.end()) {
    check_steps(
        run, std::get<std::int64_t>(asked.values[static_cast<std::size_t>(kind.index("steps"))]));
  }
  return asked;
}

// Returns the settings that the layers give as options. A stronger layer replaces a weaker one.
std::vector<std::string> as_options(const RunKind& kind, const std::vector<SettingLayer>& layers) {
  std::map<int, std::string> options;
  for (const SettingLayer& layer : layers) {
    for (const GivenSetting& one : layer) {
      const std::string& name = kind.settings[static_cast<std::size_t>(one.index)].name;
      options[one.index] = "--" + name + "=" + text_of(one.value);
    }
  }
  std::vector<std::string> list;
  for (const auto& [index, option] : options) list.push_back(option);
  return list;
}

}  // namespace

AskedRun read_command(const RunKind& kind, const std::vector<std::string>& arguments) {
  if (asks_for_options(arguments)) {
    hand_over(options_of(kind));
    return {.done = 0, .values = {}};
  }
  const Words words = parse_words(kind, arguments);
  if (words.help || words.help_all) {
    std::cout << help_text(kind, words.help_all);
    return {.done = 0, .values = {}};
  }
  if (words.resume) return read_resumed(kind, words);
  if (words.seeds) check_no_other_seed(kind, words);
  std::vector<SettingLayer> layers;
  for (const std::string& config : words.configs) {
    for (SettingLayer& layer : read_settings_file(kind, find_preset(config))) {
      layers.push_back(std::move(layer));
    }
  }
  layers.push_back(words.settings);
  AskedRun asked{.done = {}, .values = resolve(kind, layers).values, .seeds = words.seeds};
  asked.given = as_options(kind, layers);
  return asked;
}

std::string command_that_began(const fs::path& config) {
  const std::vector<std::string> notes = notes_in(config, kMadeBy);
  return notes.empty() ? std::string() : notes[0].substr(std::string_view(kMadeBy).size());
}

std::optional<std::string> note_of(const fs::path& config) {
  const std::vector<std::string> notes = notes_in(config, kAsked);
  if (notes.empty()) return std::nullopt;
  return notes[0].substr(std::string_view(kAsked).size());
}

RunRequest make_request(const RunKind& kind, const AskedRun& asked, const SettingValues& values,
                        const std::string& typed, Ranks& ranks) {
  RunRequest request{.config_text = {}, .command = typed, .ranks = &ranks};
  std::vector<std::string> notes{kMadeBy + typed};
  if (asked.resumes()) {
    const fs::path config = RunFolder::open(asked.resume).config();
    request.resume = asked.resume;
    request.settings_changed = !asked.changed.empty();
    for (const std::string& name : asked.changed) {
      const auto at = static_cast<std::size_t>(kind.index(name));
      if (kind.settings[at].on_resume != OnResume::changes_training) continue;
      request.changes_training += (request.changes_training.empty() ? "--" : ", --") + name;
    }
    notes = notes_in(config, kMadeBy);
    if (!notes.empty()) request.command = command_that_began(config);
    for (const std::string& note : notes_in(config, kResumedBy)) notes.push_back(note);
    notes.push_back(kResumedBy + typed);
    const std::size_t mark = std::string_view(kResumedBy).size();
    for (const std::string& note : notes_in(config, kResumedBy)) {
      request.later_commands.push_back(note.substr(mark));
    }
    if (request.settings_changed) request.later_commands.push_back(typed);
    for (const std::string& note : notes_in(config, kAsked)) notes.push_back(note);
  } else if (!asked.note.empty()) {
    notes.push_back(kAsked + asked.note);
  }
  request.config_text = config_text(kind, values, notes);
  return request;
}

std::vector<std::string> resume_arguments(const RunKind& kind, const fs::path& folder,
                                          const SettingValues& values, OtherSteps steps) {
  const RunFolder run = RunFolder::open(folder);
  check_command(run.config(), kind);
  const RecordedRun recorded{resolve(kind, read_settings_file(kind, run.config())).values, folder};
  const auto steps_before = static_cast<std::size_t>(kind.index("steps"));
  // A finished run does not read its data and its generator again, and would show old figures for
  // new ones. Where nothing is left at the old place, they were moved.
  const auto would_not_notice = [&](std::size_t i) {
    if (kind.settings[i].type != SettingType::path) return false;
    const std::string& there = std::get<std::string>(recorded.values[i]);
    std::error_code ignored;
    return (there.empty() || fs::exists(there, ignored)) &&
           is_finished(run, std::get<std::int64_t>(recorded.values[steps_before]));
  };
  std::vector<std::string> arguments{"--resume=" + folder.string()};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Setting& setting = kind.settings[i];
    const Change change = compare(kind, i, recorded, values[i]);
    if (change == Change::none || setting.name == "out") continue;
    const bool permitted = change == Change::moved ||
                           (setting.on_resume == OnResume::may_change && !would_not_notice(i)) ||
                           (setting.name == "steps" && steps == OtherSteps::allowed);
    if (!permitted) {
      user_error(folder.string(), ": holds a run with other settings (--", setting.name, " ",
                 toml_value(recorded.values[i]), ", here ", toml_value(values[i]),
                 "); choose another --out");
    }
    arguments.push_back("--" + setting.name + "=" + text_of(values[i]));
  }
  return arguments;
}

// run_program_on_ranks (tools/command_line/cli.hpp) silences standard output on the ranks other
// than 0.
RunStreams streams_of(const Ranks& ranks) {
  return {std::cout, ranks.rank() == 0 ? std::cerr : std::cout};
}

std::string command_line(const std::string& name, std::span<const std::string> arguments) {
  std::string text = "scimix_train " + name;
  for (const std::string& word : arguments) text += " " + shell_word(word);
  return text;
}

}  // namespace scimix

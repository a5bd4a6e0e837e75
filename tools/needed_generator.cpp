#include "tools/needed_generator.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <array>
#include <filesystem>

#include "report/run_folder.hpp"
#include "tools/cli.hpp"
#include "tools/generator_options.hpp"
#include "tools/run_options.hpp"
#include "tools/scale.hpp"
#include "tools/train_command.hpp"
#include "trainers/checkpoint.hpp"
#include "trainers/generator_run.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

// What generator and classifier must agree on.
constexpr std::array<const char*, 14> kShared{"--dataset",     "--data-dir",
                                              "--split-seed",  "--data-seed",
                                              "--image-size",  "--digits-train",
                                              "--digits-test", "--flip",
                                              "--crop-pad",    "--unlabeled-includes-labeled",
                                              "--device",      "--precision",
                                              "--sync-norm",   "--rank-timeout"};

bool is_finished(const fs::path& folder, const GeneratorRunConfig& config) {
  const auto checkpoint = RunFolder::open(folder).latest_checkpoint();
  if (!checkpoint) return false;
  return value_of(read_checkpoint_metadata(*checkpoint), "step") == std::to_string(config.steps);
}

// A run that stands there already keeps its own settings.
bool finish(const fs::path& folder, Ranks& ranks) {
  const RunStreams streams = streams_of(ranks);
  CLI::App app("", "scimix_train generator");
  GeneratorRunConfig config;
  add_generator_options(app, config);
  TrainCommand command("generator", {"--resume", folder.string()});
  (void)command.parse(app);
  if (ranks.agree(is_finished(folder, config))) return true;
  fmt::print(streams.out, "generator {}: not finished yet, going on with it\n", folder.string());
  streams.out.flush();
  return !run_generator(config, command.request(app, "", ranks), streams).interrupted;
}

bool train(const CLI::App& classifier, const ClassifierConfig& wanted, Ranks& ranks) {
  const RunStreams streams = streams_of(ranks);
  std::vector<std::string> arguments{"--config", wanted.hybrids.generator_config};
  if (wanted.scale != RunScale::full) {
    arguments.insert(arguments.end(), {"--scale", std::string(name_of(wanted.scale))});
  }
  CLI::App app("", "scimix_train generator");
  GeneratorRunConfig config;
  add_generator_options(app, config);
  TrainCommand command("generator", arguments);
  (void)command.parse(app);
  apply_scale(app, arguments, cpu_generator());
  apply_preset(app, config);
  for (const char* const name : kShared) set_option(app, name, option_text(classifier, name));
  if (app.get_option("--labels")->count() == 0) {
    set_option(app, "--labels", option_text(classifier, "--labels"));
  }
  set_option(app, "--seed", option_text(classifier, "--split-seed"));
  set_option(app, "--out", wanted.hybrids.generator);
  fmt::print(streams.out, "no generator in {}: training one as {} says\n", wanted.hybrids.generator,
             wanted.hybrids.generator_config);
  streams.out.flush();
  const RunRequest request = command.request(app, command_line("generator", arguments), ranks);
  return !run_generator(config, request, streams).interrupted;
}

}  // namespace

void resolve_generator(CLI::App& classifier, const ClassifierConfig& config) {
  constexpr std::string_view kMark = "{split}";
  std::string path = config.hybrids.generator;
  const auto at = path.find(kMark);
  if (at == std::string::npos) return;
  path.replace(at, kMark.size(), std::to_string(config.data.split_seed));
  set_option(classifier, "--generator", path);
}

bool provide_generator(const CLI::App& classifier, const ClassifierConfig& config, Ranks& ranks) {
  if (!uses_generator(config) || config.hybrids.generator_config.empty()) return true;
  check(config);  // before minutes are spent
  const fs::path there = config.hybrids.generator;
  if (ranks.agree(fs::exists(there))) {
    return !fs::is_directory(there) || finish(there, ranks);
  }
  const bool done = train(classifier, config, ranks);
  fmt::print(streams_of(ranks).out, "\n");
  return done;
}

}  // namespace scimix

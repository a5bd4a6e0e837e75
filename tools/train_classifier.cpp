#include "tools/train_classifier.hpp"

#include <fmt/format.h>

#include <array>
#include <iostream>

#include "core/error.hpp"
#include "tools/classifier_options.hpp"
#include "tools/cli.hpp"
#include "tools/needed_generator.hpp"
#include "tools/run_options.hpp"
#include "tools/scale.hpp"
#include "tools/seeds.hpp"
#include "tools/train_command.hpp"
#include "trainers/classifier_run.hpp"

namespace scimix {

namespace {

// A command line that is being turned into a run.
struct Asked {
  CLI::App app{"Trains a classifier.", "scimix_train classifier"};
  ClassifierConfig config;
  std::string seeds;
  std::optional<int> done;  // help was shown

  explicit Asked(TrainCommand& command) {
    add_classifier_options(app, config);
    app.add_option("--seeds", seeds,
                   "several runs in turn: 0,1,2 are --seed and --split-seed of each, in folders "
                   "OUT/seed-N; prints mean and standard deviation")
        ->group("Training")
        ->configurable(false);
    done = command.parse(app);
    if (done || command.resumes()) return;
    apply_method_preset(app, config);
    apply_scale(app, command.arguments(), cpu_classifier());
    static const std::array<std::string, 2> folders{"--out", "--generator"};
    mark_scaled_folders(app, command.arguments(), folders);
    resolve_generator(app, config);
  }
};

std::optional<RunResult> run_one(TrainCommand& command, const Asked& asked,
                                 const std::string& typed, Ranks& ranks) {
  const RunStreams streams = streams_of(ranks);
  if (!provide_generator(asked.app, asked.config, ranks)) return std::nullopt;
  const RunResult result =
      run_classifier(asked.config, command.request(asked.app, typed, ranks), streams);
  return result.interrupted ? std::nullopt : std::optional(result);
}

// One of several runs: in a folder of its own, where it goes on if it was begun before.
std::optional<RunResult> run_seed(std::vector<std::string> arguments, std::uint64_t seed,
                                  const std::string& typed, Ranks& ranks) {
  const std::string number = std::to_string(seed);
  arguments.insert(arguments.end(), {"--seed", number, "--split-seed", number});
  TrainCommand fresh("classifier", arguments);
  Asked asked(fresh);
  if (const std::string out = asked.config.output.out; !out.empty()) {
    set_option(asked.app, "--out", out + "/seed-" + number);
  }
  const std::filesystem::path folder = run_folder_of(asked.config);
  if (!ranks.agree(std::filesystem::exists(folder / "config.toml"))) {
    return run_one(fresh, asked, typed, ranks);
  }

  if (settings_text(folder / "config.toml") != settings_text(asked.app)) {
    user_error(folder.string(), ": holds a run with other settings; choose another --out");
  }
  TrainCommand again("classifier", {"--resume", folder.string()});
  Asked old(again);
  return run_one(again, old, typed, ranks);
}

int run_seeds(const std::vector<std::string>& arguments, const std::string& list,
              const std::string& typed, Ranks& ranks) {
  const std::vector<std::uint64_t> seeds = parse_seeds(list);
  std::vector<SeedResult> found;
  for (const std::uint64_t seed : seeds) {
    std::cout << fmt::format("seed {} ({} of {})\n", seed, found.size() + 1, seeds.size());
    std::cout.flush();
    const auto result = run_seed(arguments, seed, typed, ranks);
    if (!result) return kExitInterrupted;
    found.push_back({seed, result->accuracy, result->median_accuracy});
    std::cout << '\n';
  }
  print_seeds(std::cout, found);
  return 0;
}

}  // namespace

int train_classifier(const std::vector<std::string>& arguments, Ranks& ranks) {
  const std::string typed = command_line("classifier", arguments);
  TrainCommand command("classifier", arguments);
  const Asked asked(command);
  if (asked.done) return *asked.done;
  const bool several = asked.app.get_option("--seeds")->count() > 0;  // also if it is empty
  if (!several) return run_one(command, asked, typed, ranks) ? 0 : kExitInterrupted;
  return run_seeds(without_option(arguments, "--seeds"), asked.seeds, typed, ranks);
}

}  // namespace scimix

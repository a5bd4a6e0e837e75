#include "tools/train/train_classifier.hpp"

#include <fmt/format.h>

#include <iostream>

#include "core/paths.hpp"
#include "report/run_report.hpp"
#include "settings/run_kinds.hpp"
#include "tools/command_line/run_settings.hpp"
#include "tools/command_line/seeds.hpp"
#include "tools/train/needed_generator.hpp"
#include "tools/train/train_command.hpp"
#include "trainers/classifier_run.hpp"
#include "trainers/run_inputs.hpp"

namespace scimix {

namespace {

struct Asked {
  AskedRun run;
  ClassifierConfig config = {};

  explicit Asked(const std::vector<std::string>& arguments)
      : run(read_command(classifier_kind(), arguments)) {
    if (run.done) return;
    config = classifier_table().config(run.values);
    if (!run.resumes()) fill_in_placeholders(config);
    make_paths_absolute(config);
  }
};

std::optional<RunResult> run_one(const Asked& asked, const std::string& typed, Ranks& ranks) {
  const RunStreams streams = streams_of(ranks);
  if (!provide_generator(asked.config, asked.run.resume, typed, ranks, streams))
    return std::nullopt;
  const RunRequest request = make_request(classifier_kind(), asked.run,
                                          classifier_table().values(asked.config), typed, ranks);
  const RunResult result = run_classifier(asked.config, request, streams);
  return result.interrupted ? std::nullopt : std::optional(result);
}

// Returns what is asked of one of several runs, each of which has a folder of its own: a new run,
// or to resume the one in that folder. Errors (user): a folder that cannot hold the run, or holds
// one with other settings.
Asked asked_of_seed(std::vector<std::string> arguments, std::uint64_t seed, Ranks& ranks) {
  const std::string number = std::to_string(seed);
  arguments.insert(arguments.end(), {"--seed", number, "--split-seed", number});
  Asked asked(arguments);
  if (std::string& out = asked.config.output.out; !out.empty()) out += "/seed-" + number;
  const std::filesystem::path folder = run_folder_of(asked.config);
  if (!ranks.agree(is_file(folder / "config.toml"))) {
    if (ranks.rank() == 0) check_new_run(folder, asked.config.data);
    return asked;
  }
  return Asked(resume_arguments(classifier_kind(), folder, classifier_table().values(asked.config),
                                OtherSteps::allowed));
}

// Checks that the runs of several seeds, each of which has labelled images of its own, do not share
// a generator, which knows the labelled images of one seed.
void check_generators(const std::vector<Asked>& runs, const std::string& list) {
  const ClassifierConfig& first = runs.front().config;
  // Only the run knows how many images of a folder have a label, and whether these are all of them.
  const bool own_labels =
      first.data.labels != "all" && first.data.dataset != "folder" && !may_be_all(first.data);
  if (!uses_generator(first) || !own_labels || first.hybrids.allow_other_split) return;
  for (std::size_t i = 1; i < runs.size(); ++i) {
    if (runs[i].config.hybrids.generator != first.hybrids.generator) continue;
    user_error("--seeds ", list, ": each seed has labelled images of its own, but --generator ",
               first.hybrids.generator,
               " is the same for all, expected {split} in its path, which the seed replaces "
               "(--allow-other-split permits one generator)");
  }
}

int run_seeds(const std::vector<std::string>& arguments, const std::string& list,
              const std::string& typed, Ranks& ranks) {
  const std::vector<std::uint64_t> seeds = parse_seeds(list);
  // Mistakes about any of the folders are found before the first run is trained.
  std::vector<Asked> runs;
  for (const std::uint64_t seed : seeds) runs.push_back(asked_of_seed(arguments, seed, ranks));
  for (const Asked& run : runs) check(run.config);
  check_generators(runs, list);
  std::vector<SeedResult> found;
  bool has_test_images = true;
  for (const std::uint64_t seed : seeds) {
    std::cout << fmt::format("seed {} ({} of {})\n", seed, found.size() + 1, seeds.size());
    std::cout.flush();
    const auto result = run_one(asked_of_seed(arguments, seed, ranks), typed, ranks);
    if (!result) return kExitInterrupted;
    has_test_images = result->has_test_images;
    found.push_back({seed, result->accuracy, result->median_accuracy});
    std::cout << '\n';
  }
  if (has_test_images) {
    print_seeds(std::cout, found);
  } else {
    std::cout << kNoTestImages << '\n';
  }
  return 0;
}

}  // namespace

int train_classifier(const std::vector<std::string>& arguments, Ranks& ranks) {
  const std::string typed = command_line("classifier", arguments);
  const Asked asked(arguments);
  if (asked.run.done) return *asked.run.done;
  if (!asked.run.seeds) return run_one(asked, typed, ranks) ? 0 : kExitInterrupted;
  return run_seeds(without_option(arguments, "--seeds"), *asked.run.seeds, typed, ranks);
}

}  // namespace scimix

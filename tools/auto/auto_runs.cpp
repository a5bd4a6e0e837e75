#include "tools/auto/auto_runs.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "core/paths.hpp"
#include "settings/run_kinds.hpp"
#include "tools/command_line/run_settings.hpp"
#include "tools/train/train_command.hpp"
#include "trainers/classifier_run.hpp"
#include "trainers/generator_run.hpp"

namespace scimix {

namespace {

// Numbers the runs of a job in the lines that say which of them is running.
class Stages {
 public:
  Stages(int count, const RunStreams& streams) : count_(count), streams_(streams) {}

  void begin(const std::string& name, std::int64_t steps, const std::string& folder) {
    fmt::print(streams_.out, "\n[{} of {}] {}: {} steps, in {}\n", ++number_, count_, name, steps,
               folder);
    streams_.out.flush();
  }

 private:
  int count_;
  int number_ = 0;
  const RunStreams& streams_;
};

// Trains one run in its folder, or resumes it if the folder has a run. `train` is run_classifier or
// run_generator.
template <class Config, class Train>
RunResult train_run(const RunKind& kind, const SettingTable<Config>& table, Config config,
                    const std::string& typed, Ranks& ranks, const RunStreams& streams,
                    const Train& train) {
  make_paths_absolute(config);
  AskedRun asked{.done = {}, .values = table.values(config)};
  const std::filesystem::path folder = config.output.out;
  if (is_file(folder / "config.toml")) {
    asked = read_command(kind, resume_arguments(kind, folder, asked.values));
    config = table.config(asked.values);
  }
  return train(config, make_request(kind, asked, asked.values, typed, ranks), streams);
}

}  // namespace

AutoResults train_runs(const AutoRunSettings& runs, const std::string& typed, Ranks& ranks,
                       const RunStreams& streams) {
  const bool guide = runs.guide.steps > 0;
  const bool generator = runs.generator.steps > 0;
  Stages stages(1 + (guide ? 1 : 0) + (generator ? 1 : 0), streams);
  const auto classify = [&](const ClassifierConfig& config) {
    return train_run(classifier_kind(), classifier_table(), config, typed, ranks, streams,
                     run_classifier);
  };
  AutoResults results;
  if (guide) {
    stages.begin("guide", runs.guide.steps, runs.guide.output.out);
    results.guide = classify(runs.guide);
    results.interrupted = results.guide->interrupted;
  }
  if (generator && !results.interrupted) {
    stages.begin("generator", runs.generator.steps, runs.generator.output.out);
    results.interrupted = train_run(generator_kind(), generator_table(), runs.generator, typed,
                                    ranks, streams, run_generator)
                              .interrupted;
  }
  if (results.interrupted) return results;
  stages.begin("classifier", runs.classifier.steps, runs.classifier.output.out);
  results.classifier = classify(runs.classifier);
  results.interrupted = results.classifier.interrupted;
  return results;
}

}  // namespace scimix

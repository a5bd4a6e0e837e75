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

  // Changes the number of runs, when one is left out.
  void set_count(int count) { count_ = count; }

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

// Returns whether the guide is weak: whether its accuracy on held-out images is below the limit.
bool is_weak(const RunResult& guide, const AutoRunSettings& runs) {
  return runs.plain.steps > 0 && guide.has_test_images &&
         guide.accuracy < runs.least_guide_accuracy;
}

}  // namespace

AutoResults train_runs(const AutoRunSettings& runs,
                       const std::function<ClassifierConfig()>& plan_plain,
                       const std::string& typed, Ranks& ranks, const RunStreams& streams) {
  const bool guide = runs.guide.steps > 0;
  const bool generator = runs.generator.steps > 0;
  Stages stages(1 + (guide ? 1 : 0) + (generator ? 1 : 0), streams);
  AutoResults results;
  // Appends the result of a run. Returns whether the run is complete.
  const auto add = [&](const char* folder, const RunResult& result) {
    results.runs.push_back({folder, result});
    results.interrupted = result.interrupted;
    return !result.interrupted;
  };
  const auto classify = [&](const char* folder, const ClassifierConfig& config) {
    stages.begin(folder, config.steps, config.output.out);
    return add(folder, train_run(classifier_kind(), classifier_table(), config, typed, ranks,
                                 streams, run_classifier));
  };
  if (guide) {
    if (!classify(kAutoGuide, runs.guide)) return results;
    if (const RunResult& result = results.runs.back().result; is_weak(result, runs)) {
      fmt::print(
          streams.out,
          "the guide is right on {:.1f}% of the held-out images, less than {:.4g}%: no generator "
          "is "
          "trained, and the rest of the time goes to a classifier without hybrids, in the folder "
          "plain\n",
          100 * result.accuracy, 100 * runs.least_guide_accuracy);
      stages.set_count(2);
      classify(kAutoPlain, plan_plain ? plan_plain() : runs.plain);
      return results;
    }
  }
  if (generator) {
    stages.begin(kAutoGenerator, runs.generator.steps, runs.generator.output.out);
    if (!add(kAutoGenerator, train_run(generator_kind(), generator_table(), runs.generator, typed,
                                       ranks, streams, run_generator))) {
      return results;
    }
  }
  classify(kAutoClassifier, runs.classifier);
  return results;
}

}  // namespace scimix

// Every method with every mixer and every use of hybrids: each combination is trained once, and all
// that must hold for each of them is asserted on that run.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/allocator.hpp"
#include "core/work.hpp"
#include "differences.hpp"
#include "kernels/conv/conv.hpp"
#include "temp_folder.hpp"
#include "tiny_runs.hpp"
#include "training_state.hpp"

using namespace scimix;
using namespace scimix::test;

namespace {

struct Combination {
  std::string method;
  std::string mixer;
  std::string use;
};

// Every mixer is among them, so that a new one is trained as well.
std::vector<Combination> all_combinations() {
  std::vector<Combination> all;
  for (const std::string method : {"supervised", "mean-teacher", "mean-teacher-b", "fixmatch"}) {
    for (const std::string& mixer : choice_names<MixerKind>()) {
      if (mixer == "adain" || mixer == "fda") continue;  // below, each with another use of hybrids
      all.push_back({method, mixer, "contradict"});
    }
    for (const std::string use : {"consistency", "pseudo", "labeled"}) {
      all.push_back({method, "scimix", use});
    }
    all.push_back({method, "adain", "pseudo"});
    all.push_back({method, "fda", "labeled"});
  }
  return all;
}

ClassifierConfig config_of(const Combination& combination) {
  ClassifierConfig config = tiny_config(combination.method);
  config.hybrids.mixer = choice_of<MixerKind>(combination.mixer);
  config.hybrids.use = choice_of<HybridUse>(combination.use);
  config.hybrids.generator = "given";  // the tests' own; the name is there for check()
  config.steps = 18;
  config.graphs.graph = GraphMode::off;
  return config;
}

double norm(const Slab& slab) {
  double sum = 0;
  for (const double value : slab.flat().to_doubles()) sum += value * value;
  return std::sqrt(sum);
}

void check_terms(const TrainingMetrics& metrics, const Combination& of) {
  const auto has = [&](ClassifierTerm term) {
    return metrics.terms.at(static_cast<std::size_t>(term)).has_value();
  };
  CHECK(has(ClassifierTerm::supervised));
  CHECK(has(ClassifierTerm::consistency) == of.method.starts_with("mean-teacher"));
  CHECK(has(ClassifierTerm::pseudo) == (of.method == "fixmatch"));
  CHECK(has(ClassifierTerm::confident) == (of.method == "fixmatch"));
  CHECK(has(ClassifierTerm::hybrid) == (of.mixer != "none"));
  CHECK(has(ClassifierTerm::kept) == (of.mixer == "scimix"));
  for (const auto& term : metrics.terms) CHECK(std::isfinite(term.value_or(0)));
}

// Runs six steps, of which none is the first of its kind, and checks what they ask of the system
// and of the device. Returns how many graphs were replayed.
std::uint64_t run_steady_steps(ClassifierTrainer& trainer) {
  const WorkCounts before = work_counts();
  const std::uint64_t allocations = memory_stats(kCpu).system_calls;
  trainer.steps(6);
  CHECK(memory_stats(kCpu).system_calls == allocations);
  const WorkCounts work = work_counts() - before;
  CHECK(work.host_copies == 0);
  CHECK(work.synchronizations == 0);
  return work.graphs;
}

}  // namespace

TEST_CASE("every method with every kind of hybrids: learns, resumes, replays, and works quietly" *
          doctest::test_suite("full")) {
  const TempFolder folder;
  for (const Combination& combination : all_combinations()) {
    CAPTURE(combination.method);
    CAPTURE(combination.mixer);
    CAPTURE(combination.use);
    ClassifierConfig config = config_of(combination);
    CHECK_NOTHROW(check(config));

    // It learns: parameters move, the average's gradients stay 0, the terms are those of the
    // method.
    ClassifierTrainer whole = tiny_trainer(config);
    const std::vector<double> start = parameters_of(whole);
    whole.steps(3);
    const std::vector<double> after_three = parameters_of(whole);
    CHECK(after_three != start);
    CHECK_NOTHROW(whole.check_finite());
    CHECK(norm(whole.model().parameters().gradient_slab()) > 0);
    CHECK(norm(whole.average().parameters().gradient_slab()) == 0);
    whole.steps(9);
    check_terms(whole.read_metrics(), combination);

    // A steady step takes no memory, copies nothing from or to the host and never waits.
    whole.save(folder / "middle.safetensors");
    CHECK(run_steady_steps(whole) == 0);
    whole.save(folder / "whole.safetensors");

    // A resumed run ends with the same bits.
    ClassifierTrainer resumed = tiny_trainer(config);
    resumed.step();  // whatever it did before is overwritten
    resumed.load(folder / "middle.safetensors");
    resumed.steps(6);
    resumed.save(folder / "resumed.safetensors");
    CHECK(read_bytes(folder / "resumed.safetensors") == read_bytes(folder / "whole.safetensors"));

    // So does a run whose steps are recorded and replayed, three in a graph.
    config.graphs = {.graph = GraphMode::on, .steps_per_graph = 3};
    ClassifierTrainer replayed = tiny_trainer(config);
    replayed.steps(12);
    CHECK(replayed.graphs().recorded() > 0);
    CHECK(replayed.graphs().replays() > replayed.graphs().recorded());
    static_cast<void>(replayed.read_metrics());
    CHECK(run_steady_steps(replayed) == 2);
    CHECK(whole.graphs().replays() == 0);
    replayed.save(folder / "replayed.safetensors");  // brings the average's statistics up to date
    CHECK(state_of(replayed) == state_of(whole));

    // Images with padded channels teach the same, as on a GPU, where the kernel that augments
    // writes what a convolution reads. Zeros add nothing; another order of the sums would. Noise in
    // a padded channel moves parameters by 0.02.
    config.graphs = {.graph = GraphMode::off};
    ClassifierTrainer padded = tiny_trainer(config);
    {
      const ReadsWholePacks as_a_gpu;
      padded.steps(3);
    }
    CHECK(largest_difference(parameters_of(padded), after_three) < 1e-6);
  }
}

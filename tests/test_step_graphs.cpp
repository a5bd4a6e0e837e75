// Training steps as graphs: the same bits as the steps themselves, and nothing but the graph asked
// of the device.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "autograd/ops.hpp"
#include "core/allocator.hpp"
#include "core/error.hpp"
#include "core/work.hpp"
#include "cuda_calls.hpp"
#include "kernels/elementwise/elementwise.hpp"
#include "silent_rank.hpp"
#include "skip.hpp"
#include "temp_folder.hpp"
#include "tiny_runs.hpp"
#include "trainers/batch_schedule.hpp"
#include "training_state.hpp"

using namespace scimix;

namespace {

// Ends after `steps` steps of a run whose steps are replayed, `at_once` in a graph.
template <class Trainer>
void check_same_bits(Trainer& eager, Trainer& replayed, std::int64_t steps) {
  eager.steps(steps);
  replayed.steps(steps);
  CHECK(eager.graphs().replays() == 0);
  CHECK(replayed.graphs().recorded() > 0);
  CHECK(replayed.graphs().replays() > replayed.graphs().recorded());
  CHECK(test::state_of(eager) == test::state_of(replayed));
}

}  // namespace

// Graphs of three steps, with every mixer: test_method_matrix.cpp.
TEST_CASE("steps replayed one by one have the bits of the steps themselves" *
          doctest::test_suite("full")) {
  for (const std::string method : {"supervised", "mean-teacher", "mean-teacher-b", "fixmatch"}) {
    CAPTURE(method);
    ClassifierConfig config = test::tiny_config(method);
    config.steps = 14;
    config.graphs.graph = GraphMode::off;
    ClassifierTrainer eager = test::tiny_trainer(config);
    config.graphs = {.graph = GraphMode::on, .steps_per_graph = 1};
    ClassifierTrainer replayed = test::tiny_trainer(config);
    check_same_bits(eager, replayed, config.steps);
  }
}

TEST_CASE("replayed steps of every precision have the bits of the steps themselves" *
          doctest::test_suite("full")) {
  for (const std::string precision : {"tf32", "bf16", "f64"}) {
    CAPTURE(precision);
    ClassifierConfig config = test::tiny_config("fixmatch");
    config.steps = 20;
    config.precision = choice_of<Precision>(precision);
    config.graphs.graph = GraphMode::off;
    ClassifierTrainer eager = test::tiny_trainer(config);
    config.graphs.graph = GraphMode::on;
    ClassifierTrainer replayed = test::tiny_trainer(config);
    check_same_bits(eager, replayed, config.steps);
  }
}

// Every fourth step has a phase more.
TEST_CASE("replayed steps of the generator have the bits of the steps themselves" *
          doctest::test_suite("full")) {
  struct Kind {
    std::string labels;
    std::string precision;
    std::int64_t at_once;  // steps in a graph
  };
  for (const Kind& kind : {Kind{"all", "f32", 1}, Kind{"all", "bf16", 2}, Kind{"40", "f32", 3},
                           Kind{"40", "bf16", 1}}) {
    CAPTURE(kind.labels);
    CAPTURE(kind.precision);
    CAPTURE(kind.at_once);
    GeneratorRunConfig config = test::tiny_generator_config();
    config.noise = true;
    config.precision = choice_of<Precision>(kind.precision);
    config.graphs.graph = GraphMode::off;
    GeneratorTrainer eager(config, test::tiny_inputs(kind.labels));
    config.graphs = {.graph = GraphMode::on, .steps_per_graph = kind.at_once};
    GeneratorTrainer replayed(config, test::tiny_inputs(kind.labels));
    // Three steps in a graph, of which every fourth has a phase more, repeat after twelve steps.
    check_same_bits(eager, replayed, kind.at_once == 3 ? 52 : 24);
  }
}

TEST_CASE("what is done between replayed steps changes nothing") {
  ClassifierConfig config = test::tiny_config("mean-teacher");
  config.hybrids.mixer = MixerKind::scimix;
  config.steps = 30;
  config.graphs.graph = GraphMode::off;
  ClassifierTrainer eager = test::tiny_trainer(config);
  config.graphs.graph = GraphMode::on;
  ClassifierTrainer replayed = test::tiny_trainer(config);
  for (int i = 0; i < 10; ++i) {
    eager.steps(3);
    replayed.steps(3);
    static_cast<void>(replayed.evaluate_ema());
    static_cast<void>(replayed.preview(5));
    replayed.check_finite();
    release_cached(kCpu);
  }
  static_cast<void>(eager.evaluate_ema());  // it brings the averages' running statistics up to date
  CHECK(replayed.graphs().replays() > 0);
  CHECK(test::state_of(eager) == test::state_of(replayed));
}

TEST_CASE("a run goes on from a checkpoint under graphs it has recorded before") {
  const test::TempFolder folder;
  ClassifierConfig config = test::tiny_config("fixmatch");
  config.steps = 20;
  config.graphs.graph = GraphMode::on;
  ClassifierTrainer trainer = test::tiny_trainer(config);
  trainer.steps(8);
  trainer.save(folder / "eight.safetensors");
  trainer.steps(12);
  const test::TrainingState first = test::state_of(trainer);
  trainer.load(folder / "eight.safetensors");
  trainer.steps(12);
  CHECK(test::state_of(trainer) == first);
}

namespace {

// What `count` steps ask of the device, once those before them have shown all there is to see.
template <class Trainer>
WorkCounts work_of_steady_steps(Trainer& trainer, std::int64_t count) {
  trainer.steps(16);
  const WorkCounts before = work_counts();
  const std::uint64_t allocations = memory_stats(kCpu).system_calls;
  trainer.steps(count);
  CHECK(memory_stats(kCpu).system_calls == allocations);
  return work_counts() - before;
}

}  // namespace

// The classifier's steps: test_method_matrix.cpp.
TEST_CASE("a generator's steady step takes no memory, copies nothing and never waits") {
  for (const std::string graph : {"off", "on"}) {
    CAPTURE(graph);
    GeneratorRunConfig config = test::tiny_generator_config();
    config.noise = true;
    config.graphs.graph = choice_of<GraphMode>(graph);
    GeneratorTrainer trainer(config, test::tiny_inputs("40"));
    const WorkCounts work = work_of_steady_steps(trainer, 8);
    CHECK(work.host_copies == 0);
    CHECK(work.synchronizations == 0);
    CHECK(work.graphs == (graph == "on" ? 2 : 0));
  }
}

namespace {

// The plan of one steady step.
template <class Trainer>
std::vector<WorkPlan::Entry> plan_of(Trainer& trainer, std::int64_t warm_up) {
  trainer.steps(warm_up);
  const WorkPlan plan;
  trainer.steps(1);
  return plan.entries();
}

std::int64_t count(const std::vector<WorkPlan::Entry>& plan, Work kind) {
  return std::count_if(plan.begin(), plan.end(), [&](const auto& e) { return e.kind == kind; });
}

// A full network and images few enough for a CPU: only sums over very many rows take a launch more.
ClassifierConfig wide_resnet_28_2(const std::string& method, const std::string& precision) {
  ClassifierConfig config;
  config.method = choice_of<Method>(method);
  config.precision = choice_of<Precision>(precision);
  config.batch = 2;
  config.steps = 10;
  config.graphs.graph = GraphMode::off;
  return config;
}

}  // namespace

// A launch costs a GPU a microsecond at least, and a WideResNet-28-2 at batch 64 is done in some
// five hundred. PyTorch is estimated to launch 310 kernels for a supervised step. Who adds one
// changes these numbers knowingly.
TEST_CASE("launches of a training step, by its recorded plan") {
  struct Expected {
    std::string method;
    std::string precision;
    std::int64_t convolutions_and_products;
    std::int64_t all;
  };
  for (const Expected& expected : {Expected{"supervised", "f32", 86, 258},
                                   {"supervised", "bf16", 86, 260},
                                   {"mean-teacher", "f32", 115, 384},
                                   {"mean-teacher", "bf16", 115, 387},
                                   {"fixmatch", "f32", 86, 276},
                                   {"fixmatch", "bf16", 86, 278}}) {
    CAPTURE(expected.method);
    CAPTURE(expected.precision);
    const ClassifierConfig config = wide_resnet_28_2(expected.method, expected.precision);
    ClassifierTrainer trainer(config, test::tiny_digits(), test::tiny_split(), kCpu);
    const auto plan = plan_of(trainer, 2);
    CHECK(count(plan, Work::library) == expected.convolutions_and_products);
    CHECK(std::ssize(plan) == expected.all);
    CHECK(count(plan, Work::host_copy) == 0);
  }
}

TEST_CASE("launches of a step of the generator, by its recorded plan") {
  struct Expected {
    bool r1;
    std::int64_t convolutions_and_products;
    std::int64_t all;
  };
  for (const Expected& expected : {Expected{false, 369, 1487}, {true, 400, 1584}}) {
    CAPTURE(expected.r1);
    GeneratorRunConfig config = test::tiny_generator_config();
    config.encoder = {.depth = 28, .width = 2};
    config.precision = Precision::bf16;
    config.noise = true;
    config.batch = 2;
    config.graphs.graph = GraphMode::off;
    GeneratorTrainer trainer(config, test::tiny_inputs("40"));
    const auto plan = plan_of(trainer, expected.r1 ? config.r1_every : config.r1_every - 1);
    CHECK(count(plan, Work::library) == expected.convolutions_and_products);
    CHECK(std::ssize(plan) == expected.all);
  }
}

// What our own counters cannot see: calls of the CUDA driver by libraries.
TEST_CASE("a steady step on the GPU asks the driver for launches and nothing else") {
  const char* const what = "calls of the CUDA driver in a steady step";
  if (cuda_device_count() == 0) return skip_gpu_check(what);
  if (!test::can_count_cuda_calls()) return skip_check(text(what, ": built without CUPTI"));
  const Device device = parse_device("cuda:0");
  select_device(device);
  for (const std::string graph : {"off", "on"}) {
    CAPTURE(graph);
    ClassifierConfig config = test::tiny_config("fixmatch");
    config.steps = 100;
    config.precision = Precision::bf16;
    config.graphs.graph = choice_of<GraphMode>(graph);
    ClassifierTrainer trainer(config, test::tiny_digits(), test::tiny_split(), device);
    trainer.steps(16);
    synchronize(device);
    std::map<std::string, std::int64_t> calls;
    {
      const test::CudaCalls counting;
      trainer.steps(8);
      calls = counting.by_name();
    }
    for (const auto& call : calls) {
      const std::string& name = call.first;
      CAPTURE(name);
      CAPTURE(call.second);
      for (const std::string forbidden : {"cuMemAlloc", "cuMemFree", "cuMemHost", "cuMemcpyHtoD",
                                          "cuMemcpyDtoH", "cuStreamSynchronize", "cuCtxSynchronize",
                                          "cuEventSynchronize", "cuModuleLoad", "cuLibraryLoad"}) {
        CHECK_FALSE(name.starts_with(forbidden));
      }
      if (graph == "on") CHECK_FALSE(name.starts_with("cuLaunch"));
    }
    if (graph == "on") CHECK(calls["cuGraphLaunch"] + calls["cuGraphLaunch_ptsz"] == 2);
  }
}

TEST_CASE("graphs of several ranks on CPUs are a user's mistake") {
  const test::SilentRank ranks(0, 2);
  CHECK_THROWS_WITH_AS(static_cast<void>(uses_graphs({.graph = GraphMode::on}, kCpu, ranks)),
                       doctest::Contains("--graph on with 2 ranks"), Error);
  CHECK_FALSE(uses_graphs({}, kCpu, ranks));
  CHECK_FALSE(uses_graphs({}, kCpu, local_comm()));
  CHECK(uses_graphs({}, {Device::Kind::cuda, 0}, local_comm()));
  CHECK_FALSE(uses_graphs({.graph = GraphMode::off}, {Device::Kind::cuda, 0}, local_comm()));
}

TEST_CASE("steps of another shape are recorded by themselves, and older ones stay") {
  StepGraphs graphs(kCpu, /*enabled=*/true, /*at_once=*/2);
  Tensor sum = Tensor::zeros({}, DType::f32);
  const auto add_ones = [&](std::int64_t count) {
    Tensor ones = Tensor::empty({count}, DType::f32);
    fill(ones, 1.0);
    map_binary(Binary::add, sum, scimix::sum(Variable(ones)).value(), sum, 0);
  };
  // Ten steps of three ones, ten of five, then three again.
  const auto size = [](std::int64_t step) { return step < 10 || step >= 20 ? 3 : 5; };
  graphs.run(
      0, 30, [&](std::int64_t step) { return size(step) == 3 ? "threes" : "fives"; },
      [&](std::int64_t step) { add_ones(size(step)); });
  CHECK(sum.to_doubles()[0] == 20 * 3 + 10 * 5);
  CHECK(graphs.recorded() == 2);
  CHECK(graphs.replays() == 3 + 3 + 5);  // blocks of two, less two to warm up each kind
}

TEST_CASE("blocks of steps start at multiples of their length, whatever is asked for") {
  StepGraphs graphs(kCpu, /*enabled=*/true, /*at_once=*/4);
  std::vector<std::int64_t> queued;
  const auto run = [&](std::int64_t first, std::int64_t count) {
    graphs.run(
        first, count, [](std::int64_t) { return "only"; },
        [&](std::int64_t step) { queued.push_back(step); });
  };
  CHECK(graphs.to_boundary(0) == 4);
  CHECK(graphs.to_boundary(3) == 1);
  run(2, 9);  // 2, 3 alone, 4 to 7 together, 8 to 10 alone: recorded at 8
  CHECK(queued == std::vector<std::int64_t>{2, 3, 4, 5, 6, 7, 8});
  CHECK(graphs.recorded() == 1);
  CHECK(graphs.replays() == 3);
}

TEST_CASE("a batch schedule gives each step its own row, whatever step it starts from") {
  BatchSchedule schedule(kCpu, 5);
  const auto numbers = schedule.add(3);
  const auto shares = schedule.add(2);
  std::vector<std::int64_t> drawn;
  schedule.start([&](std::int64_t step, const BatchSchedule::Row& row) {
    drawn.push_back(step);
    const auto base = static_cast<std::int32_t>(10 * step);
    const std::vector<std::int32_t> values{base, base + 1, base + 2};
    const std::vector<float> parts{0.5F * static_cast<float>(step), -1.0F};
    row.set(numbers, std::span(values));
    row.set(shares, std::span(parts));
  });
  for (const std::int64_t step : {0, 1, 4, 5, 7, 9, 2}) {
    CAPTURE(step);
    CHECK(schedule.prepare(step) > 0);
    const std::vector<std::int32_t> now{static_cast<std::int32_t>(step)};
    schedule.take(Tensor::from_host(std::span(now), {1}));
    const auto t = static_cast<double>(step);
    CHECK(schedule.indices(numbers).to_doubles() ==
          std::vector<double>{10 * t, 10 * t + 1, 10 * t + 2});
    CHECK(schedule.numbers(shares).to_doubles() == std::vector<double>{0.5 * t, -1});
  }
  // 0..4, then 5..9, then from 2 anew.
  CHECK(drawn == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5, 6});
  const std::vector<std::int32_t> two{1, 2};
  schedule.start(
      [&](std::int64_t, const BatchSchedule::Row& row) { row.set(numbers, std::span(two)); });
  CHECK_THROWS_WITH_AS(static_cast<void>(schedule.prepare(50)), doctest::Contains("a column of 3"),
                       Error);
}

// scimix_bench: what it computes from its samples, what it writes, and what it refuses.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "bench/in_turn.hpp"
#include "bench/report.hpp"
#include "bench/suite.hpp"
#include "core/error.hpp"
#include "tests/json_lines.hpp"
#include "tests/program.hpp"

using namespace scimix;

namespace {

test::ProgramResult run_bench(std::vector<std::string> arguments) {
  return test::run_program("scimix_bench", std::move(arguments));
}

void check_refused(const std::vector<std::string>& arguments, const std::string& words) {
  const test::ProgramResult ended = run_bench(arguments);
  CAPTURE(words);
  CAPTURE(ended.error);
  CHECK(ended.exit_code == 2);
  CHECK(ended.out.empty());
  CHECK(ended.error.find(words) != std::string::npos);
  CHECK(std::count(ended.error.begin(), ended.error.end(), '\n') == 1);
}

}  // namespace

TEST_SUITE_BEGIN("bench");

TEST_CASE("bench: minimum, median and maximum of samples in any order") {
  const Timing odd = summarise({5, 1, 9});
  CHECK(odd.n == 3);
  CHECK(odd.min == 1);
  CHECK(odd.median == 5);
  CHECK(odd.max == 9);
  CHECK(summarise({4, 1, 2, 8}).median == 3);
  CHECK(summarise({7}).median == 7);
  CHECK_THROWS_AS(static_cast<void>(summarise({})), Error);
}

TEST_CASE("bench: a call is timed at least five times") {
  int calls = 0;
  const Timing t = time_calls([&] { ++calls; }, kCpu, 0.0);
  CHECK(t.n >= 5);
  CHECK(calls > t.n);
  CHECK(t.min > 0);
  CHECK(t.min <= t.median);
  CHECK(t.median <= t.max);
}

TEST_CASE("bench: rates and shares come from the median") {
  const Peaks peaks{.fma = 100e9, .matrix = 50e9, .bandwidth = 10e9};
  const BenchResult result{.name = "conv2d",
                           .label = "a case",
                           .pass = "forward",
                           .timing = {.n = 5, .min = 0.001, .median = 0.002, .max = 0.004},
                           .flops = 1e8,
                           .bytes = 1e7,
                           .images = 32};
  const auto json = nlohmann::json::parse(bench_json({}, peaks, {&result, 1}));
  const auto& r = json.at("results").at(0);
  CHECK(r.at("name") == "conv2d");
  CHECK(r.at("n") == 5);
  CHECK(r.at("flops_per_s").get<double>() == doctest::Approx(5e10));
  CHECK(r.at("share_of_peak_flops").get<double>() == doctest::Approx(0.5));
  CHECK(r.at("bytes_per_s").get<double>() == doctest::Approx(5e9));
  CHECK(r.at("share_of_peak_bandwidth").get<double>() == doctest::Approx(0.5));
  CHECK(r.at("images_per_s").get<double>() == doctest::Approx(16000));
  const std::string line = bench_line(result, peaks);
  CAPTURE(line);
  CHECK(line.find("conv2d: a case") != std::string::npos);
  CHECK(line.find("50.0   50%") != std::string::npos);
  CHECK(line.find("16000.0 images/s") != std::string::npos);
}

TEST_CASE("bench: beside a GPU's peaks rates are in TFLOP/s, and bytes are compared with a copy") {
  const Peaks peaks{.fma = 60e12, .matrix = 800e12, .bandwidth = 2e12, .copy = 3e12};
  CHECK(peaks.flops() == 800e12);
  CHECK(peaks.memory() == 3e12);
  const BenchResult result{.name = "conv2d",
                           .label = "a case",
                           .pass = "forward",
                           .timing = {.n = 5, .min = 0.001, .median = 0.002, .max = 0.004},
                           .flops = 8e11,
                           .bytes = 3e9};
  CHECK(bench_header({}, peaks).find("800.0 TFLOP/s matrix product") != std::string::npos);
  CHECK(bench_line(result, peaks).find("400.0   50%   1500.0   50%") != std::string::npos);
}

TEST_CASE("bench: a page of Markdown has the versions, a table of steps and one of operators") {
  const Peaks peaks{.fma = 60e12, .matrix = 800e12, .bandwidth = 2e12, .copy = 3e12};
  std::vector<BenchResult> results{{.name = "conv2d",
                                    .label = "a case",
                                    .pass = "forward",
                                    .timing = {.n = 7, .min = 0.001, .median = 0.002, .max = 0.004},
                                    .flops = 8e11,
                                    .bytes = 3e9},
                                   {.name = "a step",
                                    .label = "batch 32",
                                    .pass = "step",
                                    .timing = {.n = 5, .min = 0.001, .median = 0.002, .max = 0.004},
                                    .images = 32}};
  const std::string page = bench_markdown({.suite = Suite::gpu}, peaks, results);
  CAPTURE(page);
  CHECK(page.starts_with("# scimix_bench --suite gpu --dtype f32\n"));
  CHECK(page.find("oneDNN ") != std::string::npos);
  CHECK(page.find("800 TFLOP/s matrix product") != std::string::npos);
  CHECK(page.find("| conv2d: a case | forward | 2 | 1 to 4 | 7 | 400 (50%) | 1500 (50%) |\n") !=
        std::string::npos);
  CHECK(page.find("| a step: batch 32 | 2 | 1 to 4 | 5 | 16000 | – | 0 |\n") != std::string::npos);
  CHECK(page.find("| step |") < page.find("| operator |"));
  results.pop_back();
  CHECK(bench_markdown({}, peaks, results).find("| step |") == std::string::npos);
}

TEST_CASE("bench: a sample is whole cycles of calls") {
  constexpr int kCycle = 7;
  int calls = 0;
  const Timing t = time_calls([&] { ++calls; }, kCpu, 0.0, kCycle);
  CHECK(t.n >= 5);
  CHECK(calls % kCycle == 0);
}

TEST_CASE("bench: the machine's peaks are positive") {
  const Peaks peaks = measure_peaks(kCpu, DType::f32, 0.0, false);
  CHECK(peaks.fma > 0);
  CHECK(peaks.matrix > 0);
  CHECK(peaks.bandwidth > 0);
  CHECK(peaks.flops() >= peaks.fma);
  REQUIRE(peaks.cpu.size() >= 2);  // at least one width of vectors, and one cache
  for (const CpuRate& rate : peaks.cpu) {
    CAPTURE(rate.name);
    CHECK(rate.one_core > 0);
    CHECK(rate.all > 0);
    if (rate.unit == "flop/s") CHECK(peaks.fma >= rate.all);
  }
}

TEST_CASE("bench: an operator has a forward and a backward line") {
  OpCase chosen;
  for (const OpCase& c : all_op_cases()) {
    if (c.op == "mul" && c.test && c.label != "zero rows") chosen = c;
  }
  REQUIRE(chosen.run);
  const auto results = time_operator(chosen, {.min_time = 0});
  REQUIRE(results.size() == 2);
  CHECK(results[0].pass == "forward");
  CHECK(results[1].pass == "backward");
  CHECK(results[1].bytes > 0);
}

TEST_CASE("bench: the backward pass counts one product for each factor of the largest rank") {
  OpCase product{.op = "product", .label = "of the test"};
  product.inputs = {{.shape = {2, 3, 5}},
                    {.shape = {2, 3, 5}},
                    {.shape = {3, 5}},
                    {.shape = {2, 3, 5}, .differentiable = false}};
  product.run = [](const Variables& in) {
    return Variables{mul(mul(mul(in[0], in[1]), in[2]), in[3])};
  };
  product.flops = 90;
  const auto results = time_operator(product, {.min_time = 0});
  REQUIRE(results.size() == 2);
  CHECK(results[0].flops == 90);
  CHECK(results[1].flops == 2 * 90);
}

TEST_CASE("bench: bytes are counted only where they are read or written") {
  const auto results_of = [](const std::string& op,
                             const std::function<Variables(const Variables&)>& run,
                             const std::vector<OpInput>& inputs) {
    OpCase c{.op = op, .label = "of the test"};
    c.inputs = inputs;
    c.run = run;
    const auto results = time_operator(c, {.min_time = 0});
    REQUIRE(results.size() == 2);
    return std::pair(results[0].bytes, results[1].bytes);
  };
  const OpInput x{.shape = {4, 3}};
  const OpInput y{.shape = {4, 3}};
  constexpr double kX = 4 * 3 * 4;  // bytes
  // A view writes nothing; the backward pass writes the gradient with zeros around the cotangent.
  CHECK(results_of("slice", [](const Variables& in) { return Variables{slice_rows(in[0], 1, 3)}; },
                   {x}) == std::pair(0.0, kX / 2 + kX));
  // The gradient of a sum does not depend on what is added up.
  CHECK(results_of("sum", [](const Variables& in) { return Variables{sum(in[0])}; }, {x}) ==
        std::pair(kX + 4, 4 + kX));
  CHECK(results_of("mul", [](const Variables& in) { return Variables{mul(in[0], in[1])}; },
                   {x, y}) == std::pair(3 * kX, 5 * kX));
}

TEST_CASE("bench: a step without stated operations has those of its convolutions") {
  const auto image = Tensor::zeros({2, 8, 8, 3}, DType::f32, kCpu);
  const auto kernel = Tensor::zeros({5, 3, 3, 3}, DType::f32, kCpu);
  BenchStep step{.name = "step", .label = "of the test", .prepare = [&](Device, DType) {
                   return one_by_one([&] {
                     const NoGrad constant;
                     static_cast<void>(conv2d(Variable(image), Variable(kernel), {}));
                   });
                 }};
  CHECK(time_step(step, {.min_time = 0}).flops == 2.0 * (2 * 8 * 8 * 5) * (3 * 3 * 3));
  step.flops = 7;
  CHECK(time_step(step, {.min_time = 0}).flops == 7);
}

TEST_CASE("bench: --plan says what a training step launches") {
  const auto ended = test::run_program(
      "scimix_bench", {"--suite", "gpu-tiny", "--filter", "wrn-10-1 supervised: batch 4", "--plan",
                       "--device", "cpu"});
  CHECK(ended.exit_code == 0);
  CHECK(ended.out.starts_with("wrn-10-1 supervised: batch 4: "));
  const auto has_line = [&](const std::string& line) {
    return ended.out.find("\n" + line + "\n") != std::string::npos;
  };
  CAPTURE(ended.out);
  CHECK(has_line("     1       0.000 MB  advance_step"));
  // The first one, two in each of three blocks, and two shortcuts. In thousands of f32 numbers, for
  // images of 32x32: 78 of the first (12 of x, 0.4 of w, 66 of y), 267, 276 and 188 of the blocks.
  CHECK(has_line("     9       3.240 MB  conv_fprop"));
}

TEST_CASE("bench: a registered step is prepared once and timed") {
  int prepared = 0;
  int steps = 0;
  const BenchStep step{
      .name = "step", .label = "of the test", .images = 4, .prepare = [&](Device, DType) {
        ++prepared;
        return one_by_one([&] { ++steps; });
      }};
  const BenchResult result = time_step(step, {.min_time = 0});
  CHECK(prepared == 1);
  CHECK(steps >= result.timing.n);
  CHECK(result.images == 4);
  CHECK(result.pass == "step");
  CHECK(result.launches == 0);  // it asks nothing of the device
}

TEST_CASE("bench: a step is prepared once and timed on request") {
  int prepared = 0;
  int steps = 0;
  const BenchStep step{.name = "step", .label = "of the test", .prepare = [&](Device, DType) {
                         ++prepared;
                         return one_by_one([&] { ++steps; });
                       }};
  std::istringstream in("1\n3\n");
  std::ostringstream out;
  time_in_turn(step, {.dtype = DType::bf16}, in, out);
  CHECK(prepared == 1);
  CHECK(steps == 4);
  const std::vector<nlohmann::json> answers = test::json_lines(out.str());
  REQUIRE(answers.size() == 3);
  CHECK(answers[0].at("dtype") == "bf16");
  CHECK(answers[0].at("threads").get<int>() > 0);
  CHECK(answers[1].size() == 1);
  REQUIRE(answers[2].size() == 3);
  for (const auto& seconds : answers[2]) CHECK(seconds.get<double>() >= 0);
  for (const char* const wrong : {"", "x", "0", "-1", "1.5", "2 ", "10001"}) {
    CAPTURE(wrong);
    std::istringstream mistake(std::string(wrong) + "\n");
    CHECK_THROWS_AS(time_in_turn(step, {}, mistake, out), Error);
  }
}

TEST_CASE("bench: the program lists what it would time") {
  const test::ProgramResult ended = run_bench({"--list", "--filter", "^exp: "});
  CHECK(ended.exit_code == 0);
  CHECK(ended.out.starts_with("exp: "));
}

TEST_CASE("bench: the GPU suites have the same steps in two sizes, each sample with R1's share") {
  const auto names = [](Suite suite) {
    std::vector<std::string> out;
    for (const BenchStep& step : steps_of(suite)) {
      const std::string name = step.name.substr(step.name.find(' ') + 1);
      if (step.images == 0 || name == "weak" || name == "strong") continue;  // part of a step
      CHECK(step.cycle == 16);
      out.push_back(name);
    }
    return out;
  };
  const std::vector<std::string> expected{"supervised",   "supervised", "supervised",
                                          "mean-teacher", "fixmatch",   "generator"};
  CHECK(names(Suite::gpu) == expected);
  CHECK(names(Suite::gpu_tiny) == expected);
  for (const BenchStep& step : steps_of(Suite::standard)) CHECK(step.cycle == 1);
  CHECK(operators_of(Suite::gpu).size() == operators_of(Suite::gpu_tiny).size());
}

TEST_CASE("bench: the CPU suites have the same steps in two sizes, and no operators") {
  const auto names = [](Suite suite) {
    std::multiset<std::string> out;
    for (const BenchStep& step : steps_of(suite)) {
      CHECK(step.cycle == 1);
      out.insert(step.name.substr(step.name.find(' ') + 1));
    }
    return out;
  };
  std::multiset<std::string> expected{"supervised",
                                      "supervised",
                                      "mean-teacher",
                                      "mean-teacher",
                                      "fixmatch",
                                      "fixmatch",
                                      "mean-teacher with hybrids",
                                      "generator without R1",
                                      "generator without R1",
                                      "generator without R1",
                                      "generator with R1",
                                      "generator with R1",
                                      "generator with R1"};
  CHECK(names(Suite::cpu_tiny) == expected);
  expected.insert("mean-teacher with hybrids");  // with the small classifier and with the large one
  CHECK(names(Suite::cpu) == expected);
  CHECK(operators_of(Suite::cpu).empty());
  CHECK(operators_of(Suite::cpu_tiny).empty());
}

TEST_CASE("bench: every step of the CPU suites runs" * doctest::test_suite("full")) {
  for (const BenchStep& step : steps_of(Suite::cpu_tiny)) {
    CAPTURE(step.name + ": " + step.label);
    for (const DType dtype : {DType::f32, DType::bf16}) step.prepare(kCpu, dtype)(2);
  }
}

TEST_CASE("bench: every operator of the GPU suites runs, and counts bytes" *
          doctest::test_suite("full")) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const OpCase& c : operators_of(Suite::gpu_tiny)) {
      CAPTURE(c.op + ": " + c.label);
      for (const BenchResult& result : time_operator(c, {.dtype = dtype, .min_time = 0})) {
        CHECK(result.bytes > 0);
      }
    }
  }
}

TEST_CASE("bench: the program times a suite that is named, as JSON and as Markdown" *
          doctest::test_suite("full")) {
  const test::TempFolder folder;
  const std::string json_path = (folder / "bench.json").string();
  const std::string page_path = (folder / "bench.md").string();
  const test::ProgramResult ended =
      run_bench({"--device", "cpu", "--suite", "gpu-tiny", "--dtype", "bf16", "--filter",
                 "^(linear: |wrn-10-1 supervised: batch 4$)", "--min-time", "0", "--json",
                 json_path, "--markdown", page_path});
  CAPTURE(ended.error);
  CHECK(ended.exit_code == 0);
  const auto json = nlohmann::json::parse(std::ifstream(json_path));
  CHECK(json.at("suite") == "gpu-tiny");
  CHECK(json.at("dtype") == "bf16");
  CHECK(json.at("versions").contains("oneDNN"));
  CHECK(json.at("peak").at("copy_bytes_per_s").get<double>() > 0);
  CHECK(json.at("results").size() == 3);
  std::ifstream page(page_path);
  std::string first;
  std::getline(page, first);
  CHECK(first == "# scimix_bench --suite gpu-tiny --dtype bf16");
}

TEST_CASE("bench: the program times, prints and writes" * doctest::test_suite("full")) {
  const test::TempFolder folder;
  const std::string path = (folder / "bench.json").string();
  const test::ProgramResult ended =
      run_bench({"--device", "cpu", "--filter", "^exp: ", "--min-time", "0.001", "--json", path});
  CAPTURE(ended.error);
  CHECK(ended.exit_code == 0);
  CHECK(ended.out.find("measured peaks") != std::string::npos);
  const auto json = nlohmann::json::parse(std::ifstream(path));
  CHECK(json.at("results").size() >= 2);
  CHECK(json.at("peak").at("fma_flops_per_s").get<double>() > 0);
  CHECK(json.at("threads").get<int>() > 0);
}

TEST_CASE("bench: a user's mistake gets one line and exit code 2") {
  check_refused({"--fitler", "x"}, "unknown option --fitler; did you mean --filter?");
  check_refused({"--dtype", "f16"}, "--dtype f16: expected f32, tf32 or bf16");
  check_refused({"--dtype", "tf32", "--device", "cpu"}, "--dtype tf32: only a GPU has it");
  check_refused({"--suite", "tpu"},
                "--suite tpu: expected default, cpu, cpu-tiny, gpu or gpu-tiny");
  check_refused({"--suite", "cpu-tiny", "--filter", "fixmatch", "--in-turn"},
                "--in-turn: --filter selects 0 operators and 2 steps, expected one step");
  check_refused({"--filter", "^exp: ", "--markdown", "/no/such/folder/x.md"},
                "/no/such/folder/x.md");
  check_refused({"--filter", "("}, "--filter (: expected a regular expression");
  check_refused({"--filter", "nosuchthing"}, "--filter nosuchthing: matches nothing");
  check_refused({"--min-time", "never"}, "--min-time");
  check_refused({"--min-time", "-1"}, "--min-time -1: expected 0 to 3600 seconds");
  check_refused({"--device", "gpu"}, "--device gpu: expected auto, cpu or cuda:N");
  check_refused({"--filter", "^exp: ", "--json", "/no/such/folder/x.json"},
                "/no/such/folder/x.json");
  check_refused({"stray"}, "unexpected argument stray");
}

TEST_SUITE_END();

// scimix_bench [options]: times operators and training steps, beside what this machine can do at
// best. scimix_bench comm [options]: what several ranks lose on each other.

#include <iostream>
#include <optional>
#include <regex>

#include "bench/comm.hpp"
#include "bench/gan_reference.hpp"
#include "bench/in_turn.hpp"
#include "bench/plan.hpp"
#include "bench/report.hpp"
#include "bench/run.hpp"
#include "bench/step_reference.hpp"
#include "bench/suite.hpp"
#include "core/atomic_file.hpp"
#include "core/threads.hpp"
#include "kernels/machine/tf32.hpp"
#include "tools/command_line/cli.hpp"
#include "tools/command_line/program.hpp"

namespace scimix {
namespace {

struct Options {
  std::string filter;
  std::string suite = "default";
  std::string json;
  std::string markdown;
  std::string device = "auto";
  std::string dtype = "f32";
  double min_time = 0.2;
  bool list = false;
  bool plan = false;
  bool in_turn = false;
  std::string reference;
  std::int64_t reference_batch = 32;
  std::string gan_reference;
};

// tf32 is f32 whose products may round.
DType parse_dtype(const std::string& name) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    if (name == name_of(dtype)) return dtype;
  }
  if (name == "tf32") return DType::f32;
  user_error("--dtype ", name, ": expected f32, tf32 or bf16");
}

std::regex parse_filter(const std::string& pattern) {
  try {
    return std::regex(pattern);
  } catch (const std::regex_error&) {
    user_error("--filter ", pattern, ": expected a regular expression");
  }
}

// What is to be timed.
struct Selection {
  std::vector<OpCase> operators;
  std::vector<BenchStep> steps;
};

Selection select(const Options& options, DType dtype) {
  const std::regex filter = parse_filter(options.filter);
  const Suite suite = parse_suite(options.suite);
  Selection chosen;
  for (OpCase& c : operators_of(suite)) {
    if (dtype == DType::bf16 && !c.bf16) continue;
    if (std::regex_search(c.op + ": " + c.label, filter)) chosen.operators.push_back(std::move(c));
  }
  for (const BenchStep& step : steps_of(suite)) {
    if (std::regex_search(step.name + ": " + step.label, filter)) chosen.steps.push_back(step);
  }
  if (chosen.operators.empty() && chosen.steps.empty()) {
    user_error("--filter ", options.filter, ": matches nothing; --list shows what there is");
  }
  return chosen;
}

void print_list(const Selection& chosen) {
  for (const OpCase& c : chosen.operators) std::cout << c.op << ": " << c.label << '\n';
  for (const BenchStep& step : chosen.steps) std::cout << step.name << ": " << step.label << '\n';
}

void write(std::optional<AtomicFile>& file, const std::string& contents) {
  if (!file) return;
  file->write(contents);
  file->commit();
}

void run_all(const Selection& chosen, const BenchSettings& settings, const Options& options) {
  // Opened first: a path that cannot be written is known before minutes of measuring. What stands
  // there is replaced at the end, in one move.
  std::optional<AtomicFile> json;
  std::optional<AtomicFile> markdown;
  if (!options.json.empty()) json.emplace(options.json);
  if (!options.markdown.empty()) markdown.emplace(options.markdown);
  std::optional<AllowTf32> tf32;
  if (settings.tf32) tf32.emplace();
  const Peaks peaks = measure_peaks(settings.device, settings.dtype, settings.min_time,
                                    settings.suite == Suite::gpu_tiny);
  std::cout << bench_header(settings, peaks) << std::flush;
  std::vector<BenchResult> results;
  const auto report = [&](const BenchResult& result) {
    std::cout << bench_line(result, peaks) << std::flush;
    results.push_back(result);
  };
  for (const OpCase& c : chosen.operators) {
    for (const BenchResult& result : time_operator(c, settings)) report(result);
    release_cached(settings.device);
  }
  for (const BenchStep& step : chosen.steps) report(time_step(step, settings));
  write(json, bench_json(settings, peaks, results));
  write(markdown, bench_markdown(settings, peaks, results));
}

int run(std::vector<std::string> arguments) {
  CLI::App app("Times operators and training steps beside the machine's measured peaks.",
               "scimix_bench");
  Options options;
  app.add_option("--filter", options.filter,
                 "time only what matches this regular expression, over \"operator: label\"");
  app.add_option(
         "--suite", options.suite,
         "default, cpu (training steps in sizes for a CPU), gpu (sizes that fill a GPU), or "
         "cpu-tiny and gpu-tiny (the same with small networks, to check that they run)")
      ->capture_default_str();
  app.add_option("--json", options.json, "also write all numbers to this file");
  app.add_option("--markdown", options.markdown, "also write a page with the tables to this file");
  app.add_option("--device", options.device, "auto, cpu or cuda:N")->capture_default_str();
  add_threads(app, "Options");
  app.add_option("--dtype", options.dtype, "f32, tf32 (of a GPU) or bf16")->capture_default_str();
  app.add_option("--min-time", options.min_time, "seconds for each measurement")
      ->capture_default_str();
  app.add_option(
      "--reference", options.reference,
      "write a WRN-28-2, a batch, its logits and gradients to this safetensors file, for "
      "comparison with another framework, and stop");
  app.add_option("--reference-batch", options.reference_batch, "images in that batch")
      ->capture_default_str();
  app.add_option("--gan-reference", options.gan_reference,
                 "the same of a small generator and small discriminators, in f64 on the CPU");
  app.add_flag("--list", options.list, "print what would be timed, and stop");
  app.add_flag("--in-turn", options.in_turn,
               "prepare the one training step that --filter selects, then read numbers of calls "
               "from standard input, one a line, and print the seconds of each call as a list; for "
               "a comparison that runs this program and another one alternately")
      ->excludes("--json")
      ->excludes("--markdown");
  app.add_flag("--plan", options.plan, "print what each training step launches, and stop");
  if (const auto done = parse(app, std::move(arguments))) return *done;

  const DType dtype = parse_dtype(options.dtype);
  if (!(options.min_time >= 0 && options.min_time <= 3600)) {
    user_error("--min-time ", options.min_time, ": expected 0 to 3600 seconds");
  }
  if (!options.gan_reference.empty()) {
    write_gan_reference(options.gan_reference);
    return 0;
  }
  if (!options.reference.empty()) {
    if (options.reference_batch < 1) {
      user_error("--reference-batch ", options.reference_batch, ": expected at least 1");
    }
    const Device where = parse_device(options.device);
    select_device(where);
    write_step_reference(options.reference, options.reference_batch, where);
    return 0;
  }
  const Selection chosen = select(options, dtype);
  if (options.list) {
    print_list(chosen);
    return 0;
  }
  const Device device = parse_device(options.device);
  const bool tf32 = options.dtype == "tf32";
  if (tf32 && device.is_cpu()) {
    user_error("--dtype tf32: only a GPU has it, expected f32 or bf16 on the CPU");
  }
  select_device(device);
  const BenchSettings settings{.device = device,
                               .dtype = dtype,
                               .tf32 = tf32,
                               .min_time = options.min_time,
                               .suite = parse_suite(options.suite)};
  if (options.in_turn) {
    if (chosen.steps.size() != 1 || !chosen.operators.empty()) {
      user_error("--in-turn: --filter selects ", chosen.operators.size(), " operators and ",
                 chosen.steps.size(), " steps, expected one step");
    }
    time_in_turn(chosen.steps.front(), settings, std::cin, std::cout);
    return 0;
  }
  if (options.plan) {
    for (const BenchStep& step : chosen.steps) std::cout << plan_of_step(step, settings);
    return 0;
  }
  run_all(chosen, settings, options);
  return 0;
}

}  // namespace
}  // namespace scimix

int main(int argc, char** argv) {
  scimix::restart_with_short_waits(argv);
  std::vector<std::string> arguments{argv + 1, argv + argc};
  if (arguments.empty() || arguments[0] != "comm") {
    const scimix::Program program{
        .name = "scimix_bench",
        .summary = "time operators and training steps",
        .commands = {{"", "[options]", "", [](const auto& words) { return scimix::run(words); }}}};
    return scimix::run_program("scimix_bench",
                               [&] { return scimix::run_commands(program, arguments); });
  }
  arguments.erase(arguments.begin());
  return scimix::run_program_on_ranks(
      "scimix_bench", [&](scimix::Ranks& ranks) { return scimix::bench_comm(arguments, ranks); });
}

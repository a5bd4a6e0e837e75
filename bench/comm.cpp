#include "bench/comm.hpp"

#include <fmt/ostream.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>

#include "bench/steps.hpp"
#include "bench/timer.hpp"
#include "kernels/elementwise/elementwise.hpp"
#include "tools/command_line/cli.hpp"
#include "trainers/classifier_trainer.hpp"
#include "trainers/generator_trainer.hpp"

namespace scimix {

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  std::string device = "auto";
  std::int64_t batch = 32;  // of each rank
  int rounds = 5;
  int steps = 8;  // of a round
  double timeout = 600;
};

// The slowest rank's time: nobody goes on before it has come.
double slowest(double seconds, Comm& ranks) {
  const std::vector<double> all = ranks.all_gather(std::span(&seconds, 1));
  return *std::max_element(all.begin(), all.end());
}

double seconds_of(const std::function<void()>& work, Comm& ranks) {
  ranks.barrier();
  const auto began = Clock::now();
  work();
  ranks.wait_for_device();
  return slowest(std::chrono::duration<double>(Clock::now() - began).count(), ranks);
}

// In a ring each rank sends and receives 2 (R - 1)/R of the bytes: the rate of the links.
void print_bandwidth(Device device, const Settings& settings, Comm& ranks) {
  fmt::print(std::cout, "{:<28} {:>10} {:>10} {:>10}   {:>14}\n", "all-reduce of", "min ms",
             "median ms", "max ms", "link GB/s");
  for (const std::int64_t bytes : {1 << 12, 1 << 16, 1 << 20, 1 << 22, 1 << 24}) {
    Tensor tensor = Tensor::zeros({bytes / 4}, DType::f32, device);
    constexpr int kRepeats = 10;
    std::vector<double> samples;
    for (int round = 0; round <= settings.rounds; ++round) {
      const double seconds = seconds_of(
          [&] {
            for (int i = 0; i < kRepeats; ++i) ranks.all_reduce(tensor);
          },
          ranks);
      if (round > 0) samples.push_back(seconds / kRepeats);  // the first one warms up
    }
    const Timing t = summarise(samples);
    const double link = 2.0 * (ranks.size() - 1) / ranks.size() * static_cast<double>(bytes);
    fmt::print(std::cout, "{:<28} {:>10.3f} {:>10.3f} {:>10.3f}   {:>14.2f}\n",
               fmt::format("{} KiB", bytes / 1024), 1e3 * t.min, 1e3 * t.median, 1e3 * t.max,
               link / t.median / 1e9);
  }
}

// A training step, alone and together with the other ranks.
struct Step {
  std::string name;
  std::function<std::function<void()>(Comm& ranks)> prepare;
};

Step supervised(std::int64_t batch, Device device) {
  return {"wrn-28-2 supervised", [=](Comm& ranks) -> std::function<void()> {
            ClassifierConfig config;
            config.batch = batch * ranks.size();
            const RunInputs inputs = bench_digits(0, "all", device);
            auto trainer = std::make_shared<ClassifierTrainer>(config, inputs.dataset, inputs.split,
                                                               device, nullptr, ranks);
            return [trainer] { trainer->step(); };
          }};
}

Step generator(std::int64_t batch, Device device) {
  return {"scimix generator, small", [=](Comm& ranks) -> std::function<void()> {
            GeneratorRunConfig config = bench_small_generator();
            config.batch = batch * ranks.size();
            RunInputs inputs = bench_digits(16, "all", device);
            inputs.ranks = &ranks;
            auto trainer = std::make_shared<GeneratorTrainer>(config, inputs);
            return [trainer] { trainer->step(); };
          }};
}

void print_step(const Step& step, const Settings& settings, Comm& ranks) {
  const auto alone = step.prepare(local_comm());
  const auto together = step.prepare(ranks);
  const auto several = [&](const std::function<void()>& one) {
    return [&] {
      for (int i = 0; i < settings.steps; ++i) one();
    };
  };
  alone();
  together();
  const CommStats before = ranks.stats();
  std::vector<double> without;
  std::vector<double> with;
  for (int round = 0; round < settings.rounds; ++round) {  // in turn: machines drift
    without.push_back(seconds_of(several(alone), ranks) / settings.steps);
    with.push_back(seconds_of(several(together), ranks) / settings.steps);
  }
  const CommStats after = ranks.stats();
  const auto count = static_cast<double>(settings.rounds) * settings.steps;
  const double busy = (after.busy_seconds - before.busy_seconds) / count;
  const double waited = (after.waited_seconds - before.waited_seconds) / count;
  const Timing t0 = summarise(without);
  const Timing t1 = summarise(with);
  fmt::print(std::cout, "{}: {} images on each rank, n = {} rounds of {} steps\n", step.name,
             settings.batch, settings.rounds, settings.steps);
  fmt::print(std::cout, "  step alone       {:.1f} ms ({:.1f} to {:.1f})\n", 1e3 * t0.median,
             1e3 * t0.min, 1e3 * t0.max);
  fmt::print(std::cout, "  step together    {:.1f} ms ({:.1f} to {:.1f}), efficiency {:.1f}%\n",
             1e3 * t1.median, 1e3 * t1.min, 1e3 * t1.max, 100 * t0.median / t1.median);
  fmt::print(std::cout, "  all-reduce       {:.2f} MB a step in {:.1f} parts\n",
             static_cast<double>(after.bytes - before.bytes) / count / 1e6,
             static_cast<double>(after.all_reduces - before.all_reduces) / count);
  if (busy > 0) {
    fmt::print(
        std::cout,
        "  under way        {:.2f} ms a step, of which backward waited for {:.2f} ms: {:.0f}% "
        "hidden\n",
        1e3 * busy, 1e3 * waited, 100 * std::clamp(1 - waited / busy, 0.0, 1.0));
  }
  std::cout.flush();
}

}  // namespace

int bench_comm(const std::vector<std::string>& arguments, Ranks& ranks) {
  CLI::App app("Times all-reduce, and what is left of it beside backward.", "scimix_bench comm");
  Settings settings;
  app.add_option("--device", settings.device, "auto, cpu, cuda")->capture_default_str();
  app.add_option("--batch", settings.batch, "images on each rank")->capture_default_str();
  app.add_option("--rounds", settings.rounds, "measurements of each kind, in turn")
      ->capture_default_str();
  app.add_option("--steps", settings.steps, "steps of a measurement")->capture_default_str();
  if (const auto done = parse(app, arguments)) return *done;
  if (settings.batch < 1 || settings.rounds < 1 || settings.steps < 1) {
    user_error("--batch, --rounds and --steps: expected at least 1");
  }
  const Device device = ranks.device(settings.device);
  select_device(device);
  Comm& comm = ranks.comm(device, settings.timeout);
  fmt::print(std::cout, "{} ranks, f32, each on {}\n", comm.size(), describe(device));
  if (comm.is_alone()) {
    fmt::print(std::cout, "one rank sends nothing: start it as mpirun -np 2 scimix_bench comm\n");
    return 0;
  }
  print_bandwidth(device, settings, comm);
  print_step(supervised(settings.batch, device), settings, comm);
  print_step(generator(settings.batch, device), settings, comm);
  return 0;
}

}  // namespace scimix

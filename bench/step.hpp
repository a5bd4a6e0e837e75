// Registers training steps for the benchmark:
//
//   const BenchSteps registered{[] {
//     return std::vector{BenchStep{.name = "wrn-28-2 step", .label = "batch 32", .images = 32,
//                                  .prepare = [](Device device, DType dtype) {
//                                    auto trainer = std::make_shared<...>(device, dtype);
//                                    return [trainer](int n) { trainer->steps(n); };
//                                  }}};
//   }};
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/device.hpp"
#include "core/dtype.hpp"

namespace scimix {

// A set of cases that run together.
enum class Suite : std::uint8_t {
  standard,  // operators and some training steps in sizes for a CPU
  cpu,       // the training steps that bench/compare_pytorch.py compares on a CPU
  cpu_tiny,  // the cases of cpu with small batches and narrow networks, to check that they run
  gpu,       // sizes that fill a GPU
  gpu_tiny,  // the cases of gpu with small batches and narrow networks, to check that they run
};

struct BenchStep {
  std::string name;
  std::string label;
  std::int64_t images = 0;  // per call; 0: the case is a part of a step without images
  double flops = 0;         // per call; 0: on a CPU those of its convolutions are counted
  double bytes = 0;         // per call; 0: unknown
  Suite suite = Suite::standard;
  // The number of calls in a sample is a multiple of `cycle`. They are queued without waiting for
  // the device in between, as in training. With 16, every sample has the same fraction of steps
  // with R1, which occurs in every 16th step.
  int cycle = 1;
  // Sets up the case and returns a function that makes `calls` calls. Several training steps may be
  // replayed as one graph.
  std::function<std::function<void(int calls)>(Device, DType)> prepare = {};
};

// Returns a function for BenchStep::prepare that calls `step` the given number of times.
[[nodiscard]] inline std::function<void(int)> one_by_one(std::function<void()> step) {
  return [step = std::move(step)](int calls) {
    for (int i = 0; i < calls; ++i) step();
  };
}

// Adds steps to the registry when an object is constructed. Such objects must be in CMake OBJECT
// libraries, from which the linker removes nothing.
class BenchSteps {
 public:
  explicit BenchSteps(const std::function<std::vector<BenchStep>()>& make);
};

// Returns all registered steps.
[[nodiscard]] const std::vector<BenchStep>& all_bench_steps();

}  // namespace scimix

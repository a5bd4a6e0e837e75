// How a whole training step registers for the benchmark, beside the operators:
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

// The cases that run together.
enum class Suite : std::uint8_t {
  standard,  // for a CPU
  gpu,       // sizes that fill a GPU
  gpu_tiny,  // the same with small batches and narrow networks: does it run?
};

struct BenchStep {
  std::string name;
  std::string label;
  std::int64_t images = 0;  // per call; 0: a part of a step, without any
  double flops = 0;         // per call; 0 if nobody counted
  double bytes = 0;         // likewise
  Suite suite = Suite::standard;
  // A sample is a multiple of so many calls, queued without waiting for the device in between, as
  // in training. What happens every 16th step alone (R1) then has its share in each.
  int cycle = 1;
  // Sets everything up and returns what makes so many calls. Training steps may be replayed several
  // at once.
  std::function<std::function<void(int calls)>(Device, DType)> prepare = {};
};

// For a step that is called one at a time.
[[nodiscard]] inline std::function<void(int)> one_by_one(std::function<void()> step) {
  return [step = std::move(step)](int calls) {
    for (int i = 0; i < calls; ++i) step();
  };
}

// Appends to the registry when constructed; OBJECT libraries keep these alive.
class BenchSteps {
 public:
  explicit BenchSteps(const std::function<std::vector<BenchStep>()>& make);
};

[[nodiscard]] const std::vector<BenchStep>& all_bench_steps();

}  // namespace scimix

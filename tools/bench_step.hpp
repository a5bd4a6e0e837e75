// How a whole training step registers for the benchmark, beside the operators:
//
//   const BenchSteps registered{[] {
//     return std::vector{BenchStep{.name = "wrn-28-2 step", .label = "batch 32", .images = 32,
//                                  .prepare = [](Device device, DType dtype) {
//                                    auto trainer = std::make_shared<...>(device, dtype);
//                                    return [trainer] { trainer->step(); };
//                                  }}};
//   }};
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/dtype.hpp"

namespace scimix {

struct BenchStep {
  std::string name;
  std::string label;
  std::int64_t images = 0;  // per call
  double flops = 0;         // per call; 0 if nobody counted
  // Sets everything up and returns the step that is timed.
  std::function<std::function<void()>(Device, DType)> prepare = {};
};

// Appends to the registry when constructed; OBJECT libraries keep these alive.
class BenchSteps {
 public:
  explicit BenchSteps(const std::function<std::vector<BenchStep>()>& make);
};

[[nodiscard]] const std::vector<BenchStep>& all_bench_steps();

}  // namespace scimix

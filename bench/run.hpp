// Times operators and training steps.
#pragma once

#include <string>
#include <vector>

#include "bench/step.hpp"
#include "bench/timer.hpp"
#include "cases/op_case.hpp"

namespace scimix {

struct BenchSettings {
  Device device = kCpu;
  DType dtype = DType::f32;
  bool tf32 = false;      // f32 products may round their inputs (kernels/machine/tf32.hpp)
  double min_time = 0.2;  // seconds for each measurement
  Suite suite = Suite::standard;

  // "f32", "tf32" or "bf16".
  [[nodiscard]] std::string precision() const;
};

struct BenchResult {
  std::string name;
  std::string label;
  std::string pass;  // forward, backward or step
  Timing timing = {};
  // Of one call by the direct method, 0 where the case states none. A convolution by Winograd's
  // method does fewer, so that its rate may exceed the peak.
  double flops = 0;
  // Of one call, at the least: each input and output once. The backward pass reads the cotangents
  // and the inputs, and writes the gradients.
  double bytes = 0;
  std::int64_t images = 0;    // of one call, for steps
  std::int64_t launches = 0;  // of one call, for steps: kernels, library calls, copies, fills
  double peak_memory = 0;     // bytes of the whole process on the host while it ran, for steps
};

// Forward, and backward where the operator has one: its vjp for all inputs that are differentiable.
// A backward pass counts the forward's flops once for each of those with as many axes as the one
// with the most, which is exact for convolutions and matrix products: the factors of a product have
// equally many, while a bias or a style has fewer and costs a pass over the gradient.
[[nodiscard]] std::vector<BenchResult> time_operator(const OpCase& c,
                                                     const BenchSettings& settings);

[[nodiscard]] BenchResult time_step(const BenchStep& step, const BenchSettings& settings);

}  // namespace scimix

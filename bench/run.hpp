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

  // Returns "f32", "tf32" or "bf16".
  [[nodiscard]] std::string precision() const;
};

struct BenchResult {
  std::string name;
  std::string label;
  std::string pass;  // forward, backward or step
  Timing timing = {};
  // Operations of one call by the direct method; 0 if the case states none. A convolution by
  // Winograd's method needs fewer operations, so its rate may exceed the peak.
  double flops = 0;
  // Smallest memory traffic of one call: each input and output once. The backward pass reads the
  // cotangents and those inputs on which the gradients depend, and writes the gradients. Results
  // that are a view of something else are not written; a call that writes nothing has 0.
  double bytes = 0;
  // Only for steps:
  std::int64_t images = 0;    // images of one call
  std::int64_t launches = 0;  // launches of one call: kernels, library calls, copies, fills
  double peak_memory = 0;     // bytes: see peak_memory.hpp
};

// Times the forward pass and, if the operator has a derivative, the backward pass: its vjp for all
// differentiable inputs. The flops of a backward pass are the flops of the forward pass times the
// number of differentiable inputs with the largest number of axes. This is exact for convolutions
// and matrix products, whose factors have equally many axes; a bias or a style has fewer axes and
// costs only a pass over the gradient.
[[nodiscard]] std::vector<BenchResult> time_operator(const OpCase& c,
                                                     const BenchSettings& settings);

// Times a training step.
[[nodiscard]] BenchResult time_step(const BenchStep& step, const BenchSettings& settings);

}  // namespace scimix

// The machine's own limits, measured.
#pragma once

#include "core/device.hpp"
#include "core/dtype.hpp"

namespace scimix {

struct Peaks {
  double fma = 0;        // flop/s of f32 multiply-adds, without memory traffic
  double matrix = 0;     // flop/s of a large matrix product in the benchmark's element type
  double bandwidth = 0;  // bytes/s of STREAM's triad over arrays far larger than the caches
  double copy = 0;       // bytes/s, read and written, of a plain copy of such an array

  // What an operator's flops are compared with: a GPU's matrix units beat its multiply-adds.
  [[nodiscard]] double flops() const { return fma > matrix ? fma : matrix; }
  // What an operator's bytes are compared with: a copy is what a GPU does best, while on a CPU one
  // thread does it.
  [[nodiscard]] double memory() const { return bandwidth > copy ? bandwidth : copy; }
};

// Takes four times `min_time` seconds, or half a second each. The best of the samples counts: a
// peak is a maximum.
[[nodiscard]] Peaks measure_peaks(Device device, DType dtype, double min_time);

}  // namespace scimix

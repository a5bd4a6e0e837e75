// Measures the peak rates of the machine.
#pragma once

#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/dtype.hpp"

namespace scimix {

// What the cores of the CPU can do at best in one kind of work (kernels/machine/cpu_work.hpp).
struct CpuRate {
  std::string name;
  std::string unit;     // "flop/s" or "B/s"
  double one_core = 0;  // with one thread
  double all = 0;       // with all threads
};

struct Peaks {
  double fma = 0;  // flop/s of f32 multiply-adds, with the widest vectors, without memory traffic
  double matrix = 0;     // flop/s of a large matrix product in the benchmark's element type
  double bandwidth = 0;  // bytes/s of STREAM's triad over arrays far larger than the caches
  double copy = 0;       // bytes/s, read and written, of a plain copy of such an array
  std::vector<CpuRate> cpu = {};  // of a CPU: by width of vector registers and by cache

  // Returns the flop/s with which operators are compared: the larger rate, because a GPU's matrix
  // units are faster than its multiply-adds.
  [[nodiscard]] double flops() const { return fma > matrix ? fma : matrix; }
  // Returns the bytes/s with which operators are compared: the larger rate. On a GPU that is the
  // copy; on a CPU a copy uses only one thread.
  [[nodiscard]] double memory() const { return bandwidth > copy ? bandwidth : copy; }
};

// Measures all four rates, each for `min_time` seconds, but at least half a second. The best sample
// counts, because a peak is a maximum. On a CPU, also measures the rates of cpu_works(), each for a
// quarter of that time. With `tiny` it does the same with small arrays and without
// that minimum, which shows only that it runs: for suites of that kind.
[[nodiscard]] Peaks measure_peaks(Device device, DType dtype, double min_time, bool tiny);

}  // namespace scimix

#include "bench/peak.hpp"

#include <algorithm>

#include "autograd/ops.hpp"
#include "bench/timer.hpp"
#include "core/tensor.hpp"
#include "core/threads.hpp"
#include "kernels/image/noise.hpp"
#include "kernels/machine/cpu_work.hpp"
#include "kernels/machine/peak.hpp"

namespace scimix {

namespace {

// Sizes of what is measured.
struct Sizes {
  std::int64_t fma_elements = 0;
  int fma_rounds = 0;
  std::int64_t matrix = 0;  // rows and columns
  std::int64_t copy_bytes = 0;
  std::int64_t triad_elements = 0;  // of each of its three arrays
};

constexpr Sizes kForCpu{1 << 18, 64, 1024, 1 << 27, 1 << 25};
constexpr Sizes kForGpu{1 << 22, 512, 8192, 1 << 30, 1 << 28};
constexpr Sizes kTiny{1 << 10, 4, 32, 1 << 12, 1 << 10};

double measure_fma(Device device, const Sizes& sizes, double min_time) {
  Tensor out = Tensor::empty({sizes.fma_elements}, DType::f32, device);
  const Timing t =
      time_calls([&] { fused_multiply_adds(sizes.fma_rounds, out); }, device, min_time);
  return 2.0 * kChainsPerElement * sizes.fma_rounds * static_cast<double>(sizes.fma_elements) /
         t.min;
}

double measure_matrix(Device device, const Sizes& sizes, DType dtype, double min_time) {
  const std::int64_t n = sizes.matrix;
  // Random numbers: a GPU multiplies zeros faster than anything else, for want of bits to switch.
  Tensor numbers = Tensor::empty({n, n}, dtype, device);
  normal_noise(Tensor::zeros({1}, DType::i32, device), {}, numbers);
  const Variable a(numbers);
  const Timing t = time_calls([&] { static_cast<void>(matmul(a, a)); }, device, min_time);
  const auto size = static_cast<double>(n);
  return 2 * size * size * size / t.min;
}

double measure_copy(Device device, const Sizes& sizes, double min_time) {
  const std::int64_t bytes = sizes.copy_bytes;
  const Tensor from = Tensor::zeros({bytes}, DType::u8, device);
  Tensor to = Tensor::zeros({bytes}, DType::u8, device);
  const auto size = static_cast<std::size_t>(bytes);
  const Timing t =
      time_calls([&] { copy_bytes(device, to.raw(), from.raw(), size); }, device, min_time);
  return 2.0 * static_cast<double>(bytes) / t.min;
}

double measure_bandwidth(Device device, const Sizes& sizes, double min_time) {
  const std::int64_t n = sizes.triad_elements;
  const Tensor a = Tensor::zeros({n}, DType::f32, device);
  const Tensor b = Tensor::zeros({n}, DType::f32, device);
  Tensor out = Tensor::zeros({n}, DType::f32, device);
  const Timing t = time_calls([&] { stream_triad(a, b, out); }, device, min_time);
  return 12.0 * static_cast<double>(n) / t.min;
}

CpuRate measure_rate(const CpuWork& work, double min_time) {
  const auto best = [&](int threads) {
    return threads * work.amount / time_calls([&] { work.run(threads); }, kCpu, min_time).min;
  };
  return {.name = work.name,
          .unit = work.unit == CpuWork::Unit::flops ? "flop/s" : "B/s",
          .one_core = best(1),
          .all = best(thread_count())};
}

}  // namespace

Peaks measure_peaks(Device device, DType dtype, double min_time, bool tiny) {
  const Sizes& sizes = tiny ? kTiny : device.is_cpu() ? kForCpu : kForGpu;
  // Half a second at least: on a busy machine the best sample is a lucky one.
  const double time = tiny ? min_time : std::max(min_time, 0.5);
  // On a CPU, the multiply-adds are among the rates by width below.
  Peaks peaks{.fma = device.is_cpu() ? 0 : measure_fma(device, sizes, time),
              .matrix = measure_matrix(device, sizes, dtype, time),
              .bandwidth = measure_bandwidth(device, sizes, time),
              .copy = measure_copy(device, sizes, time)};
  if (device.is_cpu()) {
    for (const CpuWork& work : cpu_works()) {
      peaks.cpu.push_back(measure_rate(work, time / 4));
      if (work.unit == CpuWork::Unit::flops) peaks.fma = std::max(peaks.fma, peaks.cpu.back().all);
    }
  }
  release_cached(device);
  return peaks;
}

}  // namespace scimix

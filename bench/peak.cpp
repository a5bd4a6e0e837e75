#include "bench/peak.hpp"

#include <algorithm>

#include "autograd/ops.hpp"
#include "bench/timer.hpp"
#include "core/tensor.hpp"
#include "kernels/image/noise.hpp"
#include "kernels/machine/peak.hpp"

namespace scimix {

namespace {

double measure_fma(Device device, double min_time) {
  const std::int64_t elements = device.is_cpu() ? 1 << 18 : 1 << 22;
  const int rounds = device.is_cpu() ? 64 : 512;
  Tensor out = Tensor::empty({elements}, DType::f32, device);
  const Timing t = time_calls([&] { fused_multiply_adds(rounds, out); }, device, min_time);
  return 2.0 * kChainsPerElement * rounds * static_cast<double>(elements) / t.min;
}

double measure_matrix(Device device, DType dtype, double min_time) {
  const std::int64_t n = device.is_cpu() ? 1024 : 8192;
  // Random numbers: a GPU multiplies zeros faster than anything else, for want of bits to switch.
  Tensor numbers = Tensor::empty({n, n}, dtype, device);
  normal_noise(Tensor::zeros({1}, DType::i32, device), {}, numbers);
  const Variable a(numbers);
  const Timing t = time_calls([&] { static_cast<void>(matmul(a, a)); }, device, min_time);
  const auto size = static_cast<double>(n);
  return 2 * size * size * size / t.min;
}

double measure_copy(Device device, double min_time) {
  const std::int64_t bytes = device.is_cpu() ? 1 << 27 : 1 << 30;  // as the triad's arrays
  const Tensor from = Tensor::zeros({bytes}, DType::u8, device);
  Tensor to = Tensor::zeros({bytes}, DType::u8, device);
  const auto size = static_cast<std::size_t>(bytes);
  const Timing t =
      time_calls([&] { copy_bytes(device, to.raw(), from.raw(), size); }, device, min_time);
  return 2.0 * static_cast<double>(bytes) / t.min;
}

double measure_bandwidth(Device device, double min_time) {
  const std::int64_t n = device.is_cpu() ? 1 << 25 : 1 << 28;  // 128 MiB, 1 GiB
  const Tensor a = Tensor::zeros({n}, DType::f32, device);
  const Tensor b = Tensor::zeros({n}, DType::f32, device);
  Tensor out = Tensor::zeros({n}, DType::f32, device);
  const Timing t = time_calls([&] { stream_triad(a, b, out); }, device, min_time);
  return 12.0 * static_cast<double>(n) / t.min;
}

}  // namespace

Peaks measure_peaks(Device device, DType dtype, double min_time) {
  // Half a second at least: on a busy machine the best sample is a lucky one.
  const double time = std::max(min_time, 0.5);
  const Peaks peaks{.fma = measure_fma(device, time),
                    .matrix = measure_matrix(device, dtype, time),
                    .bandwidth = measure_bandwidth(device, time),
                    .copy = measure_copy(device, time)};
  release_cached(device);
  return peaks;
}

}  // namespace scimix

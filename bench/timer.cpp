#include "bench/timer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/error.hpp"

namespace scimix {

double seconds_of(int calls, const std::function<void(int)>& make_calls, Device device) {
  const auto start = std::chrono::steady_clock::now();
  make_calls(calls);
  synchronize(device);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Timing summarise(std::vector<double> seconds) {
  SCIMIX_CHECK(!seconds.empty(), "a timing without samples");
  std::sort(seconds.begin(), seconds.end());
  const std::size_t n = seconds.size();
  return {.n = static_cast<int>(n),
          .min = seconds.front(),
          .median = (seconds[(n - 1) / 2] + seconds[n / 2]) / 2,
          .max = seconds.back()};
}

Timing time_calls(const std::function<void()>& call, Device device, double min_time, int cycle) {
  const auto make_calls = [&](int calls) {
    for (int i = 0; i < calls; ++i) call();
  };
  return time_many(make_calls, device, min_time, cycle);
}

Timing time_many(const std::function<void(int)>& make_calls, Device device, double min_time,
                 int cycle) {
  SCIMIX_CHECK(cycle >= 1, "a cycle of ", cycle, " calls");
  constexpr double kSample = 1e-3;
  constexpr int kLeastSamples = 5;
  constexpr int kMostCalls = 10'000;
  // A cycle of several calls has calls of several kinds, which settle one after another.
  for (int i = 0; i < (cycle > 1 ? 3 : 1); ++i) {
    static_cast<void>(seconds_of(cycle, make_calls, device));
  }
  const double once = seconds_of(cycle, make_calls, device);
  const int cycles = static_cast<int>(
      std::clamp(std::ceil(kSample / std::max(once, 1e-9)), 1.0, 1.0 * kMostCalls));
  const int calls = cycles * cycle;
  std::vector<double> samples;
  double total = 0;
  while (std::ssize(samples) < kLeastSamples || total < min_time) {
    const double sample = seconds_of(calls, make_calls, device);
    total += sample;
    samples.push_back(sample / calls);
  }
  return summarise(std::move(samples));
}

}  // namespace scimix

#include "tools/bench_report.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <nlohmann/json.hpp>

namespace scimix {

namespace {

constexpr double kGiga = 1e9;
constexpr double kMilli = 1e-3;

double per_second(double amount, const BenchResult& result) {
  return amount / result.timing.median;
}

// "123.4 ( 56%)", or dashes where nothing was counted.
std::string with_share(double rate, double peak) {
  if (rate <= 0 || peak <= 0) return fmt::format("{:>8} {:>5}", "-", "");
  return fmt::format("{:>8.1f} {:>4.0f}%", rate / kGiga, 100 * rate / peak);
}

nlohmann::ordered_json as_json(const BenchResult& result, const Peaks& peaks) {
  nlohmann::ordered_json out{{"name", result.name},        {"label", result.label},
                             {"pass", result.pass},        {"n", result.timing.n},
                             {"min_s", result.timing.min}, {"median_s", result.timing.median},
                             {"max_s", result.timing.max}};
  const auto add_rate = [&](const char* amount_name, const char* rate_name, const char* share_name,
                            double amount, double peak) {
    if (amount <= 0) return;
    out[amount_name] = amount;
    out[rate_name] = per_second(amount, result);
    if (peak > 0) out[share_name] = per_second(amount, result) / peak;
  };
  add_rate("flops", "flops_per_s", "share_of_peak_flops", result.flops, peaks.flops());
  add_rate("bytes", "bytes_per_s", "share_of_peak_bandwidth", result.bytes, peaks.bandwidth);
  if (result.images > 0) {
    out["images"] = result.images;
    out["images_per_s"] = per_second(static_cast<double>(result.images), result);
    out["peak_memory_bytes"] = result.peak_memory;
  }
  return out;
}

}  // namespace

std::string bench_header(const BenchSettings& settings, const Peaks& peaks) {
  return fmt::format(
      "{}, {}\n"
      "measured peaks: {:.1f} GFLOP/s multiply-adds (f32), {:.1f} GFLOP/s matrix product ({}), "
      "{:.1f} GB/s triad (what fits a cache may exceed it)\n"
      "{:<56} {:<8} {:>4} {:>10} {:>21} {:>14} {:>14}\n",
      describe(settings.device), name_of(settings.dtype), peaks.fma / kGiga, peaks.matrix / kGiga,
      name_of(settings.dtype), peaks.bandwidth / kGiga, "case", "pass", "n", "median ms",
      "min..max ms", "GFLOP/s  peak", "GB/s  peak");
}

std::string bench_line(const BenchResult& result, const Peaks& peaks) {
  const Timing& t = result.timing;
  std::string line = fmt::format(
      "{:<56} {:<8} {:>4} {:>10.3f} {:>21} {} {}", result.name + ": " + result.label, result.pass,
      t.n, t.median / kMilli, fmt::format("{:.3f}..{:.3f}", t.min / kMilli, t.max / kMilli),
      with_share(per_second(result.flops, result), peaks.flops()),
      with_share(per_second(result.bytes, result), peaks.bandwidth));
  if (result.images > 0) {
    line +=
        fmt::format(" {:>8.1f} images/s", per_second(static_cast<double>(result.images), result));
  }
  return line + "\n";
}

std::string bench_json(const BenchSettings& settings, const Peaks& peaks,
                       std::span<const BenchResult> results) {
  nlohmann::ordered_json out{{"device", describe(settings.device)},
                             {"threads", omp_get_max_threads()},
                             {"dtype", name_of(settings.dtype)},
                             {"min_time_s", settings.min_time},
                             {"peak",
                              {{"fma_flops_per_s", peaks.fma},
                               {"matrix_flops_per_s", peaks.matrix},
                               {"bandwidth_bytes_per_s", peaks.bandwidth}}},
                             {"results", nlohmann::ordered_json::array()}};
  for (const BenchResult& result : results) out["results"].push_back(as_json(result, peaks));
  return out.dump(2) + "\n";
}

}  // namespace scimix

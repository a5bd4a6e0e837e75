#include "bench/report.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <nlohmann/json.hpp>

#include "bench/suite.hpp"
#include "kernels/machine/versions.hpp"

namespace scimix {

namespace {

constexpr double kGiga = 1e9;
constexpr double kTera = 1e12;
constexpr double kMilli = 1e-3;

double per_second(double amount, const BenchResult& result) {
  return amount / result.timing.median;
}

// A rate in readable numbers.
struct Unit {
  double one = kGiga;
  char prefix = 'G';
};

Unit flops_unit(const Peaks& peaks) {
  if (peaks.flops() < 10 * kTera) return {};
  return {.one = kTera, .prefix = 'T'};
}

// "123.4  56%", or dashes where nothing was counted.
std::string with_share(double rate, double peak, double one) {
  if (rate <= 0 || peak <= 0) return fmt::format("{:>8} {:>5}", "-", "");
  return fmt::format("{:>8.1f} {:>4.0f}%", rate / one, 100 * rate / peak);
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
  add_rate("bytes", "bytes_per_s", "share_of_peak_bandwidth", result.bytes, peaks.memory());
  if (result.images > 0) {
    out["images"] = result.images;
    out["images_per_s"] = per_second(static_cast<double>(result.images), result);
    out["launches"] = result.launches;
    out["peak_memory_bytes"] = result.peak_memory;
  }
  return out;
}

// The libraries of the device, and the compiler of this program.
std::vector<LibraryVersion> all_versions(Device device) {
  std::vector<LibraryVersion> all = library_versions(device);
#ifdef __clang__
  all.push_back({"compiler", __VERSION__});
#else
  all.push_back({"compiler", "g++ " __VERSION__});
#endif
#ifdef NDEBUG
  all.push_back({"build", "release"});
#else
  all.push_back({"build", "with assertions"});
#endif
  return all;
}

nlohmann::ordered_json as_json(std::span<const CpuRate> rates) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const CpuRate& rate : rates) {
    out.push_back({{"name", rate.name},
                   {"unit", rate.unit},
                   {"one_thread", rate.one_core},
                   {"all_threads", rate.all}});
  }
  return out;
}

nlohmann::ordered_json machine_json(const BenchSettings& settings) {
  nlohmann::ordered_json versions = nlohmann::ordered_json::object();
  for (const LibraryVersion& library : all_versions(settings.device)) {
    versions[library.name] = library.version;
  }
  return {{"device", describe(settings.device)},
          {"versions", std::move(versions)},
          {"threads", omp_get_max_threads()},
          {"suite", name_of(settings.suite)},
          {"dtype", settings.precision()}};
}

// "12.3 (45%)" for a cell of a table.
std::string cell_with_share(double rate, double peak, double one) {
  if (rate <= 0 || peak <= 0) return "–";
  const double value = rate / one;
  const std::string digits =
      value < 100 ? fmt::format("{:.3g}", value) : fmt::format("{:.0f}", value);
  return fmt::format("{} ({:.0f}%)", digits, 100 * rate / peak);
}

std::string markdown_row(const BenchResult& result, const Peaks& peaks) {
  const Timing& t = result.timing;
  const Unit unit = flops_unit(peaks);
  const std::string times = fmt::format("{:.4g} | {:.4g} to {:.4g} | {}", t.median / kMilli,
                                        t.min / kMilli, t.max / kMilli, t.n);
  const std::string flops =
      cell_with_share(per_second(result.flops, result), peaks.flops(), unit.one);
  if (result.images > 0) {
    return fmt::format("| {}: {} | {} | {:.0f} | {} | {} |\n", result.name, result.label, times,
                       per_second(static_cast<double>(result.images), result), flops,
                       result.launches);
  }
  return fmt::format("| {}: {} | {} | {} | {} | {} |\n", result.name, result.label, result.pass,
                     times, flops,
                     cell_with_share(per_second(result.bytes, result), peaks.memory(), kGiga));
}

// The rows that `chosen` takes, below their head; nothing where it takes none.
template <class Chosen>
std::string markdown_table(const std::string& head, std::span<const BenchResult> results,
                           const Peaks& peaks, Chosen chosen) {
  std::string rows;
  for (const BenchResult& result : results) {
    if (chosen(result)) rows += markdown_row(result, peaks);
  }
  return rows.empty() ? rows : "\n" + head + rows;
}

// A line for each rate of the CPU.
std::string cpu_lines(std::span<const CpuRate> rates) {
  std::string out;
  for (const CpuRate& rate : rates) {
    out += fmt::format("  {:<40} {:>8.1f} G{} with one thread, {:>8.1f} with all\n", rate.name,
                       rate.one_core / kGiga, rate.unit, rate.all / kGiga);
  }
  return out;
}

}  // namespace

std::string bench_header(const BenchSettings& settings, const Peaks& peaks) {
  const Unit unit = flops_unit(peaks);
  return fmt::format(
      "{}, {}\n"
      "measured peaks: {:.1f} {}FLOP/s multiply-adds (f32), {:.1f} {}FLOP/s matrix product ({}), "
      "{:.1f} GB/s triad, {:.1f} GB/s copy (what fits a cache may exceed them)\n"
      "{}"
      "{:<56} {:<8} {:>4} {:>10} {:>21} {:>14} {:>14}\n",
      describe(settings.device), settings.precision(), peaks.fma / unit.one, unit.prefix,
      peaks.matrix / unit.one, unit.prefix, settings.precision(), peaks.bandwidth / kGiga,
      peaks.copy / kGiga, cpu_lines(peaks.cpu), "case", "pass", "n", "median ms", "min..max ms",
      fmt::format("{}FLOP/s  peak", unit.prefix), "GB/s  peak");
}

std::string bench_line(const BenchResult& result, const Peaks& peaks) {
  const Timing& t = result.timing;
  std::string line = fmt::format(
      "{:<56} {:<8} {:>4} {:>10.3f} {:>21} {} {}", result.name + ": " + result.label, result.pass,
      t.n, t.median / kMilli, fmt::format("{:.3f}..{:.3f}", t.min / kMilli, t.max / kMilli),
      with_share(per_second(result.flops, result), peaks.flops(), flops_unit(peaks).one),
      with_share(per_second(result.bytes, result), peaks.memory(), kGiga));
  if (result.images > 0) {
    line +=
        fmt::format(" {:>8.1f} images/s", per_second(static_cast<double>(result.images), result));
  }
  return line + "\n";
}

std::string bench_machine_json(const BenchSettings& settings) {
  return machine_json(settings).dump();
}

std::string bench_json(const BenchSettings& settings, const Peaks& peaks,
                       std::span<const BenchResult> results) {
  nlohmann::ordered_json out = machine_json(settings);
  out["min_time_s"] = settings.min_time;
  out["peak"] = {{"fma_flops_per_s", peaks.fma},
                 {"matrix_flops_per_s", peaks.matrix},
                 {"bandwidth_bytes_per_s", peaks.bandwidth},
                 {"copy_bytes_per_s", peaks.copy},
                 {"cpu", as_json(peaks.cpu)}};
  out["results"] = nlohmann::ordered_json::array();
  for (const BenchResult& result : results) out["results"].push_back(as_json(result, peaks));
  return out.dump(2) + "\n";
}

std::string bench_markdown(const BenchSettings& settings, const Peaks& peaks,
                           std::span<const BenchResult> results) {
  const char prefix = flops_unit(peaks).prefix;
  const double one = flops_unit(peaks).one;
  std::string out =
      fmt::format("# scimix_bench --suite {} --dtype {}\n\n{}", name_of(settings.suite),
                  settings.precision(), describe(settings.device));
  for (const LibraryVersion& library : all_versions(settings.device)) {
    out += fmt::format(", {} {}", library.name, library.version);
  }
  out += fmt::format(
      ". Peaks measured in the same run: {:.4g} {}FLOP/s matrix product ({}), {:.4g} {}FLOP/s "
      "multiply-adds (f32), {:.4g} GB/s copy, {:.4g} GB/s triad. n samples of at least {:g} s "
      "together; shares are of the best rate of arithmetic and of memory, and what fits a cache "
      "may "
      "exceed the latter.\n",
      peaks.matrix / one, prefix, settings.precision(), peaks.fma / one, prefix, peaks.copy / kGiga,
      peaks.bandwidth / kGiga, settings.min_time);
  out +=
      markdown_table("| step | ms, median | min to max | n | images/s | " + std::string(1, prefix) +
                         "FLOP/s | launches |\n| --- | --- | --- | --- | --- | --- | --- |\n",
                     results, peaks, [](const BenchResult& result) { return result.images > 0; });
  out +=
      markdown_table("| operator | pass | ms, median | min to max | n | " + std::string(1, prefix) +
                         "FLOP/s | GB/s |\n| --- | --- | --- | --- | --- | --- | --- |\n",
                     results, peaks, [](const BenchResult& result) { return result.images == 0; });
  return out;
}

}  // namespace scimix

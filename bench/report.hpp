// Formats the results of the benchmark.
#pragma once

#include <span>
#include <string>

#include "bench/peak.hpp"
#include "bench/run.hpp"

namespace scimix {

// Returns a line about the machine and its peak rates, and the head of the table.
[[nodiscard]] std::string bench_header(const BenchSettings& settings, const Peaks& peaks);

// Returns a line of the table: n, median (min..max), GFLOP/s (TFLOP/s if the peak is at least 10
// TFLOP/s) and GB/s, each also in percent of the peak rate (Peaks::flops, Peaks::memory).
[[nodiscard]] std::string bench_line(const BenchResult& result, const Peaks& peaks);

// Returns {"device": ..., "versions": {...}, "threads": ..., "suite": ..., "dtype": ...} on one
// line.
[[nodiscard]] std::string bench_machine_json(const BenchSettings& settings);

// Returns
// {"device": ..., "versions": {...}, "threads": ..., "suite": ..., "dtype": ..., "peak": {...},
// "results": [{...}, ...]}, in seconds, flop/s and bytes/s.
[[nodiscard]] std::string bench_json(const BenchSettings& settings, const Peaks& peaks,
                                     std::span<const BenchResult> results);

// Returns the results as Markdown: the machine and the versions of libraries, the peak rates, a
// table of the operators and a table of the steps.
[[nodiscard]] std::string bench_markdown(const BenchSettings& settings, const Peaks& peaks,
                                         std::span<const BenchResult> results);

}  // namespace scimix

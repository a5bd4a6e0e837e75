// What the benchmark prints and writes.
#pragma once

#include <span>
#include <string>

#include "bench/peak.hpp"
#include "bench/run.hpp"

namespace scimix {

// One line about the machine and its peaks, and the head of the table.
[[nodiscard]] std::string bench_header(const BenchSettings& settings, const Peaks& peaks);

// One line of the table: n, median (min..max), GFLOP/s (TFLOP/s beside peaks of a GPU) and GB/s
// with their shares of the peak: the best measured rate of arithmetic, and of memory.
[[nodiscard]] std::string bench_line(const BenchResult& result, const Peaks& peaks);

// {"device": ..., "versions": {...}, "threads": ..., "suite": ..., "dtype": ..., "peak": {...},
// "results": [{...}, ...]}; seconds, flop/s and bytes/s without prefixes.
[[nodiscard]] std::string bench_json(const BenchSettings& settings, const Peaks& peaks,
                                     std::span<const BenchResult> results);

// The same as a page of Markdown: what it was measured on and with, the peaks, a table of the
// operators and one of the steps.
[[nodiscard]] std::string bench_markdown(const BenchSettings& settings, const Peaks& peaks,
                                         std::span<const BenchResult> results);

}  // namespace scimix

// Writes metrics.jsonl: the numbers of a run, one JSON object per line.
//
//   {"step":100,"time":1767225600.25,"loss":1.25,"accuracy":0.41}
//
// `time` is in Unix seconds. NaN and infinity, which JSON cannot represent, are written as null.
// Every JSON reader accepts null, and table readers convert it to NaN, whereas a word would turn
// the whole column into text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/atomic_file.hpp"

namespace scimix {

// Named numbers in the order in which they are shown.
using Metrics = std::vector<std::pair<std::string, double>>;

// Returns the wall-clock time in seconds since 1970.
[[nodiscard]] double unix_seconds();

class MetricsLog {
 public:
  // Starts an empty log at `path`. The contents of an existing file are removed.
  static MetricsLog start(const std::filesystem::path& path);

  // Continues the log of a run that is resumed after `step`. Later records are removed (the file is
  // replaced atomically), because the run will write them again. A last line that is
  // incomplete, because the process was killed, is removed too. If the log is missing, starts an
  // empty one. Errors (user): any other line that is not a record; the message names the line.
  static MetricsLog resume(const std::filesystem::path& path, std::int64_t step);

  // Adds a record. It is in the file when this returns. Errors (user): a full disk; the file then
  // still holds all earlier records.
  void add(std::int64_t step, double time, const Metrics& metrics);

 private:
  explicit MetricsLog(AppendFile file) : file_(std::move(file)) {}

  AppendFile file_;
};

}  // namespace scimix

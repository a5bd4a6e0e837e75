// A cache on disk of the fastest execution plan for each convolution problem. Measuring plans takes
// a tenth of a second for each of a network's hundred convolutions, so later runs reuse the result.
//
// One file holds the plans for one device and one version of the library:
//   conv-plans-LIBRARY-VERSION-DEVICE.json   {"format": 1, "plans": {PROBLEM: PLAN, ...}}
// in $SCIMIX_CACHE_DIR, or else $XDG_CACHE_HOME/scimix, or else $HOME/.cache/scimix. With
// SCIMIX_CACHE_DIR=off nothing is kept. A run never needs the cache: without a readable file it
// measures again, and a file that cannot be written is only a warning.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace scimix {

// Returns the path that the environment variables above lead to; empty: plans are not kept.
// Characters other than letters, digits, dots and dashes become dashes.
[[nodiscard]] std::filesystem::path plan_cache_file(const std::string& library,
                                                    const std::string& version,
                                                    const std::string& device);

// Returns how many of the library's candidate plans are measured for each problem: 10, or
// $SCIMIX_PLAN_CANDIDATES. Fewer candidates shorten a first run by seconds or minutes, and may miss
// the fastest plan. Errors (user): not a number from 1 to 1000.
[[nodiscard]] int plan_candidates();

class PlanCache {
 public:
  // Reads the file. With an empty path, plans are only kept in memory.
  explicit PlanCache(std::filesystem::path file);

  [[nodiscard]] std::optional<std::string> find(const std::string& problem) const;
  // Writes the file, and keeps what other processes have added to it meanwhile.
  void store(const std::string& problem, const std::string& plan);

  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  using Plans = std::map<std::string, std::string>;
  [[nodiscard]] static Plans read(const std::filesystem::path& file);
  void write();

  std::filesystem::path file_;
  Plans plans_;
  bool warned_ = false;  // whether the warning that the file cannot be written was printed
};

}  // namespace scimix

// Which of a library's plans was the fastest for a problem, kept between runs: finding out takes a
// tenth of a second for each of a network's hundred convolutions.
//
// A file holds what was measured on one device with one version of the library:
//   conv-plans-LIBRARY-VERSION-DEVICE.json   {"format": 1, "plans": {PROBLEM: PLAN, ...}}
// in $SCIMIX_CACHE_DIR, or else $XDG_CACHE_HOME/scimix, or else $HOME/.cache/scimix. With
// SCIMIX_CACHE_DIR=off nothing is kept. A cache is never needed: a file that is missing, damaged or
// cannot be written costs time, not the run.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace scimix {

// Of the environment; empty: plans are not kept. Other characters than letters, digits, dots and
// dashes become dashes.
[[nodiscard]] std::filesystem::path plan_cache_file(const std::string& library,
                                                    const std::string& version,
                                                    const std::string& device);

class PlanCache {
 public:
  // Reads the file. An empty path: plans are remembered by this object alone.
  explicit PlanCache(std::filesystem::path file);

  [[nodiscard]] std::optional<std::string> find(const std::string& problem) const;
  // Writes the file, with what other processes have added to it meanwhile.
  void store(const std::string& problem, const std::string& plan);

  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  using Plans = std::map<std::string, std::string>;
  [[nodiscard]] static Plans read(const std::filesystem::path& file);
  void write();

  std::filesystem::path file_;
  Plans plans_;
  bool warned_ = false;  // that the file cannot be written: once is enough
};

}  // namespace scimix

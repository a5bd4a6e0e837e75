// The numbers of a run, read back from its metrics.jsonl.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace scimix {

// One named number over the steps of a run, in the order of the log.
struct Series {
  struct Point {
    std::int64_t step = 0;
    double value = 0.0;  // NaN where the log has null: the number was NaN or infinite
  };
  std::string name;
  std::vector<Point> points;
};

class RunHistory {
 public:
  // A missing file is an empty history. The last line may be half-written (a run that is killed or
  // still going) and is then left out. Errors (user): another line that is no record, with its
  // number.
  [[nodiscard]] static RunHistory read(const std::filesystem::path& metrics);

  [[nodiscard]] const std::vector<Series>& series() const { return series_; }
  // nullptr where nothing was logged under this name.
  [[nodiscard]] const Series* find(std::string_view name) const;

 private:
  void add(std::string_view name, Series::Point point);

  std::vector<Series> series_;  // in the order in which they first appear
};

// The values of the last `count` points that are numbers (fewer where there are no more).
[[nodiscard]] std::vector<double> last_values(const Series& series, std::size_t count);

// Their median: the middle one, or the mean of the middle two; NaN where there are none. With the
// accuracies of a run's evaluations and `count` 20 it is what FixMatch reports, "the median of the
// last 20 checkpoints" (Sohn et al. 2020, google-research/fixmatch).
[[nodiscard]] double median_of_last(const Series& series, std::size_t count);

// What a run reports besides its last evaluation: the median of its last 20 (never the best one),
// of fewer where there are no more. None where nothing was evaluated.
struct MedianAccuracy {
  double accuracy = 0.0;
  std::int64_t evaluations = 0;
};
[[nodiscard]] MedianAccuracy median_accuracy(const RunHistory& history);

}  // namespace scimix

// Reads the numbers of a run back from its metrics.jsonl.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace scimix {

// The values of one named number over the steps of a run, in the order of the log.
struct Series {
  struct Point {
    std::int64_t step = 0;
    double value = 0.0;  // NaN if the log has null, which stands for NaN and infinity
  };
  std::string name;
  std::vector<Point> points;
};

class RunHistory {
 public:
  // Reads a file. A missing file gives an empty history. An incomplete last line is ignored: the
  // run was killed or is still writing. Errors (user): any other line that is not a record; the
  // message names the line.
  [[nodiscard]] static RunHistory read(const std::filesystem::path& metrics);

  [[nodiscard]] const std::vector<Series>& series() const { return series_; }
  // Returns the series of this name, or nullptr if nothing was logged under it.
  [[nodiscard]] const Series* find(std::string_view name) const;

 private:
  void add(std::string_view name, Series::Point point);

  std::vector<Series> series_;  // in the order in which they first appear
};

// Returns the values of the last `count` points whose values are numbers, or of all such points if
// there are fewer.
[[nodiscard]] std::vector<double> last_values(const Series& series, std::size_t count);

// Returns the median of last_values: the middle value, or the mean of the middle two values; NaN if
// there are none. For the accuracies of a run's evaluations and `count` 20, this is the figure that
// FixMatch reports, "the median of the last 20 checkpoints" (Sohn et al. 2020,
// google-research/fixmatch).
[[nodiscard]] double median_of_last(const Series& series, std::size_t count);

// The median accuracy of a run's last 20 evaluations, or of all evaluations if there are fewer. A
// run reports the median together with the last accuracy, and never the best accuracy.
// `evaluations` is the number of evaluations in the median, 0 if there was none.
struct MedianAccuracy {
  double accuracy = 0.0;
  std::int64_t evaluations = 0;
};
// Computes it from the series test_accuracy.
[[nodiscard]] MedianAccuracy median_accuracy(const RunHistory& history);

}  // namespace scimix

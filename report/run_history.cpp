#include "report/run_history.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/file.hpp"

namespace scimix {

namespace {

using nlohmann::ordered_json;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Returns the record that a line holds, or null if it holds none.
ordered_json record_of(std::string_view line) {
  ordered_json record = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
  const bool good =
      record.is_object() && record.contains("step") && record["step"].is_number_integer();
  return good ? record : ordered_json();
}

}  // namespace

RunHistory RunHistory::read(const std::filesystem::path& metrics) {
  RunHistory history;
  if (path_kind(metrics) == PathKind::missing) return history;
  const auto bytes = read_file(metrics);
  std::string_view log(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (int number = 1; !log.empty(); ++number) {
    const std::size_t newline = log.find('\n');
    const ordered_json record = record_of(log.substr(0, newline));
    log.remove_prefix(newline == std::string_view::npos ? log.size() : newline + 1);
    if (record.is_null()) {
      if (log.empty()) break;
      user_error(metrics.string(), ":", number, ": is no record of a metrics log, expected a JSON ",
                 "object with an integer \"step\"");
    }
    const auto step = record["step"].get<std::int64_t>();
    for (const auto& [name, value] : record.items()) {
      if (name == "step" || name == "time") continue;
      if (value.is_number()) history.add(name, {step, value.get<double>()});
      if (value.is_null()) history.add(name, {step, kNan});
    }
  }
  return history;
}

const Series* RunHistory::find(std::string_view name) const {
  const auto it = std::find_if(series_.begin(), series_.end(),
                               [&](const Series& series) { return series.name == name; });
  return it == series_.end() ? nullptr : &*it;
}

void RunHistory::add(std::string_view name, Series::Point point) {
  auto it = std::find_if(series_.begin(), series_.end(),
                         [&](const Series& series) { return series.name == name; });
  if (it == series_.end()) it = series_.insert(it, Series{.name = std::string(name), .points = {}});
  it->points.push_back(point);
}

std::vector<double> last_values(const Series& series, std::size_t count) {
  std::vector<double> values;
  for (auto it = series.points.rbegin(); it != series.points.rend() && values.size() < count;
       ++it) {
    if (!std::isnan(it->value)) values.push_back(it->value);
  }
  std::reverse(values.begin(), values.end());
  return values;
}

double median_of_last(const Series& series, std::size_t count) {
  std::vector<double> values = last_values(series, count);
  if (values.empty()) return kNan;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

MedianAccuracy median_accuracy(const RunHistory& history) {
  constexpr std::size_t kEvaluations = 20;
  const Series* const accuracies = history.find("test_accuracy");
  if (accuracies == nullptr) return {};
  return {median_of_last(*accuracies, kEvaluations),
          std::ssize(last_values(*accuracies, kEvaluations))};
}

}  // namespace scimix

#include "report/metrics_log.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <system_error>

#include "core/error.hpp"
#include "data/file.hpp"

namespace scimix {
namespace {

using nlohmann::json;

// Returns the step of a record, or nothing if the line is no record.
std::optional<std::int64_t> step_of(std::string_view line) {
  const json record = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) return std::nullopt;
  const auto step = record.find("step");
  if (step == record.end() || !step->is_number_integer()) return std::nullopt;
  return step->get<std::int64_t>();
}

// Returns the records of `log` up to `last_step` unchanged, each with its newline.
std::string records_until(const std::string& path, std::string_view log, std::int64_t last_step) {
  std::string kept;
  for (int number = 1; !log.empty(); ++number) {
    const std::size_t newline = log.find('\n');
    const std::string_view line = log.substr(0, newline);
    const bool is_last = newline == std::string_view::npos || newline + 1 == log.size();
    log.remove_prefix(is_last ? log.size() : newline + 1);
    const auto step = step_of(line);
    if (!step && !is_last) {
      user_error(path, ":", number, ": is no record of a metrics log, expected a JSON object with ",
                 "an integer \"step\"");
    }
    if (step && *step <= last_step) kept.append(line).append("\n");
  }
  return kept;
}

}  // namespace

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

MetricsLog MetricsLog::start(const std::filesystem::path& path) {
  return MetricsLog(AppendFile(path, AppendFile::Start::empty));
}

MetricsLog MetricsLog::resume(const std::filesystem::path& path, std::int64_t step) {
  std::error_code unreadable;  // then opening the file reports why
  if (!std::filesystem::exists(path, unreadable)) return start(path);
  const auto bytes = read_file(path);
  const std::string_view log(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string kept = records_until(path.string(), log, step);
  if (kept != log) {
    AtomicFile file(path);
    file.write(kept);
    file.commit();
  }
  return MetricsLog(AppendFile(path, AppendFile::Start::keep));
}

void MetricsLog::add(std::int64_t step, double time, const Metrics& metrics) {
  nlohmann::ordered_json record{{"step", step}, {"time", time}};
  for (const auto& [name, value] : metrics) {
    SCIMIX_CHECK(!record.contains(name), "metric \"", name, "\" stands twice in one record");
    record[name] = value;  // the library writes NaN and infinity as null
  }
  file_.append(record.dump() + "\n");
}

}  // namespace scimix

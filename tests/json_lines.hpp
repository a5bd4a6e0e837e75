// Reads text that has a JSON value on each line, such as the metrics.jsonl of a run.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "temp_folder.hpp"

namespace scimix::test {

inline std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) values.push_back(nlohmann::json::parse(line));
  return values;
}

inline std::vector<nlohmann::json> metrics_of(const std::filesystem::path& run) {
  return json_lines(read_bytes(run / "metrics.jsonl"));
}

}  // namespace scimix::test

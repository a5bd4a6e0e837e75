// s_c and s_r of several ways to mix, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "trainers/transfer.hpp"

namespace scimix {

struct MethodTransfer {
  std::string method;
  Transfer transfer;
};

// A line for each method: both shares with their 95% intervals (Wilson).
void print_transfer(std::ostream& out, const std::vector<MethodTransfer>& methods,
                    std::int64_t classes);

// {"scimix": {"pairs": 4000, "s_c": {"share": 0.98, "low": 0.97, "high": 0.99}, "s_r": {...}}, ...}
[[nodiscard]] nlohmann::ordered_json transfer_json(const std::vector<MethodTransfer>& methods);

}  // namespace scimix

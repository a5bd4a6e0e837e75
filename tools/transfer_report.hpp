// s_c and s_r of several ways to mix, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "trainers/hybrid_diversity.hpp"
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

// What tells apart why a generator's hybrids miss the class of x_c.
struct TransferCauses {
  Transfer own;               // judged by the generator's own classifier C in place of the oracle
  double own_accuracy = 0.0;  // of C on the test images themselves
  double scene_probe = 0.0;   // class accuracy of a linear probe of z_r
  Diversity diversity;
};

// A line for each cause. `judged` is what the oracle saw in the same hybrids.
void print_causes(std::ostream& out, const TransferCauses& causes, const Transfer& judged,
                  std::int64_t classes);

[[nodiscard]] nlohmann::ordered_json causes_json(const TransferCauses& causes);

}  // namespace scimix

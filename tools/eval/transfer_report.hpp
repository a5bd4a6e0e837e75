// Reports s_c and s_r of several mixers as text and as JSON.
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

// Prints a line for each mixer: s_c and s_r with their 95% intervals (Wilson).
void print_transfer(std::ostream& out, const std::vector<MethodTransfer>& methods,
                    std::int64_t classes);

// Returns
// {"scimix": {"pairs": 4000, "s_c": {"share": 0.98, "low": 0.97, "high": 0.99}, "s_r": {...}}, ...}
[[nodiscard]] nlohmann::ordered_json transfer_json(const std::vector<MethodTransfer>& methods);

// Measurements that show why a generator's hybrids do not have the class of x_c.
struct TransferCauses {
  Transfer own;               // with the generator's own classifier C instead of the oracle
  double own_accuracy = 0.0;  // accuracy of C on the test images
  double scene_probe = 0.0;   // class accuracy of a linear probe on z_r
  Diversity diversity;
};

// Prints a line for each measurement. `judged` is the result of the oracle for the same hybrids.
void print_causes(std::ostream& out, const TransferCauses& causes, const Transfer& judged,
                  std::int64_t classes);

// Returns the measurements as JSON.
[[nodiscard]] nlohmann::ordered_json causes_json(const TransferCauses& causes);

}  // namespace scimix

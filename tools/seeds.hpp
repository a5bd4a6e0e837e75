// Several runs that differ in their seeds, and what they say together.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace scimix {

// "0,1,2". Errors (user): anything but whole numbers from 0, or one twice.
[[nodiscard]] std::vector<std::uint64_t> parse_seeds(const std::string& list);

// The words without --name VALUE and --name=VALUE.
[[nodiscard]] std::vector<std::string> without_option(const std::vector<std::string>& arguments,
                                                      const std::string& name);

struct SeedResult {
  std::uint64_t seed = 0;
  double last = 0;    // accuracy of the last EMA
  double median = 0;  // of the last evaluations
};

// A table of accuracies in %; of more than one, mean and standard deviation.
void print_seeds(std::ostream& out, const std::vector<SeedResult>& results);

}  // namespace scimix

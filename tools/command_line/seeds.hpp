// Parses --seeds and prints the results of several runs that differ in their seeds.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace scimix {

// Parses a list such as "0,1,2". Errors (user): anything but whole numbers from 0; a number twice.
[[nodiscard]] std::vector<std::uint64_t> parse_seeds(const std::string& list);

// Returns the arguments without the option `name`, given as two words or with "=". `name` has its
// dashes.
[[nodiscard]] std::vector<std::string> without_option(const std::vector<std::string>& arguments,
                                                      const std::string& name);

struct SeedResult {
  std::uint64_t seed = 0;
  double last = 0;    // accuracy of the EMA network after the last step, in 0..1
  double median = 0;  // median accuracy of the last evaluations, in 0..1
};

// Prints a table of accuracies in %. For several seeds also prints mean and standard deviation.
void print_seeds(std::ostream& out, const std::vector<SeedResult>& results);

}  // namespace scimix

// The command `scimix_bench comm`, which measures the cost of the all-reduce of gradients, and how
// much of it the backward pass hides. Start it like training: mpirun -np 2 scimix_bench comm.
#pragma once

#include <string>
#include <vector>

#include "core/ranks.hpp"

namespace scimix {

// Executes the command. `arguments` are the words after the command. Returns the exit code.
[[nodiscard]] int bench_comm(const std::vector<std::string>& arguments, Ranks& ranks);

}  // namespace scimix

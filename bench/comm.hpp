// scimix_bench comm: what gradients cost on their way between ranks, and how much of that backward
// hides. Start it as training is started: mpirun -np 2 scimix_bench comm.
#pragma once

#include <string>
#include <vector>

#include "core/ranks.hpp"

namespace scimix {

// Returns the exit code.
[[nodiscard]] int bench_comm(const std::vector<std::string>& arguments, Ranks& ranks);

}  // namespace scimix

// Times single calls of a training step on request, for a comparison with another program.
#pragma once

#include <iosfwd>

#include "bench/run.hpp"

namespace scimix {

// Prepares `step` and prints bench_machine_json as one line. Then reads numbers of calls from `in`,
// one a line, makes that many calls, and prints the seconds of each as one line: [0.1, 0.1]. Ends
// with the input. The process uses no processor time while it waits, so several of them, and other
// programs, can be measured in turn without preparing the step again.
// Errors (user): a line that is no number from 1 to 10000.
void time_in_turn(const BenchStep& step, const BenchSettings& settings, std::istream& in,
                  std::ostream& out);

}  // namespace scimix

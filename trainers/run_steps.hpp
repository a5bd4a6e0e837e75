// How a trainer makes steps: in stretches between which the host has nothing to do, each by graphs
// where they are wanted.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "trainers/batch_plan.hpp"
#include "trainers/precision.hpp"
#include "trainers/step_graphs.hpp"

namespace scimix {

// Makes `count` steps after the first `done`, which counts along. The host has work where the plan
// of batches ends, and every `check_every` steps: then it calls `check`.
template <class KindOf, class Queue, class Check>
void run_steps(StepGraphs& graphs, BatchPlan& plan, Precision precision, std::int64_t check_every,
               std::int64_t count, std::int64_t& done, KindOf kind_of, Queue queue, Check check) {
  const PrecisionScope scope(precision);
  for (const std::int64_t end = done + count; done < end;) {
    const std::int64_t now =
        std::min({end - done, check_every - done % check_every, plan.prepare(done)});
    graphs.run(done, now, kind_of, queue);
    done += now;
    if (done % check_every == 0) check();
  }
}

}  // namespace scimix

#include "trainers/step_graphs.hpp"

namespace scimix {

StepGraphs::StepGraphs(Device device, bool enabled, std::int64_t at_once)
    : device_(device), enabled_(enabled), at_once_(enabled ? at_once : 1), arena_(device) {}

// Blocks of several steps start at multiples of their length, so that few different graphs exist.
void StepGraphs::run(std::int64_t first, std::int64_t count, const KindOf& kind_of,
                     const Queue& queue) {
  const std::int64_t end = first + count;
  while (first < end) {
    const bool whole = first % at_once_ == 0 && end - first >= at_once_;
    const std::int64_t steps = whole ? at_once_ : 1;
    Kinds kinds;
    for (std::int64_t i = 0; i < steps; ++i) kinds.push_back(kind_of(first + i));
    run_block(kinds, [&] {
      for (std::int64_t i = 0; i < steps; ++i) queue(first + i);
    });
    first += steps;
  }
}

void StepGraphs::run_block(const Kinds& kinds, const std::function<void()>& body) {
  if (!enabled_) return body();
  Entry& entry = entries_[kinds];
  if (!entry.graph) {
    if (entry.runs++ < kWarmUp) return body();
    entry.graph.emplace(device_, arena_, body);
    ++recorded_;
  }
  entry.graph->replay();
  ++replays_;
}

}  // namespace scimix

// Records training steps as graphs (core/graph.hpp) and replays them. A graph has one step, or a
// block of consecutive steps. The first two blocks with the same kinds of steps run without a
// graph. The third is recorded, and it and all later ones are replays.
//
// All values that differ from step to step (step number, learning rates, weights, indices of
// images) are in device memory, so that a replay computes the same bits as the step.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/graph.hpp"

namespace scimix {

// The kind of a step: the names of the phases that it runs, such as "critic critic_r1 generator".
// All steps of one kind request the same work from the device, with the same shapes.
using StepKind = std::string;

class StepGraphs {
 public:
  // The number of times that a block runs before it is recorded. In these runs, execution plans of
  // convolutions are chosen, libraries load their kernels, and the memory cache fills.
  static constexpr int kWarmUp = 2;

  // A graph contains `at_once` consecutive steps, or one step. If `enabled` is false, steps are
  // never recorded.
  StepGraphs(Device device, bool enabled, std::int64_t at_once);

  using KindOf = std::function<StepKind(std::int64_t step)>;
  using Queue = std::function<void(std::int64_t step)>;
  // Runs or replays the steps first .. first+count-1. `kind_of` returns the kind of a step, and
  // `queue` requests its work.
  void run(std::int64_t first, std::int64_t count, const KindOf& kind_of, const Queue& queue);

  // Returns the number of steps from `first` to the next graph boundary.
  [[nodiscard]] std::int64_t to_boundary(std::int64_t first) const {
    return at_once_ - first % at_once_;
  }

  [[nodiscard]] bool enabled() const { return enabled_; }
  [[nodiscard]] std::int64_t recorded() const { return recorded_; }  // number of graphs
  [[nodiscard]] std::int64_t replays() const { return replays_; }

 private:
  struct Entry {
    int runs = 0;
    std::optional<Graph> graph = {};
  };
  using Kinds = std::vector<StepKind>;  // of the steps of one graph
  void run_block(const Kinds& kinds, const std::function<void()>& body);

  Device device_;
  bool enabled_;
  std::int64_t at_once_;
  std::int64_t recorded_ = 0;
  std::int64_t replays_ = 0;
  MemoryArena arena_;  // shared, since graphs are replayed one after another
  std::map<Kinds, Entry> entries_;
};

}  // namespace scimix

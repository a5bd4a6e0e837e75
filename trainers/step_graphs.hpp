// Training steps as graphs (core/graph.hpp): run a few times as they are, then recorded, then
// replayed.
//
// What is different from step to step - the step number, learning
// rates, weights, which images - is in device memory, so a replay computes what the step itself
// would have: bit for bit.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/graph.hpp"

namespace scimix {

class StepGraphs {
 public:
  // How often a kind of step runs before it is recorded: convolution plans are chosen, libraries
  // load their kernels and the cache of memory fills.
  static constexpr int kWarmUp = 2;

  // Up to `at_once` steps are one graph. `enabled` false: steps always run as they are.
  StepGraphs(Device device, bool enabled, std::int64_t at_once);

  // What a step is: all steps of one kind ask the same of the device, with the same shapes. A kind
  // that has not been seen is recorded by itself.
  using KindOf = std::function<char(std::int64_t step)>;
  using Queue = std::function<void(std::int64_t step)>;
  // Runs steps first .. first+count-1, or replays them.
  void run(std::int64_t first, std::int64_t count, const KindOf& kind_of, const Queue& queue);

  // How many steps from `first` on make a whole graph: what a loop best asks for at once.
  [[nodiscard]] std::int64_t to_boundary(std::int64_t first) const {
    return at_once_ - first % at_once_;
  }

  [[nodiscard]] bool enabled() const { return enabled_; }
  [[nodiscard]] std::int64_t recorded() const { return recorded_; }  // graphs
  [[nodiscard]] std::int64_t replays() const { return replays_; }

 private:
  struct Entry {
    int runs = 0;
    std::optional<Graph> graph = {};
  };
  void run_block(const std::string& kinds, const std::function<void()>& body);

  Device device_;
  bool enabled_;
  std::int64_t at_once_;
  std::int64_t recorded_ = 0;
  std::int64_t replays_ = 0;
  MemoryArena arena_;                     // shared: graphs are replayed one after another
  std::map<std::string, Entry> entries_;  // by the kinds of their steps
};

}  // namespace scimix

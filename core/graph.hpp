// A stretch of work that is recorded once and then replayed: on a GPU a CUDA graph, which starts
// all its kernels at the cost of one; on the CPU the same calls in the same order, so that what is
// true of a captured step can be tested on any machine.
//
// While a graph is recorded nothing runs. What the body asks for is kept with the addresses and the
// numbers it was asked with: what changes from replay to replay must be in device memory. A copy to
// or from the host, or waiting for the device, is a bug inside a body and throws.
#pragma once

#include <functional>
#include <memory>

#include "core/allocator.hpp"
#include "core/device.hpp"

namespace scimix {

class Graph {
 public:
  // Records what `body` asks of `device`, in memory of `arena`, which must outlive the graph.
  // Graphs that are replayed one after another can share an arena. Rethrows what the body throws.
  Graph(Device device, const MemoryArena& arena, const std::function<void()>& body);
  ~Graph();
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Queues it all on the device's stream.
  void replay() const;

  // What records on one kind of device.
  class Recording {
   public:
    virtual ~Recording() = default;
    virtual void replay() const = 0;
  };

 private:
  std::unique_ptr<Recording> recording_;
};

// This thread is recording a graph.
[[nodiscard]] bool is_capturing();
// Of the CPU: work must then be handed to record_work in place of being done.
[[nodiscard]] bool is_recording_work();
void record_work(std::function<void()> work);

}  // namespace scimix

// A graph: work that is recorded once and then replayed many times. On a GPU it is a CUDA graph,
// which starts all its kernels at the cost of one launch. On the CPU it is a list of the same calls
// in the same order, so that recorded steps can be tested on any machine.
//
// While a graph is recorded, no work runs. The recording keeps the addresses and numbers of each
// call, so values that change from replay to replay must be in device memory. Copying between host
// and device, or waiting for the device, throws Error{bug} during recording.
#pragma once

#include <functional>
#include <memory>

#include "core/allocator.hpp"
#include "core/device.hpp"

namespace scimix {

class Graph {
 public:
  // Calls `body` and records the work that it requests from `device`. Memory that `body` allocates
  // comes from `arena`, which must outlive the graph. Graphs can use the same arena if they are
  // replayed one after another. Rethrows exceptions of `body`.
  Graph(Device device, const MemoryArena& arena, const std::function<void()>& body);
  ~Graph();
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Queues all recorded work on the device's stream.
  void replay() const;

  // The recorded work; each kind of device has its own implementation.
  class Recording {
   public:
    virtual ~Recording() = default;
    virtual void replay() const = 0;
  };

 private:
  std::unique_ptr<Recording> recording_;
};

// True while this thread records a graph, on any device.
[[nodiscard]] bool is_capturing();
// True while this thread records a CPU graph. Pass work to `record_work` then, instead of running
// it.
[[nodiscard]] bool is_recording_work();
// Appends `work` to the CPU graph that this thread records. Throws Error{bug} if there is none.
void record_work(std::function<void()> work);

}  // namespace scimix

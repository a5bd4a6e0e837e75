// The parts of the emulated GPU, for its own sources. There is one GPU state for each process; the
// device index of a call only has to exist.
//
// Work that a stream is given waits in the stream's queue. It runs when somebody waits for it, on
// the waiting thread: as late as CUDA allows, with the streams interleaved by a seed
// (SCIMIX_EMULATED_SEED).
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace scimix::emulated {

// ---- faults (faults.cpp) ------------------------------------------------------------------------

// A mistake that a GPU would answer with a wrong number or a failed launch. It is printed, and
// makes every later call fail with `error`, whose text then includes `message`.
void report_fault(cudaError_t error, const std::string& message);
[[nodiscard]] cudaError_t sticky_error();

// Prints and ends the process: for host code that touches device memory, which no status can stop.
[[noreturn]] void die(const std::string& message);

// Catches host accesses to device memory, and kernels that touch what is not theirs.
void install_signal_handlers();

// What runs now, for messages.
class Running {
 public:
  explicit Running(const char* what);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  const char* outer_;
};
[[nodiscard]] const char* running();  // null outside device work

// Sets the error of cudaGetLastError and returns it.
cudaError_t failed(cudaError_t error);

// Every API call begins with this: counts the call under the driver function's name (CUPTI), and
// returns the error that a test has injected for `function`, the sticky error, or cudaSuccess.
[[nodiscard]] cudaError_t enter(const char* function, const char* driver_function);
// Counts objects that exist, by kind (testing.hpp, live_objects).
void count_object(const char* kind, int change);
// The error that a test has injected for this call of `function`; 0 for none.
[[nodiscard]] int injected_error(const char* function);

[[nodiscard]] std::recursive_mutex& gpu_mutex();
using Lock = std::scoped_lock<std::recursive_mutex>;

// Random numbers for everything whose order CUDA leaves open.
[[nodiscard]] std::uint32_t random_below(std::uint32_t bound);

// ---- memory (memory.cpp) ------------------------------------------------------------------------

// While one lives, this thread may access device memory.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

// Makes the block that contains `pointer` accessible, after an access of this thread to it has
// raised SIGSEGV. Returns false if the access is a mistake: outside DeviceAccess, outside every
// block, or to a block that was freed.
[[nodiscard]] bool open_block(const void* pointer);

[[nodiscard]] bool is_device_address(const void* pointer);
// `bytes` bytes from `pointer` on belong to one block of device memory that is not freed.
[[nodiscard]] bool is_device_range(const void* pointer, std::size_t bytes);
// For a message: which block an address belongs to.
[[nodiscard]] std::string describe_address(const void* pointer);

// ---- streams (streams.cpp) and graphs (graphs.cpp) ----------------------------------------------

enum class Outcome { done, blocked };

struct QueuedWork {
  std::string name;
  std::function<Outcome()> run;
};

struct GraphNode {
  QueuedWork work;
  std::vector<int> after;
};

// A capture in progress.
struct Capture {
  std::vector<GraphNode> nodes;
  CUstream_st* origin = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  bool invalid = false;
  std::vector<CUstream_st*> streams;
};

// Queues work, or adds it to the graph that is captured from the stream. `stream` may be null, the
// legacy default stream.
cudaError_t enqueue(cudaStream_t stream, std::string name, std::function<Outcome()> run);
cudaError_t enqueue_simple(cudaStream_t stream, std::string name, std::function<void()> run);

// Runs queued work until `done`; false if all that is left waits for another process.
[[nodiscard]] bool run_until(const std::function<bool()>& done);
void run_everything();
[[nodiscard]] cudaStream_t default_stream();

// The thread's capture forbids a call such as cudaMalloc, and is invalidated by it.
[[nodiscard]] bool breaks_capture();

// Makes a function that runs the nodes of a graph once, in an order that their edges allow. It is
// called again while it answers `blocked`.
[[nodiscard]] std::function<Outcome()> play(std::shared_ptr<const std::vector<GraphNode>> nodes);

// ---- devices (runtime.cpp) ----------------------------------------------------------------------

[[nodiscard]] int compute_capability();  // 90 is 9.0

// ---- kernels (launch.cpp) -----------------------------------------------------------------------

// Runs a kernel. With `early`, it is a fault if a thread ends without having waited for the work
// before the kernel.
void run_grid(const std::string& name, dim3 grid, unsigned threads, std::size_t shared, bool early,
              const std::function<void()>& thread);

}  // namespace scimix::emulated

struct CUevent_st {
  bool timed = true;
  std::uint64_t recorded = 0;   // how often cudaEventRecord was called
  std::uint64_t completed = 0;  // the newest of these that has run
  double seconds = 0;
  std::shared_ptr<scimix::emulated::Capture> capture;  // recorded in a capture
  std::vector<int> nodes;
};

struct CUstream_st {
  std::deque<scimix::emulated::QueuedWork> queue;
  std::shared_ptr<scimix::emulated::Capture> capture;
  std::vector<int> last;  // the nodes that the next captured work follows
};

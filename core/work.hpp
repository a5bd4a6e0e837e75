// Counts the work that the program requests from devices. Tests use the counts to check how many
// kernels a training step launches, and that it neither waits for the device nor copies between
// host and device.
//
// Counters are per process and are never reset. Replaying a CUDA graph counts as one `graph`, since
// the work inside it was counted when it was recorded. Replaying a CPU graph counts as one `graph`
// and also counts the work inside it, which was not counted before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace scimix {

enum class Work : std::uint8_t {
  kernel,       // a kernel of this project
  library,      // a convolution or matrix product of a library
  copy,         // a copy within one device
  fill,         // setting bytes to a value
  host_copy,    // a copy between host memory and device memory, also if the device is the CPU
  synchronize,  // the host waits for the device
  graph,        // a replay of a graph
};

struct WorkCounts {
  std::int64_t kernels = 0;
  std::int64_t library_calls = 0;
  std::int64_t copies = 0;
  std::int64_t fills = 0;
  std::int64_t host_copies = 0;
  std::int64_t synchronizations = 0;
  std::int64_t graphs = 0;

  // Number of operations that a GPU has to launch one by one.
  [[nodiscard]] std::int64_t launches() const { return kernels + library_calls + copies + fills; }
  friend WorkCounts operator-(const WorkCounts& a, const WorkCounts& b);
  friend bool operator==(const WorkCounts&, const WorkCounts&) = default;
};

// Returns the current values of the counters.
[[nodiscard]] WorkCounts work_counts();

// Counts one request for work. Every function that requests work from a device calls it. `bytes` is
// what the work reads and writes; a kernel function reports its bytes by count_bytes instead.
void count_work(Work kind, std::size_t bytes = 0);

// Adds bytes that the current kernel function reads or writes to the WorkPlan of this thread, if
// there is one.
void count_bytes(std::size_t bytes);

// While an object exists, Tensor::borrowed calls count_bytes with the size of the tensor. To borrow
// the arguments of a kernel function is the one operation that visits all of their tensors.
class CountOperands {
 public:
  CountOperands();
  ~CountOperands();
  CountOperands(const CountOperands&) = delete;
  CountOperands& operator=(const CountOperands&) = delete;

  [[nodiscard]] static bool is_active();
};

// Labels the work that this thread requests in this scope with the name of a kernel function. Pass
// a string literal: the name must outlive any WorkPlan that records it.
class WorkName {
 public:
  explicit WorkName(const char* name);
  ~WorkName();
  WorkName(const WorkName&) = delete;
  WorkName& operator=(const WorkName&) = delete;

  // Returns whether a WorkPlan of this thread lists the work under this object's name.
  [[nodiscard]] bool is_listed() const;

 private:
  const char* outer_;
};

// While an object exists, work that this thread requests is not counted, because it is part of a
// library call that has been counted already.
class InsideLibrary {
 public:
  InsideLibrary();
  ~InsideLibrary();
  InsideLibrary(const InsideLibrary&) = delete;
  InsideLibrary& operator=(const InsideLibrary&) = delete;

 private:
  bool outer_;
};

// Lists the work that this thread requests while the object exists, in order, except
// synchronisations and replays. At most one object may exist at a time.
class WorkPlan {
 public:
  struct Entry {
    Work kind;
    std::string name;  // of the kernel function; empty for a copy or fill outside a kernel function
    std::size_t bytes = 0;  // of a copy or fill
  };
  struct Line {
    std::string name;
    std::int64_t count = 0;
    // Sizes of the tensors that were passed to the kernel function, added up over its calls. A
    // tensor that is read and written counts once. Stored images (u8) do not count, because a
    // kernel reads few of them.
    std::size_t bytes = 0;
  };

  WorkPlan();
  ~WorkPlan();
  WorkPlan(const WorkPlan&) = delete;
  WorkPlan& operator=(const WorkPlan&) = delete;

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  // Returns how often each name occurs and its bytes, the most frequent name first.
  [[nodiscard]] std::vector<Line> by_name() const;

 private:
  friend void count_work(Work kind, std::size_t bytes);
  friend void count_bytes(std::size_t bytes);
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t> bytes_;  // of kernel functions
};

}  // namespace scimix

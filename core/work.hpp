// What devices are asked to do, counted where it is asked: how many kernels a training step starts,
// and that it neither waits nor moves anything between host and device.
//
// Counts are of this process and grow. On a GPU a captured step asks for nothing but its graph;
// what is inside was counted when it was captured.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace scimix {

enum class Work : std::uint8_t {
  kernel,       // a kernel of ours
  library,      // a convolution or a matrix product
  copy,         // inside a device
  fill,         // of bytes
  host_copy,    // between host memory and a device's, the CPU's included
  synchronize,  // the host waits for the device
  graph,        // a replay
};

struct WorkCounts {
  std::int64_t kernels = 0;
  std::int64_t library_calls = 0;
  std::int64_t copies = 0;
  std::int64_t fills = 0;
  std::int64_t host_copies = 0;
  std::int64_t synchronizations = 0;
  std::int64_t graphs = 0;

  // What a GPU starts: each costs the time of a launch.
  [[nodiscard]] std::int64_t launches() const { return kernels + library_calls + copies + fills; }
  friend WorkCounts operator-(const WorkCounts& a, const WorkCounts& b);
  friend bool operator==(const WorkCounts&, const WorkCounts&) = default;
};

[[nodiscard]] WorkCounts work_counts();

// Called where work is asked for.
void count_work(Work kind);

// Names the kernel function on whose behalf this scope asks. The name outlives the scope's plan: a
// string literal.
class WorkName {
 public:
  explicit WorkName(const char* name);
  ~WorkName();
  WorkName(const WorkName&) = delete;
  WorkName& operator=(const WorkName&) = delete;

 private:
  const char* outer_;
};

// While one lives, what this thread asks for is part of a library call that was counted as one.
class InsideLibrary {
 public:
  InsideLibrary();
  ~InsideLibrary();
  InsideLibrary(const InsideLibrary&) = delete;
  InsideLibrary& operator=(const InsideLibrary&) = delete;

 private:
  bool outer_;
};

// The plan of what this thread asks for while it lives, in order, without synchronisations and
// graphs. One at a time.
class WorkPlan {
 public:
  struct Entry {
    Work kind;
    std::string name;  // of the kernel function; empty for copies and fills by themselves
  };
  struct Line {
    std::string name;
    std::int64_t count = 0;
  };

  WorkPlan();
  ~WorkPlan();
  WorkPlan(const WorkPlan&) = delete;
  WorkPlan& operator=(const WorkPlan&) = delete;

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  // How often each name occurs, the most frequent first.
  [[nodiscard]] std::vector<Line> by_name() const;

 private:
  friend void count_work(Work kind);
  std::vector<Entry> entries_;
};

}  // namespace scimix

#include "core/work.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <utility>

#include "core/error.hpp"

namespace scimix {

namespace {

constexpr std::size_t kKinds = 7;

// Relaxed atomics suffice: no computation depends on the counts.
std::array<std::atomic<std::int64_t>, kKinds>& counters() {
  static std::array<std::atomic<std::int64_t>, kKinds> by_kind{};
  return by_kind;
}

thread_local const char* current_name = "";
thread_local WorkPlan* current_plan = nullptr;
thread_local bool inside_library = false;
thread_local bool counting_operands = false;

std::int64_t count_of(Work kind) {
  return counters()[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
}

std::string fallback_name(Work kind) {
  if (kind == Work::copy) return "(copy)";
  if (kind == Work::fill) return "(fill)";
  return kind == Work::host_copy ? "(host copy)" : "(unnamed)";
}

}  // namespace

WorkCounts operator-(const WorkCounts& a, const WorkCounts& b) {
  return {.kernels = a.kernels - b.kernels,
          .library_calls = a.library_calls - b.library_calls,
          .copies = a.copies - b.copies,
          .fills = a.fills - b.fills,
          .host_copies = a.host_copies - b.host_copies,
          .synchronizations = a.synchronizations - b.synchronizations,
          .graphs = a.graphs - b.graphs};
}

WorkCounts work_counts() {
  return {.kernels = count_of(Work::kernel),
          .library_calls = count_of(Work::library),
          .copies = count_of(Work::copy),
          .fills = count_of(Work::fill),
          .host_copies = count_of(Work::host_copy),
          .synchronizations = count_of(Work::synchronize),
          .graphs = count_of(Work::graph)};
}

void count_work(Work kind, std::size_t bytes) {
  if (inside_library) return;
  counters()[static_cast<std::size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
  if (current_plan == nullptr || kind == Work::synchronize || kind == Work::graph) return;
  current_plan->entries_.push_back({kind, current_name, bytes});
}

void count_bytes(std::size_t bytes) {
  if (inside_library || current_plan == nullptr) return;
  current_plan->bytes_[current_name] += bytes;
}

CountOperands::CountOperands() {
  counting_operands = true;
}
CountOperands::~CountOperands() {
  counting_operands = false;
}
bool CountOperands::is_active() {
  return counting_operands;
}

WorkName::WorkName(const char* name) : outer_(current_name) {
  // A kernel function may call another one. The work keeps the outermost name.
  if (*current_name == '\0') current_name = name;
}
WorkName::~WorkName() {
  current_name = outer_;
}
bool WorkName::is_listed() const {
  return *outer_ == '\0' && current_plan != nullptr && !inside_library;
}

InsideLibrary::InsideLibrary() : outer_(std::exchange(inside_library, true)) {}
InsideLibrary::~InsideLibrary() {
  inside_library = outer_;
}

WorkPlan::WorkPlan() {
  SCIMIX_CHECK(current_plan == nullptr, "cannot create a WorkPlan while another one exists");
  current_plan = this;
}
WorkPlan::~WorkPlan() {
  current_plan = nullptr;
}

std::vector<WorkPlan::Line> WorkPlan::by_name() const {
  std::map<std::string, Line> found;
  for (const Entry& entry : entries_) {
    Line& line = found[entry.name.empty() ? fallback_name(entry.kind) : entry.name];
    ++line.count;
    line.bytes += entry.bytes;
  }
  for (const auto& [name, bytes] : bytes_) {
    if (found.contains(name)) found[name].bytes += bytes;
  }
  std::vector<Line> lines;
  for (auto& [name, line] : found) {
    line.name = name;
    lines.push_back(line);
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return a.count > b.count; });
  return lines;
}

}  // namespace scimix

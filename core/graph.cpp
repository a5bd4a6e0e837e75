#include "core/graph.hpp"

#include <utility>
#include <vector>

#include "core/device_cuda.hpp"
#include "core/error.hpp"
#include "core/with_cuda.hpp"
#include "core/work.hpp"

namespace scimix {

namespace {

class CpuRecording : public Graph::Recording {
 public:
  void add(std::function<void()> work) { works_.push_back(std::move(work)); }
  void replay() const override {
    for (const auto& work : works_) work();
  }

 private:
  std::vector<std::function<void()>> works_;
};

thread_local bool capturing = false;
thread_local CpuRecording* cpu_recording = nullptr;

// Marks this thread as recording, for a scope. `into` is null for a GPU.
class CaptureScope {
 public:
  explicit CaptureScope(CpuRecording* into) {
    SCIMIX_CHECK(!capturing, "cannot record a graph while recording another one");
    capturing = true;
    cpu_recording = into;
  }
  ~CaptureScope() {
    capturing = false;
    cpu_recording = nullptr;
  }
  CaptureScope(const CaptureScope&) = delete;
  CaptureScope& operator=(const CaptureScope&) = delete;
};

std::unique_ptr<Graph::Recording> record_on_cpu(const std::function<void()>& body) {
  auto recording = std::make_unique<CpuRecording>();
  const CaptureScope scope(recording.get());
  body();
  return recording;
}

std::unique_ptr<Graph::Recording> record(Device device, const std::function<void()>& body) {
  if constexpr (kWithCuda) {
    if (device.is_cuda()) {
      const CaptureScope scope(nullptr);
      return cuda::record_graph(body);
    }
  }
  return record_on_cpu(body);
}

}  // namespace

Graph::Graph(Device device, const MemoryArena& arena, const std::function<void()>& body) {
  const MemoryArena::Scope memory(arena);
  recording_ = record(device, body);
}
Graph::~Graph() = default;
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;

void Graph::replay() const {
  count_work(Work::graph);
  recording_->replay();
}

bool is_capturing() {
  return capturing;
}
bool is_recording_work() {
  return cpu_recording != nullptr;
}
void record_work(std::function<void()> work) {
  SCIMIX_CHECK(cpu_recording != nullptr, "record_work without a CPU graph being recorded");
  cpu_recording->add(std::move(work));
}

}  // namespace scimix

#include <memory>
#include <type_traits>

#include "core/cuda.hpp"
#include "core/device_cuda.hpp"

namespace scimix::cuda {

namespace {

struct GraphDeleter {
  void operator()(cudaGraph_t graph) const noexcept { static_cast<void>(cudaGraphDestroy(graph)); }
};
struct GraphExecDeleter {
  void operator()(cudaGraphExec_t graph) const noexcept {
    static_cast<void>(cudaGraphExecDestroy(graph));
  }
};
using GraphHandle = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, GraphDeleter>;
using GraphExecHandle = std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, GraphExecDeleter>;

class CudaRecording : public Graph::Recording {
 public:
  explicit CudaRecording(cudaGraph_t graph) {
    cudaGraphExec_t exec = nullptr;
    SCIMIX_CUDA_CHECK(cudaGraphInstantiate(&exec, graph, 0));
    exec_.reset(exec);
    // Uploads the graph now; otherwise the first launch would.
    SCIMIX_CUDA_CHECK(cudaGraphUpload(exec, current_stream()));
  }
  void replay() const override {
    SCIMIX_CUDA_CHECK(cudaGraphLaunch(exec_.get(), current_stream()));
  }

 private:
  GraphExecHandle exec_;
};

GraphHandle end_capture() {
  cudaGraph_t graph = nullptr;
  SCIMIX_CUDA_CHECK(cudaStreamEndCapture(current_stream(), &graph));
  return GraphHandle(graph);
}

}  // namespace

std::unique_ptr<Graph::Recording> record_graph(const std::function<void()>& body) {
  // In the mode "thread local", CUDA calls of other threads do not invalidate the capture.
  SCIMIX_CUDA_CHECK(cudaStreamBeginCapture(current_stream(), cudaStreamCaptureModeThreadLocal));
  try {
    body();
  } catch (...) {
    cudaGraph_t broken = nullptr;
    static_cast<void>(cudaStreamEndCapture(current_stream(), &broken));
    const GraphHandle owner(broken);
    static_cast<void>(cudaGetLastError());
    throw;
  }
  const GraphHandle graph = end_capture();
  return std::make_unique<CudaRecording>(graph.get());
}

}  // namespace scimix::cuda

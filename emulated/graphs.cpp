// Stream capture and graphs.
#include <algorithm>

#include "emulated/gpu.hpp"

struct CUgraph_st {
  std::shared_ptr<std::vector<scimix::emulated::GraphNode>> nodes;
};
struct CUgraphExec_st {
  std::shared_ptr<const std::vector<scimix::emulated::GraphNode>> nodes;
};

namespace scimix::emulated {

namespace {

// The thread that captures, and how it wants unsafe calls handled.
thread_local std::weak_ptr<Capture> mine;
thread_local cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;

std::shared_ptr<Capture>& global_capture() {
  static auto& one = *std::make_unique<std::shared_ptr<Capture>>().release();
  return one;
}

// All nodes that lead to `ends`, which are marked.
std::vector<bool> ancestors(const std::vector<GraphNode>& nodes, const std::vector<int>& ends) {
  std::vector<bool> marked(nodes.size(), false);
  std::vector<int> open = ends;
  while (!open.empty()) {
    const auto node = static_cast<std::size_t>(open.back());
    open.pop_back();
    if (marked[node]) continue;
    marked[node] = true;
    open.insert(open.end(), nodes[node].after.begin(), nodes[node].after.end());
  }
  return marked;
}

}  // namespace

bool breaks_capture() {
  if (mode == cudaStreamCaptureModeRelaxed) return false;
  // This thread's own capture, or another thread's in the strictest mode.
  std::shared_ptr<Capture> capture = mine.lock();
  if (capture == nullptr && mode == cudaStreamCaptureModeGlobal && global_capture() != nullptr &&
      global_capture()->mode == cudaStreamCaptureModeGlobal) {
    capture = global_capture();
  }
  if (capture == nullptr || capture->mode == cudaStreamCaptureModeRelaxed) return false;
  capture->invalid = true;
  return true;
}

std::function<Outcome()> play(std::shared_ptr<const std::vector<GraphNode>> nodes) {
  struct State {
    std::vector<bool> done;
    std::size_t count = 0;
  };
  auto state = std::make_shared<State>();
  state->done.assign(nodes->size(), false);
  return [nodes = std::move(nodes), state] {
    const std::size_t count = nodes->size();
    while (state->count < count) {
      // From a random node on, the first that can run.
      bool ran = false;
      const std::size_t first = random_below(static_cast<std::uint32_t>(count));
      for (std::size_t i = 0; i < count && !ran; ++i) {
        const std::size_t at = (first + i) % count;
        const GraphNode& node = (*nodes)[at];
        if (state->done[at] || !std::all_of(node.after.begin(), node.after.end(), [&](int before) {
              return state->done[static_cast<std::size_t>(before)];
            })) {
          continue;
        }
        const Running name(node.work.name.c_str());
        if (node.work.run() == Outcome::blocked) continue;
        state->done[at] = true;
        ++state->count;
        ran = true;
      }
      if (!ran) return Outcome::blocked;
    }
    return Outcome::done;
  };
}

}  // namespace scimix::emulated

using namespace scimix::emulated;

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode capture_mode) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaStreamBeginCapture", "cuStreamBeginCapture_v2")) {
    return failed(error);
  }
  if (stream == nullptr) return failed(cudaErrorStreamCaptureUnsupported);
  if (stream->capture != nullptr) return failed(cudaErrorIllegalState);
  auto capture = std::make_shared<Capture>();
  capture->origin = stream;
  capture->mode = capture_mode;
  capture->streams.push_back(stream);
  stream->capture = capture;
  stream->last.clear();
  mine = capture;
  global_capture() = capture;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const Lock lock(gpu_mutex());
  *graph = nullptr;
  const auto error = enter("cudaStreamEndCapture", "cuStreamEndCapture");
  if (stream->capture == nullptr) return failed(cudaErrorIllegalState);
  const std::shared_ptr<Capture> capture = stream->capture;
  if (capture->origin != stream) return failed(cudaErrorStreamCaptureUnmatched);
  const std::vector<bool> joined = ancestors(capture->nodes, stream->last);
  const bool unjoined = std::find(joined.begin(), joined.end(), false) != joined.end();
  for (const cudaStream_t each : capture->streams) {
    each->capture.reset();
    each->last.clear();
  }
  mine.reset();
  global_capture().reset();
  if (error != cudaSuccess) return failed(error);
  if (capture->invalid) return failed(cudaErrorStreamCaptureInvalidated);
  if (unjoined) return failed(cudaErrorStreamCaptureUnjoined);
  auto out = std::make_unique<CUgraph_st>();
  out->nodes = std::make_shared<std::vector<GraphNode>>(std::move(capture->nodes));
  *graph = out.release();
  count_object("graph", 1);
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaStreamIsCapturing", "cuStreamIsCapturing")) {
    return failed(error);
  }
  const bool captured = stream != nullptr && stream->capture != nullptr;
  *status = !captured                  ? cudaStreamCaptureStatusNone
            : stream->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                       : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* other) {
  const Lock lock(gpu_mutex());
  if (const auto error =
          enter("cudaThreadExchangeStreamCaptureMode", "cuThreadExchangeStreamCaptureMode")) {
    return failed(error);
  }
  std::swap(*other, mode);
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph,
                                 unsigned long long /*flags*/) {  // NOLINT: CUDA's type
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaGraphInstantiate", "cuGraphInstantiateWithFlags")) {
    return failed(error);
  }
  if (graph == nullptr) return failed(cudaErrorInvalidValue);
  auto out = std::make_unique<CUgraphExec_st>();
  out->nodes = graph->nodes;
  *exec = out.release();
  count_object("graph exec", 1);
  return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t /*exec*/, cudaStream_t /*stream*/) {
  const Lock lock(gpu_mutex());
  return failed(enter("cudaGraphUpload", "cuGraphUpload"));
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaGraphLaunch", "cuGraphLaunch")) return failed(error);
  return enqueue(stream, "cudaGraphLaunch", play(exec->nodes));
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const Lock lock(gpu_mutex());
  const std::unique_ptr<CUgraph_st> owner(graph);
  if (graph != nullptr) count_object("graph", -1);
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  const Lock lock(gpu_mutex());
  const std::unique_ptr<CUgraphExec_st> owner(exec);
  if (exec != nullptr) count_object("graph exec", -1);
  return cudaSuccess;
}

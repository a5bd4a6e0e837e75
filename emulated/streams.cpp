// Streams and events: queues of work, which run when somebody waits.
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "emulated/gpu.hpp"

namespace scimix::emulated {

namespace {

constexpr std::size_t kDepth = 1024;  // a launch waits where this much is queued
constexpr useconds_t kPause = 20;     // microseconds, while other processes work

std::vector<cudaStream_t>& streams() {
  static auto& all = *std::make_unique<std::vector<cudaStream_t>>().release();
  return all;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Runs the first work of a stream.
bool advance(cudaStream_t stream) {
  const Running name(stream->queue.front().name.c_str());
  if (stream->queue.front().run() == Outcome::blocked) return false;
  stream->queue.pop_front();
  return true;
}

// Runs one piece of work of any stream; false if there is none that can run.
bool advance_any() {
  std::vector<cudaStream_t> ready;
  for (const cudaStream_t stream : streams()) {
    if (!stream->queue.empty()) ready.push_back(stream);
  }
  while (!ready.empty()) {
    const auto at = random_below(static_cast<std::uint32_t>(ready.size()));
    if (advance(ready[at])) return true;
    ready.erase(ready.begin() + at);
  }
  return false;
}

// Waits on the host. The lock is given up now and then, so that other threads can ask.
void wait_until(const std::function<bool()>& done) {
  for (;;) {
    {
      const Lock lock(gpu_mutex());
      if (run_until(done) || sticky_error() != cudaSuccess) return;
    }
    usleep(kPause);
  }
}

// A wait on the host for what is being captured could never end.
bool refuses_wait(cudaStream_t stream) {
  if (stream->capture == nullptr) return false;
  stream->capture->invalid = true;
  return true;
}

cudaStream_t or_default(cudaStream_t stream) {
  return stream == nullptr ? default_stream() : stream;
}

void join_capture(cudaStream_t stream, const std::shared_ptr<Capture>& capture) {
  stream->capture = capture;
  capture->streams.push_back(stream);
}

}  // namespace

cudaStream_t default_stream() {
  static const cudaStream_t stream = [] {
    streams().push_back(std::make_unique<CUstream_st>().release());
    return streams().back();
  }();
  return stream;
}

cudaError_t enqueue(cudaStream_t stream, std::string name, std::function<Outcome()> run) {
  stream = or_default(stream);
  if (stream->capture != nullptr) {
    Capture& capture = *stream->capture;
    if (capture.invalid) return failed(cudaErrorStreamCaptureInvalidated);
    const int node = static_cast<int>(capture.nodes.size());
    capture.nodes.push_back({{std::move(name), std::move(run)}, stream->last});
    stream->last = {node};
    return cudaSuccess;
  }
  stream->queue.push_back({std::move(name), std::move(run)});
  if (stream->queue.size() > kDepth) {
    wait_until([stream] { return stream->queue.size() <= kDepth / 2; });
  }
  return cudaSuccess;
}

cudaError_t enqueue_simple(cudaStream_t stream, std::string name, std::function<void()> run) {
  return enqueue(stream, std::move(name), [run = std::move(run)] {
    run();
    return Outcome::done;
  });
}

bool run_until(const std::function<bool()>& done) {
  while (!done()) {
    if (sticky_error() != cudaSuccess) {
      for (const cudaStream_t stream : streams()) stream->queue.clear();
      return true;
    }
    if (!advance_any()) return false;
  }
  return true;
}

void run_everything() {
  wait_until([] {
    return std::all_of(streams().begin(), streams().end(),
                       [](cudaStream_t stream) { return stream->queue.empty(); });
  });
}

}  // namespace scimix::emulated

using namespace scimix::emulated;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned /*flags*/) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaStreamCreateWithFlags", "cuStreamCreate")) {
    return failed(error);
  }
  *stream = std::make_unique<CUstream_st>().release();
  streams().push_back(*stream);
  count_object("stream", 1);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  // Work queued on the stream still runs, as on a GPU. The stream object is small and is kept.
  static_cast<void>(stream);
  count_object("stream", -1);
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  stream = or_default(stream);
  {
    const Lock lock(gpu_mutex());
    if (const auto error = enter("cudaStreamSynchronize", "cuStreamSynchronize")) {
      return failed(error);
    }
    if (refuses_wait(stream)) return failed(cudaErrorStreamCaptureUnsupported);
  }
  wait_until([stream] { return stream->queue.empty(); });
  return failed(sticky_error());
}

cudaError_t cudaDeviceSynchronize() {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaDeviceSynchronize", "cuCtxSynchronize")) return failed(error);
  if (breaks_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  run_everything();
  return failed(sticky_error());
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned /*flags*/) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaStreamWaitEvent", "cuStreamWaitEvent")) return failed(error);
  stream = or_default(stream);
  if (event->capture != nullptr) {
    if (stream->capture == nullptr) {
      join_capture(stream, event->capture);
      stream->last = event->nodes;
      return cudaSuccess;
    }
    if (stream->capture != event->capture) return failed(cudaErrorStreamCaptureMerge);
    for (const int node : event->nodes) {
      if (std::find(stream->last.begin(), stream->last.end(), node) == stream->last.end()) {
        stream->last.push_back(node);
      }
    }
    return cudaSuccess;
  }
  if (stream->capture != nullptr) {
    stream->capture->invalid = true;
    return failed(cudaErrorStreamCaptureIsolation);
  }
  return enqueue(stream, "cudaStreamWaitEvent", [event, version = event->recorded] {
    return event->completed >= version ? Outcome::done : Outcome::blocked;
  });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaEventCreateWithFlags", "cuEventCreate")) return failed(error);
  *event = std::make_unique<CUevent_st>().release();
  (*event)->timed = (flags & cudaEventDisableTiming) == 0;
  count_object("event", 1);
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  // Queued work may still use it, and it is small: it stays.
  static_cast<void>(event);
  count_object("event", -1);
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaEventRecord", "cuEventRecord")) return failed(error);
  stream = or_default(stream);
  if (stream->capture != nullptr) {
    if (stream->capture->invalid) return failed(cudaErrorStreamCaptureInvalidated);
    event->capture = stream->capture;
    event->nodes = stream->last;
    return cudaSuccess;
  }
  event->capture.reset();
  ++event->recorded;
  return enqueue_simple(stream, "cudaEventRecord", [event, version = event->recorded] {
    event->completed = version;
    event->seconds = now();
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaEventQuery", "cuEventQuery")) return failed(error);
  if (event->capture != nullptr) {
    event->capture->invalid = true;
    return failed(cudaErrorCapturedEvent);
  }
  const bool done = run_until([event] { return event->completed == event->recorded; });
  if (const auto error = sticky_error()) return failed(error);
  return done ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  {
    const Lock lock(gpu_mutex());
    if (const auto error = enter("cudaEventSynchronize", "cuEventSynchronize")) {
      return failed(error);
    }
    if (event->capture != nullptr) {
      event->capture->invalid = true;
      return failed(cudaErrorCapturedEvent);
    }
  }
  wait_until([event] { return event->completed == event->recorded; });
  return failed(sticky_error());
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaEventElapsedTime", "cuEventElapsedTime")) return failed(error);
  if (!start->timed || !end->timed || start->recorded == 0 || end->recorded == 0) {
    return failed(cudaErrorInvalidResourceHandle);
  }
  if (start->completed != start->recorded || end->completed != end->recorded) {
    return cudaErrorNotReady;
  }
  *milliseconds = static_cast<float>((end->seconds - start->seconds) * 1e3);
  return cudaSuccess;
}

namespace scimix::emulated {
// emulated/include/thrust calls this.
void on_stream(cudaStream_t stream, const char* name, std::function<void()> run);
void on_stream(cudaStream_t stream, const char* name, std::function<void()> run) {
  const Lock lock(gpu_mutex());
  static_cast<void>(enter(name, "cuLaunchKernel"));
  static_cast<void>(enqueue_simple(stream, name, [run = std::move(run)] {
    const DeviceAccess access;
    run();
  }));
}
}  // namespace scimix::emulated

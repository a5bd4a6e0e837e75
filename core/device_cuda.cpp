#include "core/device_cuda.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <memory>
#include <string_view>

#include "core/cuda.hpp"

namespace scimix::cuda {

namespace {

struct StreamDeleter {
  void operator()(cudaStream_t stream) const noexcept {
    static_cast<void>(cudaStreamDestroy(stream));
  }
};
// 12020 is "12.2".
std::string dotted(int version) {
  return text(version / 1000, ".", version % 1000 / 10);
}

// Returns whether code for one entry of the list runs on this capability.
bool runs_on(std::string_view architecture, int capability) {
  int compiled = 0;
  const char* const end = architecture.data() + architecture.size();
  const auto [rest, fault] = std::from_chars(architecture.data(), end, compiled);
  if (fault != std::errc()) return true;
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  if (suffix.starts_with('a')) return capability == compiled;  // only for this architecture
  const bool same_major = capability / 10 == compiled / 10;
  return capability >= compiled && (same_major || !suffix.ends_with("real"));
}

using StreamHandle = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, StreamDeleter>;

// The GPU of this process; -1: none yet. The stream, the libraries' handles and the cached memory
// belong to it.
std::atomic<int> selected = -1;

StreamHandle make_stream() {
  cudaStream_t stream = nullptr;
  // Non-blocking: work of ours never waits for the legacy default stream, and can be captured.
  SCIMIX_CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return StreamHandle(stream);
}

}  // namespace

cudaStream_t current_stream() {
  // One process drives one GPU, and one thread of it queues the work.
  static const StreamHandle stream = make_stream();
  return stream.get();
}

int device_count() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess) return count;
  static_cast<void>(cudaGetLastError());
  if (status == cudaErrorNoDevice) return 0;
  int driver = 0;
  static_cast<void>(cudaDriverGetVersion(&driver));
  if (status == cudaErrorInsufficientDriver) {
    if (driver == 0) return 0;  // no driver at all
    user_error("the NVIDIA driver supports CUDA ", dotted(driver), ", this program needs CUDA ",
               dotted(CUDART_VERSION), ": update the driver, or say --device cpu");
  }
  user_error("the GPU cannot be used: ", cudaGetErrorString(status),
             "; see nvidia-smi, or say --device cpu");
}

bool has_code_for(std::string_view architectures, int capability) {
  for (std::size_t at = 0; at < architectures.size();) {
    const std::size_t end = std::min(architectures.find(';', at), architectures.size());
    if (runs_on(architectures.substr(at, end - at), capability)) return true;
    at = end + 1;
  }
  return false;
}

void select_device(int index) {
  cudaDeviceProp properties{};
  SCIMIX_CUDA_CHECK(cudaGetDeviceProperties(&properties, index));
  const int capability = properties.major * 10 + properties.minor;
  if (!has_code_for(SCIMIX_CUDA_ARCHITECTURES, capability)) {
    user_error("cuda:", index, " (", properties.name, ") has compute capability ", properties.major,
               ".", properties.minor, ", this program was compiled for SCIMIX_CUDA_ARCHITECTURES=",
               SCIMIX_CUDA_ARCHITECTURES,
               ": build it with -DSCIMIX_CUDA_ARCHITECTURES=", capability, ", or say --device cpu");
  }
  int before = -1;
  if (!selected.compare_exchange_strong(before, index) && before != index) {
    user_error("cuda:", index, ": this process already uses cuda:", before,
               ", expected the same GPU (one process uses one GPU)");
  }
  SCIMIX_CUDA_CHECK(cudaSetDevice(index));
}

int selected_device() {
  return std::max(selected.load(), 0);
}

void synchronize() {
  SCIMIX_CUDA_CHECK(cudaStreamSynchronize(current_stream()));
}

std::string describe(int index) {
  cudaDeviceProp properties{};
  SCIMIX_CUDA_CHECK(cudaGetDeviceProperties(&properties, index));
  return text(properties.name, " (cuda:", index, ")");
}

namespace {

// Switches to the relaxed capture mode: cudaMalloc during a stream capture is allowed only in it.
class RelaxedCapture {
 public:
  RelaxedCapture() { SCIMIX_CUDA_CHECK(cudaThreadExchangeStreamCaptureMode(&mode_)); }
  ~RelaxedCapture() { static_cast<void>(cudaThreadExchangeStreamCaptureMode(&mode_)); }
  RelaxedCapture(const RelaxedCapture&) = delete;
  RelaxedCapture& operator=(const RelaxedCapture&) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

}  // namespace

void* allocate(std::size_t bytes) {
  const RelaxedCapture relaxed;
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, bytes);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    return nullptr;
  }
  SCIMIX_CHECK(status == cudaSuccess, "CUDA error: ", cudaGetErrorString(status),
               " in cudaMalloc of ", bytes, " bytes");
  return memory;
}

void free(void* memory) noexcept {
  static_cast<void>(cudaFree(memory));
}

void copy(void* target, const void* source, std::size_t bytes, Direction direction, bool wait) {
  const cudaMemcpyKind kind = direction == Direction::to_host     ? cudaMemcpyDeviceToHost
                              : direction == Direction::from_host ? cudaMemcpyHostToDevice
                                                                  : cudaMemcpyDeviceToDevice;
  SCIMIX_CUDA_CHECK(cudaMemcpyAsync(target, source, bytes, kind, current_stream()));
  if (wait) synchronize();
}

void fill(void* target, unsigned char value, std::size_t bytes) {
  SCIMIX_CUDA_CHECK(cudaMemsetAsync(target, value, bytes, current_stream()));
}

}  // namespace scimix::cuda

#include "core/device_cuda.hpp"

#include <memory>

#include "core/cuda.hpp"

namespace scimix::cuda {

namespace {

struct StreamDeleter {
  void operator()(cudaStream_t stream) const noexcept {
    static_cast<void>(cudaStreamDestroy(stream));
  }
};
using StreamHandle = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, StreamDeleter>;

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
  // A machine without a driver or a GPU answers with an error: that is "none", not a failure.
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return 0;
  }
  return count;
}

void select_device(int index) {
  SCIMIX_CUDA_CHECK(cudaSetDevice(index));
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

// Memory can be had while a stream is captured, if one says that one knows.
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
  SCIMIX_CUDA_CHECK(status);
  return memory;
}

void free(void* memory) noexcept {
  static_cast<void>(cudaFree(memory));
}

void copy(void* target, const void* source, std::size_t bytes, bool wait) {
  SCIMIX_CUDA_CHECK(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDefault, current_stream()));
  if (wait) synchronize();
}

void fill(void* target, unsigned char value, std::size_t bytes) {
  SCIMIX_CUDA_CHECK(cudaMemsetAsync(target, value, bytes, current_stream()));
}

}  // namespace scimix::cuda

// The part of Thrust that the project calls, for the emulated GPU.
#pragma once

#include <cuda_runtime.h>

#include <functional>

namespace scimix::emulated {
// Queues `run` on a stream.
void on_stream(cudaStream_t stream, const char* name, std::function<void()> run);
}  // namespace scimix::emulated

namespace thrust::cuda {

template <class Allocator>
struct Policy {
  Allocator* allocator;
  cudaStream_t stream = nullptr;
  [[nodiscard]] Policy on(cudaStream_t s) const { return {allocator, s}; }
};

struct ParNosync {
  template <class Allocator>
  Policy<Allocator> operator()(Allocator& allocator) const {
    return {&allocator};
  }
};
inline constexpr ParNosync par_nosync;

}  // namespace thrust::cuda

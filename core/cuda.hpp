// The CUDA runtime, for *_cuda.cpp, *_cudnn.cpp, *_cublas.cpp and .cu files in core/ and kernels/.
// Headers that other folders include must not include this one.
#pragma once

#include <cuda_runtime.h>

#include "core/error.hpp"

#define SCIMIX_CUDA_CHECK(call) SCIMIX_CHECK_STATUS("CUDA", call, cudaSuccess, cudaGetErrorString)

namespace scimix::cuda {

// Returns the stream on which the calling thread's device runs all its work.
[[nodiscard]] cudaStream_t current_stream();

}  // namespace scimix::cuda

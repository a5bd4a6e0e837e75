// CUDA inside core and kernels: for *_cuda.cpp, *_cudnn.cpp, *_cublas.cpp and .cu files alone. No
// header that another folder includes may include this one.
#pragma once

#include <cuda_runtime.h>

#include "core/error.hpp"

#define SCIMIX_CUDA_CHECK(call) SCIMIX_CHECK_STATUS("CUDA", call, cudaSuccess, cudaGetErrorString)

namespace scimix::cuda {

// The stream on which the calling thread's device runs everything.
[[nodiscard]] cudaStream_t current_stream();

}  // namespace scimix::cuda

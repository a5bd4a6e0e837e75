// Programmatic dependent launch: from compute capability 9.0 on, a GPU can bring the blocks of a
// kernel onto its processors while the kernel before it in the stream is still finishing, which can
// hide a part of the time that a launch takes. The blocks then wait for that kernel (begin_kernel
// in kernels/launch/launch.hpp), so the results are the same.
// Source: CUDA C++ Programming Guide, "Programmatic Dependent Launch and Synchronization".
#pragma once

#include <cuda_runtime.h>

namespace scimix::cuda {

// Returns whether `kernel` may be launched early. Three conditions: the current GPU supports it
// (asked at the first call, since a process uses one GPU); the kernel was compiled for compute
// capability 9.0 or newer, since only then does it wait; and the environment does not say
// SCIMIX_PROGRAMMATIC_LAUNCH=0. Errors (user): the variable is neither 0 nor 1.
[[nodiscard]] bool launches_early(const void* kernel);

// Returns the attribute of a launch that may begin early.
[[nodiscard]] inline cudaLaunchAttribute early_launch() {
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  return attribute;
}

}  // namespace scimix::cuda

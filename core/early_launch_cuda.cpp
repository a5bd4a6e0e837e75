#include "core/early_launch_cuda.hpp"

#include <cstdlib>
#include <string_view>

#include "core/cuda.hpp"

namespace scimix::cuda {

namespace {

bool is_allowed() {
  const char* const value = std::getenv("SCIMIX_PROGRAMMATIC_LAUNCH");
  if (value == nullptr) return true;
  const std::string_view given = value;
  if (given != "0" && given != "1") {
    user_error("SCIMIX_PROGRAMMATIC_LAUNCH=", given, " in the environment: expected 0 or 1");
  }
  return given == "1";
}

bool current_gpu_can() {
  int device = 0;
  SCIMIX_CUDA_CHECK(cudaGetDevice(&device));
  int major = 0;
  SCIMIX_CUDA_CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
  return major >= 9;
}

}  // namespace

bool launches_early(const void* kernel) {
  static const bool possible = is_allowed() && current_gpu_can();
  if (!possible) return false;
  cudaFuncAttributes attributes{};
  SCIMIX_CUDA_CHECK(cudaFuncGetAttributes(&attributes, kernel));
  constexpr int kFirst = 90;
  return attributes.ptxVersion >= kFirst;  // the architecture that the source was compiled for
}

}  // namespace scimix::cuda

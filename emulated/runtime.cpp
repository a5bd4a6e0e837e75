// Devices and versions.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "emulated/gpu.hpp"

namespace {

thread_local int selected = 0;

// Returns a number from the environment, or `usual` if it is not set.
int number_of(const char* variable, int usual) {
  const char* const given = std::getenv(variable);
  return given == nullptr ? usual : std::atoi(given);
}

int device_total() {
  return number_of("SCIMIX_EMULATED_GPUS", 4);
}

}  // namespace

int scimix::emulated::compute_capability() {
  return number_of("SCIMIX_EMULATED_CAPABILITY", 90);
}

using namespace scimix::emulated;

cudaError_t cudaGetDeviceCount(int* count) {
  const Lock lock(gpu_mutex());
  *count = 0;
  if (const auto error = enter("cudaGetDeviceCount", "cuDeviceGetCount")) return failed(error);
  *count = device_total();
  return *count == 0 ? failed(cudaErrorNoDevice) : cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaSetDevice", "cuCtxSetCurrent")) return failed(error);
  if (device < 0 || device >= device_total()) return failed(cudaErrorInvalidDevice);
  selected = device;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  const Lock lock(gpu_mutex());
  *device = selected;
  return failed(enter("cudaGetDevice", "cuCtxGetDevice"));
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaGetDeviceProperties", "cuDeviceGetAttribute")) {
    return failed(error);
  }
  if (device < 0 || device >= device_total()) return failed(cudaErrorInvalidDevice);
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "emulated GPU");
  properties->totalGlobalMem = std::size_t{8} << 30;
  const int capability = compute_capability();
  properties->major = capability / 10;
  properties->minor = capability % 10;
  properties->multiProcessorCount = 132;
  properties->warpSize = 32;
  properties->maxThreadsPerBlock = 1024;
  return cudaSuccess;
}

// The runtime answers these without a driver, so other errors do not stop them.
cudaError_t cudaDriverGetVersion(int* version) {
  if (const int error = injected_error("cudaDriverGetVersion")) {
    return failed(static_cast<cudaError_t>(error));
  }
  *version = number_of("SCIMIX_EMULATED_DRIVER", CUDART_VERSION);
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  if (const int error = injected_error("cudaRuntimeGetVersion")) {
    return failed(static_cast<cudaError_t>(error));
  }
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaDeviceGetAttribute", "cuDeviceGetAttribute")) {
    return failed(error);
  }
  if (device < 0 || device >= device_total()) return failed(cudaErrorInvalidDevice);
  if (attribute != cudaDevAttrComputeCapabilityMajor) return failed(cudaErrorInvalidValue);
  *value = compute_capability() / 10;
  return cudaSuccess;
}

// Reports each kernel as compiled for the compute capability of the emulated GPU.
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* /*function*/) {
  const Lock lock(gpu_mutex());
  *attributes = {};
  if (const auto error = enter("cudaFuncGetAttributes", "cuFuncGetAttribute")) {
    return failed(error);
  }
  attributes->ptxVersion = compute_capability();
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  *attributes = {};
  attributes->type = is_device_address(pointer) ? cudaMemoryTypeDevice : cudaMemoryTypeUnregistered;
  return cudaSuccess;
}

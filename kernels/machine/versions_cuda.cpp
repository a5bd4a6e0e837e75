#include <cublas_v2.h>
#include <cudnn.h>

#include <fstream>
#include <regex>

#include "core/cuda.hpp"
#include "kernels/machine/versions.hpp"

namespace scimix::cuda {

namespace {

// Returns "13.0" for 13000.
std::string dotted(int version) {
  return text(version / 1000, ".", version % 1000 / 10);
}

// Returns the driver's version. CUDA's runtime only knows the newest CUDA version that the driver
// supports, so the version is read from Linux: "NVRM version: NVIDIA UNIX x86_64 Kernel Module
// 580.65.06  ...".
std::string driver() {
  int newest = 0;
  SCIMIX_CUDA_CHECK(cudaDriverGetVersion(&newest));
  std::ifstream file("/proc/driver/nvidia/version");
  std::string line;
  std::smatch found;
  if (std::getline(file, line) &&
      std::regex_search(line, found, std::regex("[0-9]+\\.[0-9]+(\\.[0-9]+)?"))) {
    return text(found.str(), " (CUDA ", dotted(newest), ")");
  }
  return text("CUDA ", dotted(newest));
}

std::string cublas() {
  const auto part = [](libraryPropertyType which) {
    int value = 0;
    SCIMIX_CHECK_STATUS("cuBLAS", cublasGetProperty(which, &value), CUBLAS_STATUS_SUCCESS,
                        cublasGetStatusString);
    return value;
  };
  return text(part(MAJOR_VERSION), ".", part(MINOR_VERSION), ".", part(PATCH_LEVEL));
}

std::string cudnn() {
  const std::size_t version = cudnnGetVersion();  // 91900 is 9.19.0
  return text(version / 10000, ".", version % 10000 / 100, ".", version % 100);
}

}  // namespace

std::vector<LibraryVersion> library_versions() {
  int runtime = 0;
  SCIMIX_CUDA_CHECK(cudaRuntimeGetVersion(&runtime));
  return {{"driver", driver()},
          {"CUDA runtime", dotted(runtime)},
          {"toolkit", dotted(CUDART_VERSION)},
          {"cuBLAS", cublas()},
          {"cuDNN", cudnn()}};
}

}  // namespace scimix::cuda

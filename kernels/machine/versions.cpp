#include "kernels/machine/versions.hpp"

#include <cblas.h>

#include <dnnl.hpp>
#include <sstream>

#include "core/error.hpp"
#include "core/with_cuda.hpp"

namespace scimix {

namespace cpu {

std::vector<LibraryVersion> library_versions() {
  const dnnl_version_t& onednn = *dnnl::version();
  // "OpenBLAS 0.3.21 DYNAMIC_ARCH ..."
  std::istringstream words(openblas_get_config());
  std::string name;
  std::string version;
  words >> name >> version;
  return {{"oneDNN", text(onednn.major, ".", onednn.minor, ".", onednn.patch)}, {name, version}};
}

}  // namespace cpu

std::vector<LibraryVersion> library_versions(Device device) {
  if constexpr (kWithCuda) {
    if (device.is_cuda()) return cuda::library_versions();
  }
  return cpu::library_versions();
}

std::vector<LibraryVersion> built_in_library_versions() {
  std::vector<LibraryVersion> all = cpu::library_versions();
  if constexpr (kWithCuda) {
    for (LibraryVersion& library : cuda::library_versions()) all.push_back(std::move(library));
  }
  return all;
}

}  // namespace scimix

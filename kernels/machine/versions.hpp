// The libraries that compute on a device, and their versions, for tables of measured times.
#pragma once

#include <string>
#include <vector>

#include "core/device.hpp"

namespace scimix {

struct LibraryVersion {
  std::string name;
  std::string version;
};

namespace cpu {
[[nodiscard]] std::vector<LibraryVersion> library_versions();
}
namespace cuda {
[[nodiscard]] std::vector<LibraryVersion> library_versions();
}

// For a GPU also the driver and the toolkit.
[[nodiscard]] std::vector<LibraryVersion> library_versions(Device device);

// Returns the libraries of every backend of this build. No GPU is needed.
[[nodiscard]] std::vector<LibraryVersion> built_in_library_versions();

}  // namespace scimix

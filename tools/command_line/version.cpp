#include "tools/command_line/version.hpp"

#include <fmt/format.h>

#include "kernels/machine/versions.hpp"
#include "scimix_build.hpp"  // cmake/WriteBuildHeader.cmake writes it

namespace scimix {

std::string version_number() {
  return SCIMIX_VERSION;
}

std::string version_text(const std::string& program) {
  std::string libraries;
  const auto add = [&](const std::string& name, const std::string& version) {
    libraries += fmt::format("{}{} {}", libraries.empty() ? "" : ", ", name, version);
  };
  for (const LibraryVersion& library : built_in_library_versions()) {
    add(library.name, library.version);
  }
  const std::string commit = SCIMIX_COMMIT;
  return fmt::format("{} {}{}\nbackends: {}\nlibraries: {}{}\n", program, SCIMIX_VERSION,
                     commit.empty() ? "" : " (commit " + commit + ")", SCIMIX_BACKENDS, libraries,
                     SCIMIX_LIBRARIES);
}

}  // namespace scimix

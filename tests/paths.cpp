#include "tests/paths.hpp"

namespace scimix {

std::filesystem::path source_dir() {
  return SCIMIX_SOURCE_DIR;
}

std::filesystem::path program_dir() {
  return SCIMIX_PROGRAM_DIR;
}

}  // namespace scimix

#include "core/installed_files.hpp"

#include <dlfcn.h>
#include <link.h>

#include <system_error>

namespace scimix {

namespace {

namespace fs = std::filesystem;

// Returns the folder of the program, library or Python module that contains this code, or an empty
// path if the system does not tell.
fs::path own_folder() {
  Dl_info info{};
  link_map* map = nullptr;
  const auto* const code = reinterpret_cast<const void*>(&find_preset);
  if (::dladdr1(code, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0) return {};
  const bool in_program = map == nullptr || map->l_name == nullptr || *map->l_name == '\0';
  std::error_code error;
  const fs::path file = fs::canonical(in_program ? "/proc/self/exe" : map->l_name, error);
  return error ? fs::path() : file.parent_path();
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

}  // namespace

fs::path find_preset(const fs::path& path) {
  if (path.is_absolute() || is_there(path)) return path;
  const fs::path own = own_folder();
  if (own.empty()) return path;
  // bin/ and lib/ of a prefix, lib/x86_64-linux-gnu/ of a prefix, and a Python package.
  for (const char* const share : {"../share/scimix", "../../share/scimix", "."}) {
    const fs::path found = (own / share / path).lexically_normal();
    if (is_there(found)) return found;
  }
  return path;
}

}  // namespace scimix

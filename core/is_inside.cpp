#include "core/is_inside.hpp"

#include <algorithm>
#include <system_error>

#include "core/paths.hpp"

namespace scimix {

bool is_inside(const std::filesystem::path& path, const std::filesystem::path& folder) {
  // A path that ends in a slash has an empty last part.
  const auto without_slash = [](const std::filesystem::path& p) {
    return p.has_filename() ? p : p.parent_path();
  };
  std::error_code inner_error;
  std::error_code outer_error;
  const auto inner =
      without_slash(std::filesystem::weakly_canonical(absolute_path(path), inner_error));
  const auto outer =
      without_slash(std::filesystem::weakly_canonical(absolute_path(folder), outer_error));
  if (inner_error || outer_error) return false;
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

}  // namespace scimix

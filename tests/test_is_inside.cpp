// Whether a path lies in a folder, however both are written.
#include <doctest/doctest.h>

#include <filesystem>

#include "core/is_inside.hpp"
#include "tests/temp_folder.hpp"

using namespace scimix;

TEST_CASE("is_inside: the folder itself, what lies in it, and what only looks like it") {
  const test::TempFolder folder;
  namespace fs = std::filesystem;
  fs::create_directories(folder / "birds/auk");
  fs::create_directory(folder / "birds2");
  fs::create_directory_symlink(folder / "birds", folder / "link");
  CHECK(is_inside(folder / "birds", folder / "birds"));
  CHECK(is_inside(folder / "birds/auk", folder / "birds"));
  CHECK(is_inside(folder / "birds/new/deep", folder / "birds"));  // does not exist yet
  CHECK(is_inside(folder / "birds/auk/", folder / "birds/"));
  CHECK(is_inside(folder / "birds2/../birds/auk", folder / "birds"));
  CHECK(is_inside(folder / "link/auk", folder / "birds"));
  CHECK(is_inside(folder / "birds/auk", folder / "link"));
  CHECK(!is_inside(folder / "birds2", folder / "birds"));
  CHECK(!is_inside(folder / "birds", folder / "birds/auk"));
  CHECK(!is_inside(folder / "birds/..", folder / "birds"));
}

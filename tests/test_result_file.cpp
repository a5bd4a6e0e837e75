// Results that a program writes where the user asks: what is replaced, and what never.
#include <doctest/doctest.h>
#include <unistd.h>

#include "core/result_file.hpp"
#include "program.hpp"
#include "temp_folder.hpp"
#include "user_errors.hpp"

using namespace scimix;
using test::has;
using test::TempFolder;
using test::user_error_or_none;

namespace {

std::string message_of(const std::filesystem::path& path) {
  return user_error_or_none([&] { check_result_file("--out", path, "made by us"); });
}

std::string folder_message_of(const std::filesystem::path& path) {
  return user_error_or_none([&] { check_result_folder("--out", path); });
}

}  // namespace

TEST_CASE("an earlier result is replaced, another file never is") {
  const TempFolder folder;
  CHECK(message_of(folder / "new").empty());
  test::write_bytes(folder / "mine", "a thesis");
  CHECK(has(message_of(folder / "mine"), "that this program did not write"));
  CHECK(test::read_bytes(folder / "mine") == "a thesis");
  test::write_bytes(folder / "ours", "...made by us...");
  CHECK(message_of(folder / "ours").empty());
  test::write_bytes(folder / "empty", "");
  CHECK(message_of(folder / "empty").empty());
  test::write_bytes(folder / "late", std::string(70'000, ' ').append("made by us"));
  CHECK(has(message_of(folder / "late"), "that this program did not write"));
  CHECK(has(message_of(folder.path()), "is a folder"));
  CHECK(has(message_of(folder / "none/x"), "there is no folder"));
  CHECK(has(message_of("/dev/null"), "is no regular file"));
  CHECK(has(message_of(folder / std::string(300, 'x')), "--out"));
}

TEST_CASE("a result folder is new or empty") {
  const TempFolder folder;
  CHECK(folder_message_of(folder / "a/b/c").empty());
  CHECK_FALSE(std::filesystem::exists(folder / "a"));
  std::filesystem::create_directories(folder / "empty");
  CHECK(folder_message_of(folder / "empty").empty());
  test::write_bytes(folder / "empty/x", "");
  CHECK(has(folder_message_of(folder / "empty"), "is not empty"));
  test::write_bytes(folder / "file", "");
  CHECK(has(folder_message_of(folder / "file"), "there is a file of that name"));
  CHECK(has(folder_message_of(folder / "file/below"), "is a file"));
}

TEST_CASE("a folder without the right to write is named before the work") {
  if (::geteuid() == 0) return;  // root may write everywhere
  const TempFolder folder;
  std::filesystem::permissions(
      folder.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  CHECK(has(message_of(folder / "x"), "Permission denied"));
  CHECK(has(folder_message_of(folder / "x"), "Permission denied"));
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
  // A file that cannot be read may be somebody else's.
  test::write_bytes(folder / "secret", "made by us");
  std::filesystem::permissions(folder / "secret", std::filesystem::perms::owner_write);
  CHECK(has(message_of(folder / "secret"), "that cannot be read"));
}

TEST_CASE("what a killed process has left of a result goes when it is made again") {
  const TempFolder folder;
  test::write_bytes(folder / ".x.png.999999999-0.tmp", "");  // no process has this number
  test::write_bytes(folder / ".y.png.999999999-0.tmp", "");
  test::write_bytes(folder / (".x.png." + std::to_string(::getpid()) + "-0.tmp"), "");
  std::filesystem::create_directories(folder / ".hybrids.999999999-0.tmp/a");
  CHECK(message_of(folder / "x.png").empty());
  CHECK(folder_message_of(folder / "hybrids").empty());
  CHECK(folder.count() == 2);
  CHECK(std::filesystem::exists(folder / ".y.png.999999999-0.tmp"));
}

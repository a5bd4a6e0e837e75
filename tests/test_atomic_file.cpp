// A file is replaced whole or not at all: shown with a disk that is full.
#include <doctest/doctest.h>

#include <span>
#include <string>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "tests/full_disk.hpp"
#include "tests/temp_folder.hpp"
#include "tests/user_errors.hpp"

using namespace scimix;
using scimix::test::message_on_full_disk;
using scimix::test::read_bytes;
using scimix::test::TempFolder;
using scimix::test::user_error_of;
using scimix::test::write_bytes;

TEST_CASE("atomic file: commit replaces, and leaves nothing else behind") {
  const TempFolder folder;
  const auto path = folder / "a.bin";
  write_bytes(path, "old");
  {
    AtomicFile file(path);
    file.write("new ");
    const int number = 0x64636261;
    file.write(std::as_bytes(std::span(&number, 1)));
    CHECK(read_bytes(path) == "old");  // not before the commit
    file.commit();
    CHECK_THROWS_WITH_AS(file.write("x"), doctest::Contains("after commit"), Error);
  }
  CHECK(read_bytes(path) == "new abcd");
  CHECK(folder.count() == 1);
}

TEST_CASE("atomic file: without commit nothing happened") {
  const TempFolder folder;
  const auto path = folder / "a.bin";
  { AtomicFile(path).write("x"); }
  CHECK(folder.count() == 0);
  write_bytes(path, "old");
  { AtomicFile(path).write("x"); }
  CHECK(read_bytes(path) == "old");
  CHECK(folder.count() == 1);
}

TEST_CASE("atomic file: two writers of one path do not mix") {
  const TempFolder folder;
  const auto path = folder / "a.bin";
  AtomicFile first(path);
  AtomicFile second(path);
  first.write("first");
  second.write("2");
  second.commit();
  CHECK(read_bytes(path) == "2");
  first.commit();
  CHECK(read_bytes(path) == "first");
  CHECK(folder.count() == 1);
}

TEST_CASE("atomic file: a new file takes no other's place") {
  const TempFolder folder;
  const auto path = folder / "a.bin";
  AtomicFile first(path);
  AtomicFile second(path);
  first.write("first");
  second.write("2");
  first.commit_new();
  CHECK(user_error_of([&] { second.commit_new(); }) ==
        path.string() + ": exists, expected the name of a new file");
  CHECK(read_bytes(path) == "first");
  CHECK(folder.count() == 1);
}

TEST_CASE("atomic file: a full disk is a user's error and keeps the old file") {
  const TempFolder folder;
  const auto path = folder / "a.bin";
  write_bytes(path, "old");
  const std::string message = message_on_full_disk(1000, [&] {
    AtomicFile file(path);
    file.write(std::string(600, 'x'));
    file.write(std::string(600, 'y'));  // 400 bytes of it fit: a short write, then an error
    file.commit();
  });
  CHECK(message == path.string() +
                       ": cannot write after 600 bytes: File too large, expected a disk with room "
                       "and a path that can be replaced; nothing was changed");
  CHECK(read_bytes(path) == "old");
  CHECK(folder.count() == 1);
}

TEST_CASE("atomic file: a missing folder or a folder in the way") {
  const TempFolder folder;
  const auto missing = folder / "no/a.bin";
  CHECK_THROWS_WITH_AS(AtomicFile{missing}, doctest::Contains("No such file or directory"), Error);
  const auto folder_in_the_way = folder / "b";
  std::filesystem::create_directory(folder_in_the_way);
  AtomicFile file(folder_in_the_way);
  file.write("x");
  CHECK_THROWS_WITH_AS(file.commit(), doctest::Contains("Is a directory"), Error);
  CHECK(folder.count() == 1);
}

TEST_CASE("append file: start modes") {
  const TempFolder folder;
  const auto path = folder / "log";
  AppendFile(path, AppendFile::Start::keep).append("a\n");
  AppendFile(path, AppendFile::Start::keep).append("b\n");
  CHECK(read_bytes(path) == "a\nb\n");
  CHECK_THROWS_WITH_AS(AppendFile(path, AppendFile::Start::new_file),
                       doctest::Contains("File exists"), Error);
  AppendFile(path, AppendFile::Start::empty).append("c\n");
  CHECK(read_bytes(path) == "c\n");
  CHECK_THROWS_WITH_AS(AppendFile(folder / "no/log", AppendFile::Start::keep),
                       doctest::Contains("No such file or directory"), Error);
}

TEST_CASE("append file: on a full disk a record is taken back as a whole") {
  const TempFolder folder;
  const auto path = folder / "log";
  const std::string message = message_on_full_disk(1000, [&] {
    AppendFile file(path, AppendFile::Start::keep);
    file.append(std::string(700, 'x'));
    file.append(std::string(700, 'y'));
  });
  CHECK(message == path.string() +
                       ": cannot append 700 bytes: File too large, expected a disk with room; "
                       "earlier records are kept");
  CHECK(read_bytes(path) == std::string(700, 'x'));
}

TEST_CASE("append file: a device that is full") {
  AppendFile file("/dev/full", AppendFile::Start::keep);
  CHECK_THROWS_WITH_AS(file.append("x"), doctest::Contains("No space left on device"), Error);
}

// How programs end with an error: the line on standard error, and the exit code.
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <iostream>
#include <new>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "command_line.hpp"
#include "core/error.hpp"
#include "tools/command_line/cli.hpp"

using namespace scimix;
using test::has;

namespace {

namespace fs = std::filesystem;

struct Ended {
  int exit_code = 0;
  std::string error;  // what was written to standard error
};

// Ends a program by an exception.
Ended ended_by(const std::function<void()>& body) {
  std::ostringstream caught;
  std::streambuf* const before = std::cerr.rdbuf(caught.rdbuf());
  const int exit_code = scimix::run_program("program", [&] {
    body();
    return 0;
  });
  std::cerr.rdbuf(before);
  return {exit_code, caught.str()};
}

}  // namespace

TEST_CASE("errors of the user's files and limits end with a line and exit code 2") {
  const std::vector<int> users{ENOENT, EACCES,       EPERM,  ENOSPC, EROFS,  EIO,    ENOTDIR,
                               EISDIR, ELOOP,        EMFILE, ENFILE, EDQUOT, ENOMEM, EFBIG,
                               ESTALE, ENAMETOOLONG, EBUSY,  EEXIST, EXDEV,  ENODEV};
  for (const int error : users) {
    const std::error_code code(error, std::generic_category());
    CAPTURE(code.message());
    const Ended by_path = ended_by([&] { throw fs::filesystem_error("x", "runs/a\nb", code); });
    CHECK(by_path.exit_code == 2);
    CHECK(by_path.error.starts_with("program: runs/a\\x0Ab: cannot be used: "));
    CHECK(std::ranges::count(by_path.error, '\n') == 1);
    const Ended by_two = ended_by([&] { throw fs::filesystem_error("x", "from", "to", code); });
    CHECK(by_two.error.starts_with("program: from, to: cannot be used: "));
    const Ended bare = ended_by([&] { throw fs::filesystem_error("x", code); });
    CHECK(bare.exit_code == 2);
    const Ended of_system =
        ended_by([&] { throw std::system_error(error, std::system_category(), "log.txt"); });
    CHECK(of_system.exit_code == 2);
    CHECK(has(of_system.error, "log.txt: "));
    CHECK(has(of_system.error, code.message()));
  }
  CHECK(ended_by([] { throw std::bad_alloc(); }).exit_code == 2);
  // A real one: a folder cannot be made inside a file.
  const Ended real = ended_by([] { fs::create_directories("/dev/null/folder"); });
  CHECK(real.exit_code == 2);
  CHECK(has(real.error, "/dev/null"));
  CHECK(has(real.error, "Not a directory"));
}

TEST_CASE("errors of this program end with exit code 70") {
  const auto code_of = [](int error) {
    return ended_by([&] { throw std::system_error(error, std::generic_category(), "x"); });
  };
  for (const int error : {EINVAL, EBADF, EFAULT, EDEADLK}) {
    CAPTURE(error);
    CHECK(code_of(error).exit_code == 70);
    CHECK(has(code_of(error).error, "unexpected: "));
  }
  const std::error_code wrong_call(EINVAL, std::generic_category());
  CHECK(ended_by([&] { throw fs::filesystem_error("x", "a", wrong_call); }).exit_code == 70);
  // A number of another library means something else.
  CHECK(ended_by([] {
          throw std::system_error(std::make_error_code(std::io_errc::stream));
        }).exit_code == 70);
  CHECK(ended_by([] { throw std::logic_error("x"); }).exit_code == 70);
  CHECK(ended_by([] { SCIMIX_CHECK(false, "x"); }).exit_code == 70);
  CHECK(ended_by([] {}).exit_code == 0);
}

#include "data/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <string>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"

namespace scimix {

std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  const auto fail = [&](int error) {
    user_error(shown(path), ": cannot be read: ", reason_of(error));
  };
  const PathKind kind = path_kind(path);
  if (kind == PathKind::missing) user_error(shown(path), ": no such file");
  if (kind != PathKind::file) user_error(shown(path), ": not a file");
  // O_NONBLOCK: should a pipe take the file's place meanwhile, opening it must not wait for ever.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) fail(errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail(errno);
  std::vector<std::uint8_t> bytes;
  try {
    bytes.resize(static_cast<std::size_t>(status.st_size));
  } catch (const std::bad_alloc&) {
    user_error(shown(path), ": is ", status.st_size, " bytes long, more than memory has room for");
  }
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t n = ::read(file.get(), bytes.data() + got, bytes.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno);
    if (n == 0) {
      user_error(shown(path), ": read ", got, " bytes, expected ", bytes.size());
    }
    got += static_cast<std::size_t>(n);
  }
  return bytes;
}

}  // namespace scimix

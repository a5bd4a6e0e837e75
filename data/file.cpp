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

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
  user_error(shown(path), ": cannot be read: ", reason_of(error));
}

// As read(2), but goes on after a signal. Errors (user): the system's.
std::size_t read_some(const FileDescriptor& file, const std::filesystem::path& path,
                      std::uint8_t* to, std::size_t most) {
  for (;;) {
    const ssize_t n = ::read(file.get(), to, most);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) fail(path, errno);
  }
}

}  // namespace

std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  const PathKind kind = path_kind(path);
  if (kind == PathKind::missing) user_error(shown(path), ": no such file");
  if (kind != PathKind::file) user_error(shown(path), ": not a file");
  // O_NONBLOCK: should a pipe take the file's place meanwhile, opening it must not wait for ever.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) fail(path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail(path, errno);
  std::vector<std::uint8_t> bytes;
  try {
    bytes.resize(static_cast<std::size_t>(status.st_size));
  } catch (const std::bad_alloc&) {
    user_error(shown(path), ": is ", status.st_size, " bytes long, more than memory has room for");
  }
  std::size_t got = 0;
  while (got < bytes.size()) {
    const std::size_t n = read_some(file, path, bytes.data() + got, bytes.size() - got);
    if (n == 0) {
      user_error(shown(path), ": read ", got, " bytes, expected ", bytes.size());
    }
    got += n;
  }
  return bytes;
}

std::vector<std::uint8_t> read_file_or_stream(const std::filesystem::path& path) {
  if (path_kind(path) != PathKind::other) return read_file(path);
  constexpr std::size_t kMostBytes = std::size_t{16} << 20;
  constexpr std::size_t kAtOnce = std::size_t{1} << 16;
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) fail(path, errno);
  std::vector<std::uint8_t> bytes;
  for (std::size_t n = 1; n > 0;) {
    const std::size_t got = bytes.size();
    if (got > kMostBytes) user_error(shown(path), ": more than 16 MiB, expected a small file");
    bytes.resize(got + kAtOnce);
    n = read_some(file, path, bytes.data() + got, kAtOnce);
    bytes.resize(got + n);
  }
  return bytes;
}

std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

std::string_view text_in(std::span<const std::uint8_t> bytes) {
  return without_byte_order_mark({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace scimix

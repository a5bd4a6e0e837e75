#include "core/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/paths.hpp"

namespace scimix {
namespace {

constexpr mode_t kMode = 0666;  // narrowed by the user's umask

// Returns 0 or an errno. write(2) may write less than asked, and at most 2 GiB in one call.
int write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return ENOSPC;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return 0;
}

// Makes a rename durable. It has happened already, and some file systems refuse to sync a folder,
// so a failure here is no reason to report that the file was not written.
void sync_folder(const std::filesystem::path& folder) {
  const FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.is_open()) ::fsync(fd.get());
}

// Renames a file to a name that no file has yet. Returns 0 or an errno, EEXIST if the name is
// taken.
int rename_to_new(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno == EEXIST) return errno;
  // Where the system or the file system cannot do it: a link is not made over a file either. If the
  // old name stays, it is a leftover (remove_leftovers).
  if (::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return 0;
  }
  if (errno == EEXIST) return errno;
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

constexpr std::size_t kLongestName = 220;

// Several processes may write the same path at once, so the name holds the process and O_EXCL
// decides; the number steps over files that a killed process of the same number left. File systems
// allow names of 255 bytes, so a long name is cut to make room for the rest.
FileDescriptor create_temporary(const std::filesystem::path& path,
                                std::filesystem::path& temporary) {
  constexpr int kAttempts = 1000;
  const std::string name = path.filename().string();
  // A final name that is too long is refused now, not when the file is already written.
  if (name.size() > 255) {
    errno = ENAMETOOLONG;
    return {};
  }
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    temporary = parent_folder(path) /
                text('.', name.substr(0, kLongestName), '.', ::getpid(), '-', attempt, ".tmp");
    FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
    if (file.is_open() || errno != EEXIST) return file;
  }
  return {};
}

}  // namespace

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

int FileDescriptor::close() {
  if (fd_ < 0) return 0;
  return ::close(std::exchange(fd_, -1)) == 0 ? 0 : errno;
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  file_ = create_temporary(path_, temporary_);
  if (!file_.is_open()) {
    user_error(shown(path_), ": cannot create a file in ", shown(parent_folder(path_)), ": ",
               reason_of(errno), ", expected an existing folder with the right to write");
  }
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  SCIMIX_CHECK(file_.is_open(), shown(path_), ": write after commit or failure");
  if (const int error = write_all(file_.get(), bytes)) fail("write", error);
  written_ += bytes.size();
}

void AtomicFile::write(std::string_view characters) {
  write(std::as_bytes(std::span(characters)));
}

void AtomicFile::finish_writing() {
  SCIMIX_CHECK(file_.is_open(), shown(path_), ": commit after commit or failure");
  if (::fsync(file_.get()) != 0) fail("write", errno);
  if (const int error = file_.close()) fail("write", error);
}

void AtomicFile::commit_new() {
  finish_writing();
  if (const int error = rename_to_new(temporary_, path_)) {
    if (error != EEXIST) fail("create", error);
    discard();
    user_error(shown(path_), ": exists, expected the name of a new file");
  }
  temporary_.clear();
  sync_folder(parent_folder(path_));
}

void AtomicFile::commit() {
  finish_writing();
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("replace", errno);
  temporary_.clear();
  sync_folder(parent_folder(path_));
}

void AtomicFile::fail(std::string_view action, int error) {
  discard();
  user_error(shown(path_), ": cannot ", action, " after ", written_, " bytes: ", reason_of(error),
             ", expected a disk with room and a path that can be replaced; nothing was changed");
}

void AtomicFile::discard() {
  file_.close();
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

namespace {

// Returns the process that made the temporary file of this name, or 0 where it is none.
pid_t maker_of(std::string_view file, std::string_view name) {
  constexpr std::string_view kEnd = ".tmp";
  if (!file.starts_with('.') || !file.ends_with(kEnd)) return 0;
  file = file.substr(1, file.size() - 1 - kEnd.size());
  const std::size_t dot = file.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return 0;
  if (!name.empty() && file.substr(0, dot) != name.substr(0, kLongestName)) return 0;
  const std::string numbers(file.substr(dot + 1));
  int process = 0;
  int number = 0;
  int length = 0;
  const int found = std::sscanf(numbers.c_str(), "%d-%d%n", &process, &number, &length);
  const bool whole = found == 2 && static_cast<std::size_t>(length) == numbers.size();
  return whole && process > 0 ? process : 0;
}

}  // namespace

void remove_leftovers(const std::filesystem::path& folder, std::string_view name) {
  std::error_code unreadable;  // then there is nothing that could be removed
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder, unreadable)) {
    const pid_t maker = maker_of(entry.path().filename().native(), name);
    const bool runs = maker > 0 && (::kill(maker, 0) == 0 || errno == EPERM);
    if (maker > 0 && !runs) found.push_back(entry.path());
  }
  for (const std::filesystem::path& path : found) std::filesystem::remove_all(path, unreadable);
}

AppendFile::AppendFile(std::filesystem::path path, Start start) : path_(std::move(path)) {
  int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  if (start == Start::empty) flags |= O_TRUNC;
  if (start == Start::new_file) flags |= O_EXCL;
  file_ = FileDescriptor(::open(path_.c_str(), flags, kMode));
  if (!file_.is_open()) {
    user_error(shown(path_), ": cannot open for writing: ", reason_of(errno),
               ", expected a file in an existing folder with the right to write");
  }
}

void AppendFile::append(std::span<const std::byte> bytes) {
  struct stat before {};
  SCIMIX_CHECK(::fstat(file_.get(), &before) == 0, shown(path_), ": ", reason_of(errno));
  const int error = write_all(file_.get(), bytes);
  if (error == 0) return;
  // Takes back the part of the record that did fit. A pipe or a terminal can't be cut, and
  // there is nothing to keep whole there.
  if (S_ISREG(before.st_mode) && ::ftruncate(file_.get(), before.st_size) != 0) {
    user_error(shown(path_), ": cannot append ", bytes.size(), " bytes: ", reason_of(error),
               ", and the half-written record cannot be removed: ", reason_of(errno),
               ", expected a disk with room");
  }
  user_error(shown(path_), ": cannot append ", bytes.size(), " bytes: ", reason_of(error),
             ", expected a disk with room; earlier records are kept");
}

void AppendFile::append(std::string_view characters) {
  append(std::as_bytes(std::span(characters)));
}

}  // namespace scimix

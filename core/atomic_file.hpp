// Writes files so that a reader never sees an incomplete one.
//
// AtomicFile replaces a file in one step. AppendFile appends whole records to a file. An error (a
// full disk, a missing folder) is a user_error that names the file and the system's reason; the
// file then has its previous contents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace scimix {

// Owns an open file descriptor; -1 means none.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() { close(); }
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  // Closes the file. Returns 0 or the errno of close(2), by which a network file system may report
  // that its disk was full.
  int close();

 private:
  int fd_ = -1;
};

// Writes a hidden temporary file in the folder of `path`, and replaces `path` by it on commit().
// Without a commit (an exception, an early return) the temporary file is removed and `path` keeps
// its old content. If the process is killed, a ".NAME.PID-N.tmp" remains, which no program reads
// and remove_leftovers removes.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view characters);
  // Writes the data to the disk (fsync) before it renames the file, so that after a power cut
  // `path` is the old file or the new one.
  void commit();
  // As commit(), but a user_error if `path` exists by now, which then keeps its content. (On a
  // file system without hard links and without a rename that refuses to replace, it is replaced.)
  void commit_new();

 private:
  void finish_writing();
  [[noreturn]] void fail(std::string_view action, int error);
  void discard();

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  FileDescriptor file_;
  std::uint64_t written_ = 0;
};

// Removes from `folder` what processes that were killed have left there: temporary files and
// folders called ".NAME.PID-N.tmp" whose process does not run on this machine. With a `name`, only
// those of this name. Call it where no process of another machine writes into the folder.
void remove_leftovers(const std::filesystem::path& folder, std::string_view name = {});

// A log file. Each append() writes its whole record before it returns, or nothing. Records survive
// if the process is killed. A power cut may lose the last records: waiting for the disk after each
// record would cost too much time.
class AppendFile {
 public:
  enum class Start {
    empty,     // remove the contents of an existing file
    keep,      // append to an existing file, or create it
    new_file,  // a user_error if the file exists
  };
  AppendFile(std::filesystem::path path, Start start);

  void append(std::span<const std::byte> bytes);
  void append(std::string_view characters);
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  FileDescriptor file_;
};

}  // namespace scimix

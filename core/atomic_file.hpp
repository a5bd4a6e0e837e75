// Writing files so that what stands on the disk is always whole.
//
// AtomicFile replaces a file in one move; AppendFile adds whole records to the end of one. Whatever
// goes wrong (a full disk, a missing folder) is a user_error that names the file and the system's
// reason, and the file holds what it held before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace scimix {

// Owns an open file descriptor; -1 is "none".
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() { close(); }
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  // Returns 0 or the errno of close(2): a network disk may report there that it was full.
  int close();

 private:
  int fd_ = -1;
};

// Writes next to `path`, under a hidden temporary name, and takes the place of `path` on commit().
// Without a commit (an exception, an early return) the temporary file is removed and `path` keeps
// its old content. Only a killed process leaves a ".NAME.PID-N.tmp" behind, which nothing reads
// and remove_leftovers removes.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view characters);
  // Brings the bytes to the disk (fsync) before the new name does, so that a power cut leaves the
  // old file or the new one.
  void commit();

 private:
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

// A log: each append() is in the file when it returns, or not at all. It survives the end of the
// process, however sudden; a power cut may take the last records, which is not worth a wait each.
class AppendFile {
 public:
  enum class Start {
    empty,     // whatever the file held is dropped
    keep,      // append to what is there; created where missing
    new_file,  // a user_error where the file exists
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

// A lock on a run folder: while one process trains in the folder, others are refused.
#pragma once

#include <filesystem>

#include "core/atomic_file.hpp"

namespace scimix {

class RunLock {
 public:
  enum class Method {
    automatic,   // a lock of the file system, or by_content if the file system has no locks
    by_content,  // the content of the file decides; for tests
  };
  // Locks `folder`, which must exist, by a file `lock` in it that names this process and its host.
  // A lock of the file system ends with its process, also if that is killed; the next process then
  // takes over the file. Without such locks, a process takes over the file unless it names a
  // running process of this host. Errors (user): another process holds the lock; the message names
  // it. The file cannot be created.
  explicit RunLock(const std::filesystem::path& folder, Method method = Method::automatic);
  // Removes the file.
  ~RunLock();
  RunLock(RunLock&& other) noexcept = default;
  RunLock& operator=(RunLock&&) = delete;

 private:
  std::filesystem::path path_;
  FileDescriptor file_;
};

}  // namespace scimix

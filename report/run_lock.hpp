// One owner of a run folder: while a process trains in it, a second one is refused.
#pragma once

#include <filesystem>

#include "core/atomic_file.hpp"

namespace scimix {

class RunLock {
 public:
  enum class Method {
    automatic,   // a lock of the file system, or the content of the file where it has none
    by_content,  // for tests: as where the file system has no locks
  };
  // Locks `folder`, which must exist, by a file `lock` in it that names this process and its host.
  // A lock of the file system ends with its process, however that ends: what a killed run left
  // behind is taken over. Without such locks, a file is taken over unless it names a living process
  // of this host. Errors (user): the folder has an owner, who is named; the file cannot be made.
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

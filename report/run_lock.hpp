// Locks a run folder, so that only one process at a time trains in the folder.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "core/atomic_file.hpp"

namespace scimix {

class RunLock {
 public:
  enum class Method {
    automatic,   // also use a lock of the file system, if it supports locks
    by_content,  // for tests: behave as on a file system without locks
  };
  struct Timing {
    // The interval in which an owner renews the file, and the time after which an owner on another
    // machine counts as dead if it has not renewed the file.
    std::chrono::milliseconds renewal{5'000};
    std::chrono::milliseconds patience{20'000};
  };
  // Locks `folder`, which must exist, by a file `lock` in it. The file names this process, which
  // renews the file as long as it lives. If the file exists already, its owner is alive
  // * if the owner holds a lock of the file system, which ends with its process in any case;
  // * on this machine, if a process of this number and starting time exists;
  // * on another machine, if the file is renewed while it is watched for `patience`.
  // The file of a dead owner is taken over. The clocks of machines are not compared. Errors (user):
  // the folder has a live owner, which the message names; the file cannot be created.
  explicit RunLock(const std::filesystem::path& folder, Method method = Method::automatic)
      : RunLock(folder, method, Timing()) {}
  RunLock(const std::filesystem::path& folder, Method method, Timing timing);
  // Removes the file, if this process still owns it.
  ~RunLock();
  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&&) = delete;

  // Checks that this process still owns the folder. Errors (user): another process has taken the
  // folder over, because this process was suspended for too long.
  void check() const;

 private:
  class Renewal;

  std::filesystem::path path_;
  FileDescriptor file_;
  std::string mark_;
  bool locked_ = false;  // this process holds a lock of the file system
  std::unique_ptr<Renewal> renewal_;
};

}  // namespace scimix

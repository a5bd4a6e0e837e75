// A lock on a run folder: while one process trains in the folder, others are refused.
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
    automatic,   // also by a lock of the file system, where it has them
    by_content,  // for tests: as where the file system has no locks
  };
  struct Timing {
    // How often an owner renews its mark, and how long another machine's mark may stand still
    // before its owner counts as dead.
    std::chrono::milliseconds renewal{5'000};
    std::chrono::milliseconds patience{20'000};
  };
  // Locks `folder`, which must exist, by a file `lock` in it that names this process, and that this
  // process renews as long as it lives. A dead owner is told from a live one:
  // * by a lock of the file system, which ends with its process, however that ends;
  // * on this machine, by the process and the time at which it started;
  // * on another machine, by whether the file is renewed: it is watched for `patience`.
  // What a dead owner has left is taken over. The clocks of machines are not compared. Errors
  // (user): the folder has an owner, who is named; the file cannot be made.
  explicit RunLock(const std::filesystem::path& folder, Method method = Method::automatic)
      : RunLock(folder, method, Timing()) {}
  RunLock(const std::filesystem::path& folder, Method method, Timing timing);
  // Removes the file, if it is still this process's.
  ~RunLock();
  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&&) = delete;

  // Checks that this process still owns the folder. Errors (user): another process has taken the
  // folder over, since this one was stopped for long.
  void check() const;

 private:
  class Renewal;

  std::filesystem::path path_;
  FileDescriptor file_;
  std::string mark_;
  bool locked_ = false;  // by the file system
  std::unique_ptr<Renewal> renewal_;
};

}  // namespace scimix

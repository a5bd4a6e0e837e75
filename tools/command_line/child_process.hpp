// Starts other programs as child processes.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace scimix {

struct ChildCommand {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::filesystem::path log;                                     // receives its output, appended
  std::vector<std::pair<std::string, std::string>> environment;  // variables set for it
};

// A child process. It gets SIGTERM when this process ends, for whatever reason, so that a training
// run writes a checkpoint and no child keeps running.
class ChildProcess {
 public:
  // Starts the program. Call this in the main thread, because the child gets SIGTERM when the
  // thread that started it ends. Errors (user): the log cannot be written, the program cannot be
  // started.
  explicit ChildProcess(const ChildCommand& command);
  // Sends SIGTERM and waits, if the program still runs.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  ChildProcess& operator=(ChildProcess&&) = delete;

  // Returns the exit code (128 + N after signal N) if the program has ended, otherwise nothing.
  [[nodiscard]] std::optional<int> ended();
  // Sends SIGTERM to the program.
  void terminate() const;

 private:
  pid_t id_ = -1;
};

}  // namespace scimix

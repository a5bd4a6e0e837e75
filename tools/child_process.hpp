// Programs that run beside this one.
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
  std::filesystem::path log;                                     // what it prints is appended here
  std::vector<std::pair<std::string, std::string>> environment;  // set for it
};

// A program that was started and has not been waited for. It gets SIGTERM when this process ends,
// however that ends, so that a run writes a checkpoint and no process goes on alone.
class ChildProcess {
 public:
  // Start it from the main thread, at whose end the system sends SIGTERM. Errors (user): the log
  // cannot be written, the program cannot be started.
  explicit ChildProcess(const ChildCommand& command);
  // Sends SIGTERM and waits, if the program still runs.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  ChildProcess& operator=(ChildProcess&&) = delete;

  // Returns the exit code once the program has ended, 128 + N when it was ended by signal N.
  [[nodiscard]] std::optional<int> ended();
  // Asks it to end.
  void terminate() const;

 private:
  pid_t id_ = -1;
};

}  // namespace scimix

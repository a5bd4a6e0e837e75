#include "tools/command_line/child_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"

extern char** environ;

namespace scimix {

namespace {

constexpr int kCannotStart = 127;

// Returns the environment of this process, in which `values` replace variables of the same name.
// The variables by which a launcher of MPI tells a process its rank are left out: a child has no
// rank of its own.
std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& values) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string word = *entry;
    bool replaced =
        word.starts_with("OMPI_") || word.starts_with("PMIX_") || word.starts_with("PMI_");
    for (const auto& [name, value] : values) replaced |= word.starts_with(name + "=");
    if (!replaced) all.push_back(word);
  }
  for (const auto& [name, value] : values) {
    std::string entry = name;
    entry.append("=").append(value);
    all.push_back(std::move(entry));
  }
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

ChildProcess::ChildProcess(const ChildCommand& command) {
  const FileDescriptor log(
      ::open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log.is_open()) user_error(shown(command.log), ": cannot be written: ", reason_of(errno));
  // Allocates all memory that the child needs before the fork. After it, the child must not
  // allocate, since another thread may have held the allocator's lock during the fork.
  std::vector<std::string> words = command.arguments;
  words.insert(words.begin(), command.program.string());
  std::vector<std::string> environment = environment_with(command.environment);
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> envp = pointers(environment);
  const pid_t parent = ::getpid();
  id_ = ::fork();
  if (id_ < 0) user_error(shown(command.program), ": cannot be started: ", reason_of(errno));
  if (id_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int none = ::open("/dev/null", O_RDONLY);
  if (::getppid() != parent || none < 0 || ::dup2(none, STDIN_FILENO) < 0 ||
      ::dup2(log.get(), STDOUT_FILENO) < 0 || ::dup2(log.get(), STDERR_FILENO) < 0) {
    ::_exit(kCannotStart);
  }
  ::execve(argv[0], argv.data(), envp.data());
  ::_exit(kCannotStart);
}

ChildProcess::~ChildProcess() {
  if (id_ < 0) return;
  terminate();
  int status = 0;
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
}

std::optional<int> ChildProcess::ended() {
  int status = 0;
  if (id_ < 0 || ::waitpid(id_, &status, WNOHANG) != id_) return std::nullopt;
  id_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void ChildProcess::terminate() const {
  if (id_ > 0) ::kill(id_, SIGTERM);
}

}  // namespace scimix

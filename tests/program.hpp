// Runs one of the project's programs, or one of the system's, in a child process.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "run_files.hpp"
#include "temp_folder.hpp"
#include "tests/paths.hpp"

namespace scimix::test {

struct ProgramResult {
  int exit_code = -1;  // -N when it was ended by signal N
  std::string out;
  std::string error;
};

// A running program; its output goes to files in `folder`.
class Program {
 public:
  Program(const TempFolder& folder, const std::string& name, std::vector<std::string> arguments)
      : out_(folder / "stdout.txt"), error_(folder / "stderr.txt") {
    const bool own = name.starts_with("scimix_");
    const std::string path = own ? program_dir().string() + "/" + name : name;
    std::vector<char*> argv;
    arguments.insert(arguments.begin(), path);
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      // Under nohup, SIGHUP is ignored, and programs inherit this: they would not end by it.
      ::signal(SIGHUP, SIG_DFL);
      redirect(out_, STDOUT_FILENO);
      redirect(error_, STDERR_FILENO);
      ::execvp(path.c_str(), argv.data());
      ::_exit(127);
    }
  }

  // Waits for a file that the program writes, and leaves there, while it runs; fails if it ends, or
  // takes minutes.
  void wait_for(const std::filesystem::path& path) const {
    CAPTURE(path);
    wait_until([&] { return std::filesystem::exists(path); });
  }

  // Waits for a checkpoint of at least so many steps. A run soon deletes a checkpoint for newer
  // ones, so its file may come and go unseen.
  void wait_for_checkpoint(const std::filesystem::path& run, int steps) const {
    CAPTURE(run);
    CAPTURE(steps);
    wait_until([&] { return newest_checkpoint(run) >= steps; });
  }

  void signal(int number) const { ::kill(child_, number); }
  [[nodiscard]] pid_t process() const { return child_; }

  [[nodiscard]] ProgramResult wait() const {
    int status = 0;
    REQUIRE(::waitpid(child_, &status, 0) == child_);
    ProgramResult result;
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    result.out = read_bytes(out_);
    result.error = read_bytes(error_);
    return result;
  }

 private:
  void wait_until(const std::function<bool()>& reached) const {
    for (int i = 0; !reached(); ++i) {
      REQUIRE(i < 60'000);
      siginfo_t ended{};
      REQUIRE(::waitid(P_PID, static_cast<id_t>(child_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0);
      REQUIRE_MESSAGE(ended.si_pid == 0, "the program ended early: ", read_bytes(error_));
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
  }

  static void redirect(const std::filesystem::path& path, int to) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || ::dup2(file, to) < 0) ::_exit(126);
  }

  std::filesystem::path out_;
  std::filesystem::path error_;
  pid_t child_ = -1;
};

inline ProgramResult run_program(const std::string& name, std::vector<std::string> arguments) {
  const TempFolder folder;
  return Program(folder, name, std::move(arguments)).wait();
}

// Runs a program, which must succeed.
inline ProgramResult run_to_success(const std::string& name, std::vector<std::string> arguments) {
  ProgramResult result = run_program(name, std::move(arguments));
  CAPTURE(result.error);
  REQUIRE(result.exit_code == 0);
  return result;
}

[[nodiscard]] inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline int occurrences(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

// Checks that `text` has each of `parts`.
inline void check_has(const std::string& text, const std::vector<std::string>& parts) {
  CAPTURE(text);
  for (const std::string& part : parts) {
    CAPTURE(part);
    CHECK(has(text, part));
  }
}

// Of a mistake: exit code 2, and one line in which every one of `words` stands.
inline void check_mistake(const std::string& name, std::vector<std::string> arguments,
                          const std::vector<std::string>& words) {
  const ProgramResult result = run_program(name, std::move(arguments));
  CAPTURE(result.error);
  CHECK(result.exit_code == 2);
  CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
  CHECK(result.error.starts_with(name + ": "));
  check_has(result.error, words);
}

}  // namespace scimix::test

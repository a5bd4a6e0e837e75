// A full disk for tests: a limit on the size of files, which any user may set on an own process.
#pragma once

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

#include "core/error.hpp"

namespace scimix::test {

// Runs `action` in a child process in which no file may grow beyond `limit` bytes, and returns the
// message of the user_error that it threw ("" for none, "bug: ..." for any other exception).
inline std::string message_on_full_disk(rlim_t limit, const std::function<void()>& action) {
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit size{limit, limit};
    std::signal(SIGXFSZ, SIG_IGN);  // write(2) then returns EFBIG
    std::string message;
    if (::setrlimit(RLIMIT_FSIZE, &size) != 0) message = "bug: setrlimit";
    try {
      action();
    } catch (const Error& error) {
      message = (error.fault() == Fault::user ? "" : "bug: ") + std::string(error.what());
    }
    const bool sent = ::write(pipe_ends[1], message.data(), message.size()) >= 0;
    ::_exit(sent ? 0 : 1);  // leaves doctest's state and the parent's files alone
  }
  ::close(pipe_ends[1]);
  std::string message(4096, '\0');
  const ssize_t n = ::read(pipe_ends[0], message.data(), message.size());
  ::close(pipe_ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  REQUIRE(n >= 0);
  message.resize(static_cast<std::size_t>(n));
  return message;
}

}  // namespace scimix::test

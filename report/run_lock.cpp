#include "report/run_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <string>
#include <system_error>

#include "core/error.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

std::string own_mark() {
  std::array<char, 32> now{};
  const std::time_t seconds = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::strftime(now.data(), now.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return fmt::format("process {} on {} since {}\n", ::getpid(), host_name(), now.data());
}

// The line in the file, without its end; empty where there is none.
std::string mark_in(int file) {
  std::array<char, 512> text{};
  const ssize_t count = ::pread(file, text.data(), text.size(), 0);
  std::string mark(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  return mark.substr(0, mark.find('\n'));
}

bool names_living_process(const std::string& mark) {
  long process = 0;
  std::array<char, 256> host{};
  if (std::sscanf(mark.c_str(), "process %ld on %255s", &process, host.data()) != 2) return false;
  if (host.data() != host_name() || process <= 0 || process == ::getpid()) return false;
  return ::kill(static_cast<pid_t>(process), 0) == 0 || errno == EPERM;
}

[[noreturn]] void refuse(const fs::path& path, const std::string& owner) {
  user_error(path.parent_path().string(), ": is being trained by ",
             owner.empty() ? "another process" : owner, "; a run has one owner at a time");
}

// The file that was opened is still the one under this name: an owner that ended in between has
// removed it.
bool is_current(int file, const fs::path& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(file, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

}  // namespace

RunLock::RunLock(const fs::path& folder, Method method) : path_(folder / "lock") {
  for (;;) {
    file_ = FileDescriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!file_.is_open()) {
      user_error(path_.string(),
                 ": cannot make this file: ", std::generic_category().message(errno));
    }
    const bool system = method == Method::automatic;
    const int fault = system && ::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 ? errno : 0;
    if (fault == EWOULDBLOCK) refuse(path_, mark_in(file_.get()));
    if (fault == EINTR) continue;
    if ((!system || fault != 0) && names_living_process(mark_in(file_.get()))) {
      refuse(path_, mark_in(file_.get()));
    }
    if (is_current(file_.get(), path_)) break;
  }
  const std::string mark = own_mark();
  // Who cannot write this line owns the folder all the same: it is there to be read by people.
  if (::ftruncate(file_.get(), 0) == 0) {
    [[maybe_unused]] const auto written = ::pwrite(file_.get(), mark.data(), mark.size(), 0);
  }
}

RunLock::~RunLock() {
  if (!file_.is_open()) return;  // moved from
  std::error_code ignored;
  fs::remove(path_, ignored);
}

}  // namespace scimix

#include "report/run_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <mutex>
#include <sstream>
#include <system_error>
#include <thread>

#include "core/error.hpp"
#include "core/paths.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

std::string now() {
  std::array<char, 32> written{};
  const std::time_t seconds = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::strftime(written.data(), written.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return written.data();
}

// Tells machines apart, and containers that count processes on their own: hosts may have equal
// names.
std::string machine() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::error_code unknown;
  const fs::path processes = fs::read_symlink("/proc/self/ns/pid", unknown);
  return (boot.empty() ? host_name() : boot) + processes.string();
}

// The time at which a process started, in ticks since the machine's start; empty where it does not
// run. The number of a process may have gone to another one since. Source: proc(5), field 22 of
// /proc/PID/stat, whose second field is a name in parentheses.
std::string start_of(long process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return "";
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  return field;
}

// The file holds two lines: the owner for people, and where and when it started.
std::string own_mark() {
  return fmt::format("process {} on {} since {}\nmachine {} start {}", ::getpid(), host_name(),
                     now(), machine(), start_of(::getpid()));
}

struct Mark {
  std::string owner;    // the first line
  std::string whole;    // all of it, which changes with every renewal
  std::string machine;  // empty in a file that another version wrote
  std::string start;
  long process = 0;
};

Mark mark_in(int file) {
  std::array<char, 1024> text{};
  const ssize_t count = ::pread(file, text.data(), text.size(), 0);
  Mark mark;
  mark.whole.assign(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  std::istringstream lines(mark.whole);
  std::getline(lines, mark.owner);
  if (std::sscanf(mark.owner.c_str(), "process %ld on", &mark.process) != 1) mark.process = 0;
  std::string word;
  lines >> word >> mark.machine >> word >> mark.start;
  return mark;
}

bool runs_here(const Mark& mark) {
  if (mark.process <= 0 || mark.process == ::getpid()) return false;
  const bool there = ::kill(static_cast<pid_t>(mark.process), 0) == 0 || errno == EPERM;
  return there && start_of(mark.process) == mark.start;
}

[[noreturn]] void refuse(const fs::path& path, const std::string& owner) {
  user_error(shown(path.parent_path()), ": is being trained by ",
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

// Opens the file by its name each time: on a network file system an open one may show old content.
Mark read_mark(const fs::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return file.is_open() ? mark_in(file.get()) : Mark();
}

// True where the mark is that of an owner which lives.
bool has_live_owner(const fs::path& path, const Mark& mark, std::chrono::milliseconds patience) {
  if (mark.machine == machine()) return runs_here(mark);
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(patience / 20);
    if (read_mark(path).whole != mark.whole) return true;
  }
  return false;
}

}  // namespace

// Renews the mark: its last line counts up.
class RunLock::Renewal {
 public:
  Renewal(fs::path path, const std::string& mark, std::chrono::milliseconds every)
      : path_(std::move(path)), thread_([this, mark, every] { run(mark, every); }) {}
  ~Renewal() {
    {
      const std::lock_guard guard(mutex_);
      ends_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  Renewal(const Renewal&) = delete;
  Renewal& operator=(const Renewal&) = delete;

 private:
  void run(const std::string& mark, std::chrono::milliseconds every) {
    std::unique_lock guard(mutex_);
    for (long count = 1; !wake_.wait_for(guard, every, [this] { return ends_; }); ++count) {
      // A file that has gone to another owner is left alone; RunLock::check says so.
      const FileDescriptor file(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
      if (!file.is_open() || !mark_in(file.get()).whole.starts_with(mark)) continue;
      const std::string renewed = fmt::format("{}\nrenewed {:>10}\n", mark, count);
      [[maybe_unused]] const auto written = ::pwrite(file.get(), renewed.data(), renewed.size(), 0);
    }
  }

  fs::path path_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ends_ = false;
  std::thread thread_;
};

RunLock::RunLock(const fs::path& folder, Method method, Timing timing)
    : path_(folder / "lock"), mark_(own_mark()) {
  for (;;) {
    constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC;
    file_ = FileDescriptor(::open(path_.c_str(), kFlags | O_EXCL, 0644));
    const bool is_new = file_.is_open();
    if (!is_new) file_ = FileDescriptor(::open(path_.c_str(), kFlags, 0644));
    if (!file_.is_open()) {
      user_error(shown(path_), ": cannot make this file: ", reason_of(errno));
    }
    const bool system = method == Method::automatic;
    const int fault = system && ::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 ? errno : 0;
    if (fault == EWOULDBLOCK) refuse(path_, mark_in(file_.get()).owner);
    if (fault == EINTR) continue;
    const Mark mark = mark_in(file_.get());
    const bool locked = system && fault == 0;
    const bool is_local = mark.machine.empty() || mark.machine == machine();
    // A lock that the file system gave tells all of this machine, and may tell nothing of others.
    if (!is_new && !(locked && is_local) && has_live_owner(path_, mark, timing.patience)) {
      refuse(path_, mark.owner);
    }
    if (!is_current(file_.get(), path_)) continue;
    locked_ = locked;
    break;
  }
  // Who cannot write the mark (a full disk) owns the folder all the same.
  const std::string first = mark_ + fmt::format("\nrenewed {:>10}\n", 0);
  if (::ftruncate(file_.get(), 0) == 0) {
    [[maybe_unused]] const auto written = ::pwrite(file_.get(), first.data(), first.size(), 0);
  }
  // Where nothing but the content counts, another process may have written at the same time: the
  // one that wrote last has the folder.
  if (!locked_) {
    std::this_thread::sleep_for(timing.patience / 20);
    check();
  }
  renewal_ = std::make_unique<Renewal>(path_, mark_, timing.renewal);
}

RunLock::RunLock(RunLock&& other) noexcept = default;

RunLock::~RunLock() {
  if (!file_.is_open()) return;  // moved from
  renewal_.reset();
  const Mark mark = read_mark(path_);
  if (!mark.whole.empty() && !mark.whole.starts_with(mark_)) return;
  std::error_code ignored;
  fs::remove(path_, ignored);
}

void RunLock::check() const {
  const Mark mark = read_mark(path_);
  if (mark.whole.empty() || mark.whole.starts_with(mark_)) return;
  user_error(shown(path_.parent_path()), ": ", mark.owner,
             " has taken this run over; a run has one owner at a time");
}

}  // namespace scimix

#include "core/threads.hpp"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

namespace scimix {

namespace {

namespace fs = std::filesystem;

// Returns the quota that a folder of a control group states. Version 2 has one file, "max 100000"
// or "50000 100000" (quota and period in microseconds); version 1 has two, with the quota -1 for
// none.
std::optional<double> quota_of(const fs::path& group) {
  double quota = 0;
  double period = 0;
  if (std::ifstream file(group / "cpu.max"); file) {
    if (!(file >> quota >> period)) return std::nullopt;  // "max"
  } else {
    std::ifstream quota_file(group / "cpu.cfs_quota_us");
    std::ifstream period_file(group / "cpu.cfs_period_us");
    if (!(quota_file >> quota) || !(period_file >> period)) return std::nullopt;
  }
  if (quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

// Returns the smaller one of two limits.
std::optional<double> smaller(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// Returns the smallest quota of the group `path` (such as "/user/job") below `root`, and of those
// above it. Inside a container, `path` may be a name outside of it, of which only the root exists.
std::optional<double> smallest_quota(const fs::path& root, const fs::path& path) {
  std::optional<double> least;
  for (fs::path part = path.relative_path(); !part.empty(); part = part.parent_path()) {
    least = smaller(least, quota_of(root / part));
  }
  return smaller(least, quota_of(root));
}

// A line of /proc/self/cgroup is "ID:CONTROLLERS:PATH"; that of version 2 has no controllers.
bool has_cpu_controller(const std::string& controllers) {
  std::istringstream names(controllers);
  for (std::string name; std::getline(names, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

}  // namespace

std::optional<double> cpu_quota(const fs::path& groups, const fs::path& mounted) {
  std::optional<double> least;
  std::ifstream file(groups);
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path path = line.substr(second + 1);
    if (controllers.empty()) {
      least = smaller(least, smallest_quota(mounted, path));
    } else if (has_cpu_controller(controllers)) {
      least = smaller(least, smallest_quota(mounted / controllers, path));
    }
  }
  return least;
}

int default_threads(int processes_here) {
  const char* const wanted = std::getenv("OMP_NUM_THREADS");
  const int given = wanted == nullptr ? 0 : std::atoi(wanted);  // NOLINT(cert-err34-c)
  if (given > 0) return given;
  int cores = omp_get_num_procs();  // only cores that this process may use
  const bool has_own_cores = cores < sysconf(_SC_NPROCESSORS_ONLN);
  if (!has_own_cores) cores /= processes_here;
  if (const auto quota = cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup")) {
    const double own = std::ceil(*quota / processes_here);
    if (own < cores) cores = static_cast<int>(own);
  }
  return std::max(1, cores);
}

void use_threads(int count, int processes_here) {
  omp_set_num_threads(count > 0 ? count : default_threads(processes_here));
}

int thread_count() {
  return omp_get_max_threads();
}

void restart_with_short_waits(char** argv) {
  // Waiting for longer gains about a tenth where no other program runs, and loses most of the time
  // where one does.
  constexpr const char* kSpins = "1000";
  for (const char* const name : {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}) {
    if (std::getenv(name) != nullptr) return;
  }
  if (default_threads() == 1) return;
  // Valgrind would not follow: it runs only the program that it was started with.
  const char* const preloaded = std::getenv("LD_PRELOAD");
  if (preloaded != nullptr && std::string_view(preloaded).find("vgpreload") != std::string::npos) {
    return;
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error || ::setenv("GOMP_SPINCOUNT", kSpins, 0) != 0) return;
  ::execv(program.c_str(), argv);  // on failure, goes on as before
}

}  // namespace scimix

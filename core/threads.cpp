#include "core/threads.hpp"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "core/control_group.hpp"

namespace scimix {

int default_threads(int processes_here) {
  const char* const wanted = std::getenv("OMP_NUM_THREADS");
  const int given = wanted == nullptr ? 0 : std::atoi(wanted);  // NOLINT(cert-err34-c)
  if (given > 0) return given;
  int cores = omp_get_num_procs();  // only cores that this process may use
  const bool has_own_cores = cores < sysconf(_SC_NPROCESSORS_ONLN);
  if (!has_own_cores) cores /= processes_here;
  if (const auto quota = cpu_quota()) {
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
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error || ::setenv("GOMP_SPINCOUNT", kSpins, 0) != 0) return;
  ::execv(program.c_str(), argv);  // on failure, goes on as before
}

}  // namespace scimix

#include "core/control_group.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace scimix {

namespace {

namespace fs = std::filesystem;

// Returns the quota that the folder of a group states. Version 2 has one file, "max 100000" or
// "50000 100000" (quota and period in microseconds); version 1 has two, with the quota -1 for none.
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

// Returns the limit of memory that the folder of a group states: a number of bytes, or in version 2
// "max". Version 1 states a number larger than any memory for none.
std::optional<std::uint64_t> memory_of(const fs::path& group) {
  for (const char* const name : {"memory.max", "memory.limit_in_bytes"}) {
    std::uint64_t bytes = 0;
    if (std::ifstream file(group / name); file >> bytes) return bytes;
  }
  return std::nullopt;
}

// Returns the smaller one of two limits.
template <class Limit>
Limit smaller(Limit a, Limit b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// Returns the smallest limit of the group `path` (such as "/user/job") below `root`, and of those
// above it. Inside a container, `path` may be one of the host; then only `root` exists here.
template <class LimitOf>
auto smallest_above(const fs::path& root, const fs::path& path, LimitOf limit_of) {
  auto least = limit_of(root);
  for (fs::path part = path.relative_path(); !part.empty(); part = part.parent_path()) {
    least = smaller(least, limit_of(root / part));
  }
  return least;
}

// A line of /proc/self/cgroup is "ID:CONTROLLERS:PATH"; that of version 2 has no controllers.
bool has_controller(const std::string& controllers, const std::string& wanted) {
  std::istringstream names(controllers);
  for (std::string name; std::getline(names, name, ',');) {
    if (name == wanted) return true;
  }
  return false;
}

template <class LimitOf>
auto smallest_limit(const ControlGroups& groups, const std::string& controller, LimitOf limit_of) {
  decltype(limit_of(groups.mounted)) least;
  std::ifstream file(groups.of_process);
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path path = line.substr(second + 1);
    if (controllers.empty()) {
      least = smaller(least, smallest_above(groups.mounted, path, limit_of));
    } else if (has_controller(controllers, controller)) {
      least = smaller(least, smallest_above(groups.mounted / controllers, path, limit_of));
    }
  }
  return least;
}

}  // namespace

std::optional<double> cpu_quota(const ControlGroups& groups) {
  return smallest_limit(groups, "cpu", quota_of);
}

std::optional<std::uint64_t> memory_limit(const ControlGroups& groups) {
  return smallest_limit(groups, "memory", memory_of);
}

}  // namespace scimix

// The limits that control groups (cgroups, versions 1 and 2) set for this process. Containers,
// services and the jobs of a cluster are limited in this way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace scimix {

// Where the limits are read from.
struct ControlGroups {
  std::filesystem::path of_process = "/proc/self/cgroup";  // names the groups of this process
  std::filesystem::path mounted = "/sys/fs/cgroup";
};

// Returns how many cores' time the process may use (quota / period): the smallest limit of its
// group and of the groups above it, or nullopt if none is set.
[[nodiscard]] std::optional<double> cpu_quota(const ControlGroups& groups = {});
// Returns how many bytes of memory the process may use, in the same way.
[[nodiscard]] std::optional<std::uint64_t> memory_limit(const ControlGroups& groups = {});

}  // namespace scimix

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

// Return the smallest limit of the process's group and of the groups above it, or nullopt if none
// states one: how many cores' time the process may use (quota / period), and how many bytes of
// memory.
[[nodiscard]] std::optional<double> cpu_quota(const ControlGroups& groups = {});
[[nodiscard]] std::optional<std::uint64_t> memory_limit(const ControlGroups& groups = {});

}  // namespace scimix

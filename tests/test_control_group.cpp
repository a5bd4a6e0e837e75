// The limits of control groups, in trees like those of the kernel.
#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "core/control_group.hpp"
#include "tests/temp_folder.hpp"

namespace scimix {
namespace {

using test::TempFolder;

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

// A folder with a file like /proc/self/cgroup and a tree like /sys/fs/cgroup.
struct Groups {
  explicit Groups(const std::string& text) { write(folder / "cgroup", text); }
  void set(const std::string& file, const std::string& text) const {
    write(folder / "mounted" / file, text);
  }
  [[nodiscard]] ControlGroups places() const { return {folder / "cgroup", folder / "mounted"}; }
  [[nodiscard]] std::optional<double> quota() const { return cpu_quota(places()); }
  [[nodiscard]] std::optional<std::uint64_t> memory() const { return memory_limit(places()); }
  TempFolder folder;
};

}  // namespace

TEST_CASE("the CPU quota of a container limits the default number of threads") {
  SUBCASE("version 2: quota and period in one file") {
    const Groups groups("0::/jobs/one\n");
    CHECK_FALSE(groups.quota());
    groups.set("jobs/one/cpu.max", "max 100000\n");
    CHECK_FALSE(groups.quota());
    groups.set("jobs/one/cpu.max", "150000 100000\n");
    CHECK(groups.quota() == 1.5);
  }
  SUBCASE("the smallest quota of a group and of those above it counts") {
    const Groups groups("0::/jobs/one\n");
    groups.set("jobs/one/cpu.max", "400000 100000\n");
    groups.set("jobs/cpu.max", "50000 100000\n");
    CHECK(groups.quota() == 0.5);
    groups.set("cpu.max", "20000 100000\n");
    CHECK(groups.quota() == 0.2);
  }
  SUBCASE("inside a container, only the root of the group exists") {
    const Groups groups("0::/../../docker/0123\n");
    groups.set("cpu.max", "200000 100000\n");
    CHECK(groups.quota() == 2);
  }
  SUBCASE("version 1: two files below the folder of the controller") {
    const Groups groups("5:memory:/m\n4:cpu,cpuacct:/jobs\n1:cpuset:/\n");
    groups.set("memory/m/cpu.cfs_quota_us", "1\n");
    groups.set("cpu,cpuacct/jobs/cpu.cfs_quota_us", "-1\n");
    groups.set("cpu,cpuacct/jobs/cpu.cfs_period_us", "100000\n");
    CHECK_FALSE(groups.quota());
    groups.set("cpu,cpuacct/jobs/cpu.cfs_quota_us", "300000\n");
    CHECK(groups.quota() == 3);
  }
  SUBCASE("files that are missing or damaged set no limit") {
    const Groups groups("nonsense\n:\n::\n0::/jobs\n");
    groups.set("jobs/cpu.max", "many 100000\n");
    CHECK_FALSE(groups.quota());
    groups.set("jobs/cpu.max", "100000 0\n");
    CHECK_FALSE(groups.quota());
    CHECK_FALSE(cpu_quota({"/does/not/exist", "/sys/fs/cgroup"}));
  }
}

TEST_CASE("the memory of a group and of those above it limits the process") {
  SUBCASE("version 2") {
    const Groups groups("0::/jobs/one\n");
    CHECK_FALSE(groups.memory());
    groups.set("jobs/one/memory.max", "max\n");
    CHECK_FALSE(groups.memory());
    groups.set("jobs/memory.max", "2147483648\n");
    CHECK(groups.memory() == 2147483648U);
    groups.set("jobs/one/memory.max", "1000000\n");
    CHECK(groups.memory() == 1000000U);
  }
  SUBCASE("version 1") {
    const Groups groups("5:memory:/m\n4:cpu,cpuacct:/jobs\n");
    groups.set("memory/memory.limit_in_bytes", "9223372036854771712\n");  // none
    groups.set("memory/m/memory.limit_in_bytes", "5000000\n");
    groups.set("cpu,cpuacct/jobs/memory.limit_in_bytes", "7\n");
    CHECK(groups.memory() == 5000000U);
  }
}

}  // namespace scimix

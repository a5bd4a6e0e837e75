// How many threads the programs use, and how long threads wait actively for each other.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/threads.hpp"
#include "tests/paths.hpp"
#include "tests/program.hpp"

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
  [[nodiscard]] std::optional<double> quota() const {
    return cpu_quota(folder / "cgroup", folder / "mounted");
  }
  TempFolder folder;
};

// Sets OMP_NUM_THREADS while it exists; an empty value removes it.
class OmpNumThreads {
 public:
  explicit OmpNumThreads(const char* value) {
    if (const char* const before = std::getenv(kName)) before_ = before;
    set(value);
  }
  ~OmpNumThreads() { set(before_.c_str()); }
  OmpNumThreads(const OmpNumThreads&) = delete;
  OmpNumThreads& operator=(const OmpNumThreads&) = delete;

 private:
  static constexpr const char* kName = "OMP_NUM_THREADS";
  static void set(const char* value) {
    if (*value == '\0') {
      ::unsetenv(kName);
    } else {
      ::setenv(kName, value, 1);
    }
  }
  std::string before_;
};

std::vector<std::string> tiny_run(const TempFolder& folder, const std::string& steps) {
  return {"classifier",
          "--dataset",
          "digits",
          "--digits-train",
          "60",
          "--digits-test",
          "10",
          "--labels",
          "20",
          "--image-size",
          "16",
          "--crop-pad",
          "2",
          "--depth",
          "10",
          "--width",
          "1",
          "--batch",
          "4",
          "--steps",
          steps,
          "--eval-every",
          steps,
          "--checkpoint-every",
          "5",
          "--out",
          (folder / "run").string()};
}

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
    CHECK_FALSE(cpu_quota("/does/not/exist", "/sys/fs/cgroup"));
  }
}

TEST_CASE("OMP_NUM_THREADS is the default number of threads, and processes share cores") {
  {
    const OmpNumThreads none("");
    CHECK(default_threads() >= 1);
    CHECK(default_threads(1 << 20) == 1);
  }
  const OmpNumThreads three("3");
  CHECK(default_threads() == 3);
  CHECK(default_threads(2) == 3);
}

TEST_CASE("--threads sets the number of threads of a run, and is kept in its settings") {
  const TempFolder folder;
  std::vector<std::string> arguments = tiny_run(folder, "2");
  arguments.insert(arguments.end(), {"--threads", "3"});
  const test::ProgramResult done = test::run_to_success("scimix_train", arguments);
  CHECK(done.out.find("3 threads of ") != std::string::npos);
  CHECK(test::read_bytes(folder / "run/config.toml").find("threads=3\n") != std::string::npos);

  // A resumed run may use another number.
  const test::ProgramResult resumed = test::run_to_success(
      "scimix_train",
      {"classifier", "--resume", (folder / "run").string(), "--steps", "4", "--threads", "1"});
  CHECK(resumed.out.find("1 thread of ") != std::string::npos);

  const test::ProgramResult measured =
      test::run_program("scimix_eval", {"accuracy", (folder / "run").string(), "--threads", "-1"});
  CHECK(measured.exit_code == 2);
  CHECK(measured.error.find("--threads") != std::string::npos);
}

TEST_CASE("threads that wait sleep after some microseconds, unless the user says otherwise") {
  const auto environment_of_run = [](const std::string& setting) {
    const TempFolder folder;
    std::string command = "unset GOMP_SPINCOUNT OMP_WAIT_POLICY; " + setting + " exec " +
                          (program_dir() / "scimix_train").string();
    for (const std::string& word : tiny_run(folder, "1000000")) command += " '" + word + "'";
    const test::Program running(folder, "sh", {"-c", command});
    running.wait_for_checkpoint(folder / "run", 5);
    const std::string found =
        test::read_bytes("/proc/" + std::to_string(running.process()) + "/environ");
    running.signal(SIGKILL);
    CHECK(running.wait().exit_code == -SIGKILL);
    return found;
  };
  const auto has = [](const std::string& environment, const std::string& entry) {
    return ('\0' + environment).find('\0' + entry + '\0') != std::string::npos;
  };
  CHECK(has(environment_of_run("OMP_NUM_THREADS=2"), "GOMP_SPINCOUNT=1000"));
  CHECK(has(environment_of_run("OMP_NUM_THREADS=2 GOMP_SPINCOUNT=7"), "GOMP_SPINCOUNT=7"));
  const std::string active = environment_of_run("OMP_NUM_THREADS=2 OMP_WAIT_POLICY=active");
  CHECK(active.find("GOMP_SPINCOUNT") == std::string::npos);
  const std::string one = environment_of_run("OMP_NUM_THREADS=1");
  CHECK(one.find("GOMP_SPINCOUNT") == std::string::npos);
}

}  // namespace
}  // namespace scimix

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

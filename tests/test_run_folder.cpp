// The folder of a run: who owns it, which checkpoints are its own, and which of them is taken.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "core/error.hpp"
#include "core/safetensors.hpp"
#include "data/image_io.hpp"
#include "report/run_folder.hpp"
#include "report/run_lock.hpp"
#include "temp_folder.hpp"
#include "user_errors.hpp"

using namespace scimix;
using test::TempFolder;

namespace {

void write_checkpoint(const std::filesystem::path& path) {
  write_safetensors(path, {}, {{"step", "1"}});
}

RunFolder new_run(const std::filesystem::path& path) {
  RunFolder run = RunFolder::create(path);
  run.write_config("# scimix_train classifier\nsteps = 1\n");
  return run;
}

void add_checkpoint(const RunFolder& run, std::int64_t step) {
  run.note_checkpoint(step);
  write_checkpoint(run.checkpoint(step));
}

std::string latest(const RunFolder& run) {
  const auto found = run.latest_checkpoint();
  return found ? found->filename().string() : "";
}

// Runs `body` in a child process, which then waits to be killed.
template <class Body>
pid_t child_that(const Body& body) {
  int ready[2];  // NOLINT: for pipe
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    body();
    const char done = 'd';
    if (::write(ready[1], &done, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  ::close(ready[1]);  // so that reading ends if the child dies
  char answer = 0;
  REQUIRE(::read(ready[0], &answer, 1) == 1);
  ::close(ready[0]);
  return child;
}

void kill_and_wait(pid_t child) {
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
}

}  // namespace

TEST_CASE("the image cache lies beside a run or its job, whatever other programs have there") {
  const TempFolder folder;
  const std::filesystem::path dir = std::filesystem::weakly_canonical(folder.path());
  CHECK(RunFolder::image_cache(dir / "job/run") == dir / "job/image-cache");
  std::filesystem::create_directories(dir / "job");
  test::write_bytes(dir / "job/config.toml", "# scimix_train auto\n");
  CHECK(RunFolder::image_cache(dir / "job/run") == dir / "image-cache");
  test::write_bytes(dir / "job/config.toml", "title = \"of another program\"\n");
  CHECK(RunFolder::image_cache(dir / "job/run") == dir / "job/image-cache");
  CHECK(RunFolder::image_cache("/run") == "/image-cache");
}

TEST_CASE("the newest checkpoint is one that this run wrote, by its step") {
  const TempFolder folder;
  const RunFolder run = new_run(folder / "run");
  CHECK(latest(run).empty());
  add_checkpoint(run, 5);
  add_checkpoint(run, 10);
  CHECK(latest(run) == "step-00000010.safetensors");
  for (const char* name : {"step-best.safetensors", "step-00000099.safetensors",
                           "step-20.safetensors", ".step-00000030.safetensors.1-1.tmp"}) {
    write_checkpoint(folder / "run/checkpoints" / name);
  }
  CHECK(latest(run) == "step-00000010.safetensors");
  add_checkpoint(run, 123'456'789);  // nine digits
  CHECK(latest(run) == "step-123456789.safetensors");
}

TEST_CASE("a run of an older version has no list, and its checkpoints count") {
  const TempFolder folder;
  const RunFolder run = new_run(folder / "run");
  write_checkpoint(run.checkpoint(5));
  write_checkpoint(run.checkpoint(10));
  write_checkpoint(folder / "run/checkpoints/step-best.safetensors");
  CHECK(latest(run) == "step-00000010.safetensors");
  add_checkpoint(run, 15);  // the list that is made now holds the older ones too
  std::filesystem::remove(run.checkpoint(15));
  CHECK(latest(run) == "step-00000010.safetensors");
}

TEST_CASE("an empty or damaged newest checkpoint is passed over, and that is said") {
  const TempFolder folder;
  const RunFolder run = new_run(folder / "run");
  for (const std::int64_t step : {5, 10, 15}) add_checkpoint(run, step);
  test::write_bytes(run.checkpoint(15), "");
  test::write_bytes(run.checkpoint(10), test::read_bytes(run.checkpoint(10)).substr(0, 20));
  std::vector<std::string> lines;
  CHECK(run.latest_checkpoint(&lines) == run.checkpoint(5));
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].find("step-00000015.safetensors") != std::string::npos);
  CHECK(lines[1].find("step-00000010.safetensors") != std::string::npos);
  CHECK(lines[1].find("passed over") != std::string::npos);
  test::write_bytes(run.checkpoint(5), "");
  CHECK_THROWS_WITH_AS(static_cast<void>(run.latest_checkpoint()),
                       doctest::Contains("no checkpoint of this run is whole"), Error);
}

TEST_CASE("a damaged list of checkpoints is said, as the run would begin anew without it") {
  const TempFolder folder;
  const RunFolder run = new_run(folder / "run");
  add_checkpoint(run, 5);
  const std::string list = folder / "run/checkpoints/written.txt";
  for (const std::string& text : {std::string(), std::string("\x01\x02?\n"),
                                  "step-00000005.safetensors\n" + std::string("nonsense\n")}) {
    test::write_bytes(list, text);
    CHECK_THROWS_WITH_AS(static_cast<void>(run.latest_checkpoint()),
                         doctest::Contains("written.txt: damaged"), Error);
  }
  std::filesystem::remove(list);
  CHECK(latest(run) == "step-00000005.safetensors");
}

TEST_CASE("older checkpoints are removed, and only those of this run") {
  const TempFolder folder;
  const RunFolder run = new_run(folder / "run");
  for (const std::int64_t step : {5, 10, 15, 20}) add_checkpoint(run, step);
  const auto foreign = folder / "run/checkpoints/step-00000002.safetensors";
  write_checkpoint(foreign);
  // A run that went back to step 10 and is now at 15 keeps those two, not the one ahead.
  run.keep_newest_checkpoints(2, 15);
  CHECK_FALSE(std::filesystem::exists(run.checkpoint(5)));
  for (const std::int64_t step : {10, 15, 20}) CHECK(std::filesystem::exists(run.checkpoint(step)));
  CHECK(std::filesystem::exists(foreign));
}

TEST_CASE("a new run takes no folder that holds a run or checkpoints of one") {
  const TempFolder folder;
  const RunFolder run = new_run(folder / "run");
  CHECK_THROWS_WITH_AS(RunFolder::check_free(folder / "run"), doctest::Contains("already holds"),
                       Error);
  add_checkpoint(run, 7);
  std::filesystem::remove(run.config());
  CHECK_THROWS_WITH_AS(static_cast<void>(RunFolder::create(folder / "run")),
                       doctest::Contains("step-00000007.safetensors"), Error);
  CHECK_NOTHROW(RunFolder::check_free(folder / "other"));
  CHECK_FALSE(std::filesystem::exists(folder / "other"));
}

TEST_CASE("a new run takes no folder with files that it would write to") {
  const TempFolder folder;
  for (const char* const name : {"report.html", "metrics.jsonl"}) {
    const std::filesystem::path own = folder / name / name;
    std::filesystem::create_directories(own.parent_path());
    test::write_bytes(own, "mine");
    CHECK_THROWS_WITH_AS(RunFolder::check_free(own.parent_path()),
                         doctest::Contains("is there already"), Error);
    CHECK(test::read_bytes(own) == "mine");
  }
  std::filesystem::create_symlink(folder / "nowhere", folder / "link");
  CHECK_THROWS_WITH_AS(RunFolder::check_free(folder / "link"), doctest::Contains("link"), Error);
  // Files of these names may be left by a run that was killed as it began. Others are not replaced.
  const std::filesystem::path run = folder / "run";
  std::filesystem::create_directories(run / "samples");
  std::filesystem::create_directories(run / "checkpoints");
  for (const char* const name :
       {"split.json", "lock", "samples/augmented.png", "checkpoints/written.txt"}) {
    CAPTURE(name);
    test::write_bytes(run / name, "mine");
    CHECK_THROWS_WITH_AS(RunFolder::check_free(run),
                         doctest::Contains("was not written by this program"), Error);
    std::filesystem::remove(run / name);
  }
  test::write_bytes(run / "split.json", "{\"format\": \"scimix-split-1\"}");
  test::write_bytes(run / "lock", "process 1 on here since today\n");
  write_png(run / "samples/augmented.png", {1, 1, {0, 0, 0}});
  CHECK_NOTHROW(RunFolder::check_free(run));
  test::write_bytes(run / "config.toml", "title = \"mine\"\n");
  CHECK_THROWS_WITH_AS(RunFolder::check_free(run),
                       doctest::Contains("holds a config.toml that is no run of scimix_train"),
                       Error);
}

TEST_CASE("a run folder has one owner, who is named, and a dead one is no trap") {
  for (const auto method : {RunLock::Method::automatic, RunLock::Method::by_content}) {
    const TempFolder folder;
    const pid_t owner =
        child_that([&] { static const RunLock lock(folder.path(), RunLock::Method::automatic); });
    const std::string message =
        test::user_error_list_of([&] { const RunLock second(folder.path(), method); });
    CAPTURE(message);
    CHECK(message.find("process " + std::to_string(owner) + " on ") != std::string::npos);
    kill_and_wait(owner);
    CHECK(std::filesystem::exists(folder / "lock"));  // left behind
    {
      const RunLock next(folder.path(), method);
      CHECK(test::read_bytes(folder / "lock").find(std::to_string(::getpid())) !=
            std::string::npos);
    }
    CHECK_FALSE(std::filesystem::exists(folder / "lock"));
  }
}

TEST_CASE("a lock of another host that the file system does not know is taken over") {
  const TempFolder folder;
  test::write_bytes(folder / "lock", "process 1 on elsewhere.example since 2026-01-01\n");
  const RunLock::Timing timing{.patience = std::chrono::milliseconds(200)};
  CHECK_NOTHROW(RunLock(folder.path(), RunLock::Method::by_content, timing));
  CHECK_NOTHROW(RunLock(folder.path(), RunLock::Method::automatic, timing));
}

// What the lock file of a process on another machine holds.
std::string foreign_mark(int renewed) {
  return "process 7 on elsewhere.example since 2026-01-01 00:00:00 UTC\nmachine other start 5\n"
         "renewed " +
         std::to_string(renewed) + "\n";
}

TEST_CASE("an owner on another machine lives while it renews its mark") {
  for (const auto method : {RunLock::Method::automatic, RunLock::Method::by_content}) {
    const TempFolder folder;
    const RunLock::Timing timing{.patience = std::chrono::milliseconds(2000)};
    test::write_bytes(folder / "lock", foreign_mark(0));
    std::atomic<bool> ends = false;
    std::thread owner([&] {
      for (int i = 1; !ends; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        std::fstream(folder / "lock", std::ios::in | std::ios::out) << foreign_mark(i);
      }
    });
    CHECK_THROWS_WITH_AS(RunLock(folder.path(), method, timing),
                         doctest::Contains("process 7 on elsewhere.example"), Error);
    ends = true;
    owner.join();
    const RunLock::Timing short_timing{.patience = std::chrono::milliseconds(200)};
    CHECK_NOTHROW(RunLock(folder.path(), method, short_timing));
  }
}

TEST_CASE("a process that has the number of a dead owner is not taken for it") {
  const TempFolder folder;
  const RunLock::Timing timing{.patience = std::chrono::milliseconds(200)};
  std::string mark;
  {
    const RunLock lock(folder.path());
    mark = test::read_bytes(folder / "lock");
  }
  // The first process of the machine lives, and started at another time.
  const std::string own = "process " + std::to_string(::getpid());
  REQUIRE(mark.starts_with(own));
  const std::string other = "process " + std::to_string(1) + mark.substr(own.size());
  test::write_bytes(folder / "lock", other);
  CHECK_NOTHROW(RunLock(folder.path(), RunLock::Method::by_content, timing));
}

TEST_CASE("an owner that was stopped for long learns that it has lost the folder") {
  const TempFolder folder;
  const RunLock::Timing timing{.renewal = std::chrono::milliseconds(20),
                               .patience = std::chrono::milliseconds(200)};
  const RunLock lock(folder.path(), RunLock::Method::by_content, timing);
  CHECK_NOTHROW(lock.check());
  const std::string before = test::read_bytes(folder / "lock");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  CHECK(test::read_bytes(folder / "lock") != before);  // it was renewed
  std::filesystem::remove(folder / "lock");
  test::write_bytes(folder / "lock", foreign_mark(0));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(test::read_bytes(folder / "lock") == foreign_mark(0));
  CHECK_THROWS_WITH_AS(lock.check(), doctest::Contains("process 7 on elsewhere"), Error);
}

TEST_CASE("what killed processes have left in a run folder is removed, and nothing else") {
  const TempFolder folder;
  const RunFolder run = new_run(folder / "run");
  const pid_t dead = child_that([] {});
  kill_and_wait(dead);
  const std::string gone = std::to_string(dead) + "-0.tmp";
  const std::string alive = std::to_string(::getpid()) + "-0.tmp";
  const std::vector<std::string> left{".config.toml." + gone, "samples/.a.png." + gone,
                                      "checkpoints/.step-00000002.safetensors." + gone};
  const std::vector<std::string> kept{".config.toml." + alive, "." + gone,     "a." + gone,
                                      ".config.toml.tmp",      ".x.12-.tmp",   ".x.12-0.tmp~",
                                      "samples/.a.png.tmp",    ".x.-12-0.tmp", ".x.12.tmp"};
  for (const std::string& name : left) test::write_bytes(run.path() / name, "x");
  for (const std::string& name : kept) test::write_bytes(run.path() / name, "x");
  run.remove_leftovers();
  for (const std::string& name : left) CHECK_FALSE(std::filesystem::exists(run.path() / name));
  for (const std::string& name : kept) {
    CAPTURE(name);
    CHECK(std::filesystem::exists(run.path() / name));
  }
}

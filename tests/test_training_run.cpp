// A training run from outside: who may train in a folder, what a signal leaves, what is gone on
// from, and what is refused before any work is done.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <sstream>

#include "command_line.hpp"
#include "core/safetensors.hpp"
#include "data/image_io.hpp"

using namespace scimix;
using test::operator+;
using test::check_mistake;
using test::has;
using test::Program;
using test::ProgramResult;
using test::run_program;
using test::TempFolder;
using test::train;
using test::Words;
using test::words_of;

namespace {

// Networks and images of small runs.
const Words kSmall =
    words_of("--device cpu --depth 10 --width 1 --batch 4 --image-size 16 --crop-pad 2");

Words digits(const std::string& test_images) {
  return Words{"--dataset", "digits", "--digits-train", "100", "--digits-test", test_images} +
         kSmall;
}

Words classifier(const std::string& out, const Words& more) {
  return Words{"classifier", "--out", out} + digits("30") + more;
}

Words generator(const std::string& out, const Words& more) {
  return Words{"generator", "--out", out} +
         words_of(
             "--g-channels 4 --g-max-channels 4 --d-channels 4 --d-max-channels 4 "
             "--sample-pairs 2 --eval-pairs 10 --guide-steps 0") +
         digits("30") + more;
}

const Words kEndless{"--steps",      "100000",  "--log-every",        "1000000",
                     "--eval-every", "1000000", "--checkpoint-every", "1000000"};

std::vector<std::filesystem::path> checkpoints_of(const std::filesystem::path& run) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(run / "checkpoints")) {
    if (entry.path().extension() == ".safetensors") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Every file of a run with its bytes and the time of its last change.
std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>> all_files(
    const std::filesystem::path& run) {
  std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(run)) {
    if (!entry.is_regular_file()) continue;
    files[entry.path().string()] = {test::read_bytes(entry.path()), entry.last_write_time()};
  }
  return files;
}

// The records of metrics.jsonl without their times.
std::vector<std::string> records_of(const std::filesystem::path& run) {
  std::istringstream lines(test::read_bytes(run / "metrics.jsonl"));
  std::vector<std::string> records;
  for (std::string line; std::getline(lines, line);) {
    const auto time = line.find("\"time\":");
    records.push_back(line.erase(time, line.find(',', time) - time));
  }
  return records;
}

}  // namespace

TEST_CASE("one process at a time trains in a run folder, and a killed one is no trap") {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  const Words often{"--steps", "100000", "--checkpoint-every", "5", "--log-every", "5"};
  {
    const Program owner(folder, "scimix_train", classifier(run, often));
    owner.wait_for_checkpoint(run, 5);
    check_mistake("scimix_train", {"classifier", "--resume", run},
                  {run, "process " + std::to_string(owner.process()), "one owner"});
    owner.signal(SIGKILL);
    REQUIRE(owner.wait().exit_code == -SIGKILL);
  }
  const int before = test::newest_checkpoint(run);
  const TempFolder streams;
  const Program next(streams, "scimix_train", {"classifier", "--resume", run});
  next.wait_for_checkpoint(run, before + 10);
  next.signal(SIGTERM);
  CHECK(next.wait().exit_code == 130);
  CHECK_FALSE(std::filesystem::exists(run + "/lock"));
}

TEST_CASE("a finished run that is resumed keeps every file as it is") {
  const TempFolder folder;
  for (const std::string kind : {"classifier", "generator"}) {
    CAPTURE(kind);
    const std::string run = (folder / kind).string();
    const Words few{"--steps", "4", "--eval-every", "2", "--checkpoint-every", "2"};
    train(kind == "classifier" ? classifier(run, few) : generator(run, few));
    const auto before = all_files(run);
    CHECK(before.contains(run + "/report.html"));
    const ProgramResult again = train({kind, "--resume", run});
    CHECK(has(again.out, "resumed after step 4: the run is finished"));
    CHECK(all_files(run) == before);

    // Killed before its report was written, it is evaluated once more, and the report is whole.
    std::filesystem::remove(run + "/report.html");
    train({kind, "--resume", run});
    CHECK(std::filesystem::exists(run + "/report.html"));
    const auto old = before.at(run + "/report.html").first;
    CHECK(test::read_bytes(run + "/report.html").size() == old.size());
    CHECK(test::read_bytes(run + "/metrics.jsonl") == before.at(run + "/metrics.jsonl").first);
  }
}

TEST_CASE("a signal, sent again and again, leads to one checkpoint") {
  for (const int signal : {SIGTERM, SIGUSR1, SIGUSR2, SIGHUP, SIGXCPU, SIGINT}) {
    CAPTURE(signal);
    const TempFolder folder;
    const std::string run = (folder / "run").string();
    const Program program(folder, "scimix_train", classifier(run, kEndless));
    program.wait_for(run + "/metrics.jsonl");
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    // Ctrl-C ends the program at the third time, others never do.
    for (int i = 0; i < (signal == SIGINT ? 2 : 20); ++i) {
      program.signal(signal);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    const ProgramResult result = program.wait();
    CAPTURE(result.error);
    CHECK(result.exit_code == 130);
    CHECK(has(result.out, "continue with --resume " + run));
    const auto written = checkpoints_of(run);
    REQUIRE(written.size() == 1);
    CHECK(SafetensorsFile(written[0]).metadata().contains("step"));
  }
}

// With an evaluation at each step the signal mostly falls into one, which is then given up and made
// when the run goes on.
TEST_CASE("a signal during an evaluation loses nothing of the log") {
  const TempFolder folder;
  const Words often{"--steps",     "12", "--eval-every",       "1", "--eval-batch",       "10",
                    "--log-every", "3",  "--checkpoint-every", "4", "--keep-checkpoints", "9"};
  const auto run_of = [&](const std::string& name, const Words& more) {
    return Words{"classifier", "--out", (folder / name).string()} + digits("400") + more;
  };
  train(run_of("whole", often));
  const Program program(folder, "scimix_train", run_of("cut", often));
  program.wait_for_checkpoint(folder / "cut", 4);
  program.signal(SIGTERM);
  CHECK(program.wait().exit_code == 130);
  train({"classifier", "--resume", (folder / "cut").string()});
  CHECK(records_of(folder / "cut") == records_of(folder / "whole"));
  const std::string last = "checkpoints/step-00000012.safetensors";
  CHECK(test::read_bytes(folder / "cut" / last) == test::read_bytes(folder / "whole" / last));
}

TEST_CASE("a run goes on from the checkpoint before an empty one, and says so") {
  const TempFolder folder;
  const Words few{"--steps", "9", "--checkpoint-every", "3", "--keep-checkpoints", "9"};
  const std::string run = (folder / "run").string();
  train(classifier(run, few));
  const auto last = folder / "run/checkpoints/step-00000009.safetensors";
  const std::string expected = test::read_bytes(last);
  test::write_bytes(last, "");
  test::write_bytes(folder / "run/checkpoints/step-best.safetensors", expected);
  const ProgramResult result = train({"classifier", "--resume", run});
  CHECK(has(result.out, last.string()));
  CHECK(has(result.out, "passed over"));
  CHECK(has(result.out, "resumed after step 6"));
  CHECK(test::read_bytes(last) == expected);
}

TEST_CASE("what is known at once is refused before data are read") {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  train(classifier(run, {"--steps", "1"}));
  const Words no_data{"--dataset", "cifar10", "--data-dir", "/nowhere"};
  check_mistake("scimix_train", Words{"classifier", "--out", run} + no_data,
                {"already holds a run"});
  check_mistake("scimix_train", Words{"generator", "--out", run} + no_data,
                {"already holds a run"});
  std::filesystem::remove(run + "/config.toml");
  check_mistake("scimix_train", Words{"classifier", "--out", run} + no_data,
                {"holds checkpoints of another run", "step-00000001"});
  const std::string other = (folder / "other").string();
  check_mistake("scimix_train", Words{"generator", "--out", other, "--image-size", "100"} + no_data,
                {"image size 100", "no number of stages fits"});
  check_mistake(
      "scimix_train",
      Words{"classifier", "--method", "fixmatch", "--out", other, "--image-size", "104"} + no_data,
      {"--method fixmatch", "104x104", "100x100"});
  CHECK_FALSE(std::filesystem::exists(other));
}

TEST_CASE(
    "test images by another data seed, on which a run was trained, are refused unless asked") {
  const TempFolder folder;
  for (const std::string name : {"left", "right"}) {
    std::filesystem::create_directories(folder / "set" / name);
    for (int i = 0; i < 10; ++i) {
      write_png(folder / "set" / name / (std::to_string(i) + ".png"),
                {16, 16, std::vector<std::uint8_t>(768, static_cast<std::uint8_t>(20 * i))});
    }
  }
  const std::string run = (folder / "run").string();
  train(Words{"classifier", "--dataset", "folder", "--data-dir", (folder / "set").string(),
              "--steps", "2", "--out", run} +
        kSmall);
  const Words evaluate{"accuracy", run, "--device", "cpu"};
  CHECK(run_program("scimix_eval", evaluate).exit_code == 0);
  check_mistake("scimix_eval", evaluate + Words{"--data-seed", "2"},
                {"--data-seed 2", "--allow-training-images"});
  CHECK(run_program("scimix_eval", evaluate + Words{"--data-seed", "2", "--allow-training-images"})
            .exit_code == 0);
}

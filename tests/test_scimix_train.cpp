// scimix_train classifier from outside: what it writes, what a kill leaves, what a mistake gets.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "command_line.hpp"
#include "core/device.hpp"
#include "core/safetensors.hpp"
#include "json_lines.hpp"
#include "skip.hpp"

using namespace scimix;
using test::operator+;
using test::metrics_of;
using test::run_program;
using test::train;
using test::Words;

namespace {

Words small_run(const std::string& out, const Words& more = {}) {
  return test::words_of(
             "classifier --dataset digits --digits-train 300 --digits-test 50 --depth 10 "
             "--width 1 --batch 8 --steps 120 --log-every 7 --eval-every 40 --eval-batch 50 "
             "--checkpoint-every 10 --device cpu") +
         Words{"--out", out} + more;
}

void check_mistake(std::vector<std::string> arguments, const std::vector<std::string>& words) {
  test::check_mistake("scimix_train", std::move(arguments), words);
}

// Runs small_run in a shell, after the commands `limits`. It must end with exit code 2 and a line
// that contains `words`.
[[maybe_unused]] void check_limited(const std::string& limits, const std::string& words) {
  const test::TempFolder folder;
  std::string command = limits + (program_dir() / "scimix_train").string();
  for (const std::string& word : small_run((folder / "run").string())) command += " " + word;
  const auto limited = run_program("sh", {"-c", command});
  CAPTURE(limited.error);
  CHECK(limited.exit_code == 2);
  CHECK(test::has(limited.error, words));
}

}  // namespace

TEST_CASE("a run folder holds config, split, metrics, events and a checkpoint") {
  const test::TempFolder folder;
  const std::string run = (folder / "run").string();
  const auto result = train(small_run(run));
  CHECK(result.out.find(
            "300 training images (300 labelled), 50 test images, 10 classes, 32x32 pixels\n") !=
        std::string::npos);
  CHECK(result.out.find("median of the last 3 evaluations") != std::string::npos);
  // TensorBoard shows the augmented images of a classifier's run.
  std::string events;
  for (const auto& entry : std::filesystem::directory_iterator(run)) {
    if (entry.path().filename().string().find("tfevents") != std::string::npos) {
      events = test::read_bytes(entry.path());
    }
  }
  CHECK(events.find("augmented") != std::string::npos);
  CHECK(events.find("\x89PNG") != std::string::npos);
  CHECK(result.out.find("test accuracy ") != std::string::npos);
  CHECK(test::config_of(run).find("digits-train=300") != std::string::npos);
  const std::vector<nlohmann::json> records = metrics_of(run);
  CHECK(records.size() == 17 + 1 + 3);  // every 7 steps and at the end; evaluations at 40, 80, 120
  double last_step = 0;
  for (const nlohmann::json& record : records) last_step = record.at("step").get<double>();
  CHECK(last_step == 120);
  const SafetensorsFile checkpoint(test::checkpoint(run, 120));
  CHECK(checkpoint.metadata().at("step") == "120");
  CHECK(checkpoint.find("ema.blocks.0.conv1.weight") != nullptr);

  // The same again into the same folder would overwrite it.
  check_mistake(small_run(run), {"already holds a run", "--resume"});
  // The config it wrote describes the same run.
  const std::string again = (folder / "again").string();
  train({"classifier", "--config", run + "/config.toml", "--out", again});
  CHECK(test::checkpoint_bytes(again, 120) == test::checkpoint_bytes(run, 120));
}

TEST_CASE("a killed run resumes bit for bit" * doctest::test_suite("full")) {
  const test::TempFolder folder;
  const std::string whole = (folder / "whole").string();
  train(small_run(whole));

  const std::string killed = (folder / "killed").string();
  test::train_until_killed(small_run(killed), killed, 30);
  train({"classifier", "--resume", killed});
  CHECK(test::checkpoint_bytes(killed, 120) == test::checkpoint_bytes(whole, 120));

  // The metrics are those of one run: each step once, the same values.
  const auto without_time = [](std::vector<nlohmann::json> records) {
    for (nlohmann::json& record : records) record.erase("time");
    return records;
  };
  CHECK(without_time(metrics_of(killed)) == without_time(metrics_of(whole)));
}

TEST_CASE("an interrupted run writes a checkpoint and says how to go on") {
  const test::TempFolder folder;
  const std::string run = (folder / "run").string();
  const test::Program program(folder, "scimix_train", small_run(run, {"--steps", "100000"}));
  program.wait_for_checkpoint(run, 10);
  program.signal(SIGTERM);
  const auto result = program.wait();
  CHECK(result.exit_code == 130);
  CHECK(result.out.find("continue with --resume " + run) != std::string::npos);
}

TEST_CASE("a finished run that goes on has no report until it ends again") {
  const test::TempFolder folder;
  const std::string run = (folder / "run").string();
  test::train(small_run(run, {"--steps", "10"}));
  CHECK(std::filesystem::exists(run + "/report.html"));
  const test::Program program(folder, "scimix_train",
                              {"classifier", "--resume", run, "--steps", "100000"});
  program.wait_for_checkpoint(run, 20);
  program.signal(SIGTERM);
  CHECK(program.wait().exit_code == 130);
  CHECK_FALSE(std::filesystem::exists(run + "/report.html"));
}

TEST_CASE("mistakes on the command line get one line and exit code 2") {
  check_mistake({"clasifier"}, {"unknown command clasifier", "classifier"});
  check_mistake({"classifier", "--lables", "10"}, {"unknown option --lables", "--labels"});
  check_mistake({"classifier", "--steps", "many"}, {"--steps", "many"});
  check_mistake({"classifier", "--method", "supervized"}, {"--method supervized", "supervised"});
  check_mistake({"classifier", "--dataset", "cifar"}, {"cifar", "cifar10"});
  check_mistake({"classifier", "--dataset", "cifar10", "--data-dir", "/nowhere"}, {"/nowhere"});
  check_mistake({"classifier", "--dataset", "cifar10"}, {"--data-dir", "cifar10"});
  check_mistake({"classifier", "--labels", "15"}, {"15", "10"});
  check_mistake({"classifier", "--depth", "20"}, {"depth 20", "6 n + 4"});
  check_mistake({"classifier", "--seed", "-1"}, {"--seed", "-1", "from 0"});
  check_mistake({"classifier", "--device", "gpu"}, {"--device gpu", "auto"});
  check_mistake({"classifier", "--resume", "/nowhere"}, {"/nowhere", "no run"});
  check_mistake({"classifier", "--resume=/nowhere", "--steps", "5"}, {"/nowhere", "no run"});
}

TEST_CASE("a GPU that is not there is the user's mistake") {
  if (cuda_device_count() > 0) {
    check_mistake({"classifier", "--device", "cuda:99"}, {"--device cuda:99"});
  } else {
    check_mistake({"classifier", "--device", "cuda:0"}, {"--device cuda:0", "cpu"});
  }
}

TEST_CASE("an unknown key in a configuration file names the file and the nearest key") {
  const test::TempFolder folder;
  const std::string path = (folder / "a.toml").string();
  test::write_bytes(path, "learning-rat = 0.1\n");
  check_mistake({"classifier", "--config", path}, {path, "learning-rat", "learning-rate"});
  check_mistake({"classifier", "--config", (folder / "none.toml").string()}, {"none.toml"});
}

TEST_CASE("a mistake leaves no run folder behind") {
  const test::TempFolder folder;
  const std::string run = (folder / "run").string();
  check_mistake(small_run(run, {"--labels", "7"}), {"7"});
  CHECK(!std::filesystem::exists(run));
}

TEST_CASE("help lists the everyday options, and all of them when asked") {
  const auto few = run_program("scimix_train", {"classifier", "--help"});
  CHECK(few.exit_code == 0);
  CHECK(few.out.find("--steps") != std::string::npos);
  CHECK(few.out.find("--help-all") != std::string::npos);
  CHECK(few.out.find("--weight-decay") == std::string::npos);
  const auto all = run_program("scimix_train", {"classifier", "--help-all"});
  CHECK(all.exit_code == 0);
  CHECK(all.out.find("--weight-decay") != std::string::npos);
}

TEST_CASE("output that cannot be written is an error, and no reason to end a run before its time") {
  const test::TempFolder folder;
  const std::string program = (program_dir() / "scimix_train").string();
  const std::string run = (folder / "run").string();
  std::string command = program;
  for (const std::string& word : small_run(run, {"--steps", "10"})) command += " " + word;
  const auto shell = [&](const std::string& script) { return run_program("sh", {"-c", script}); };
  // Whoever reads the output is gone before the run is.
  const auto piped = shell("(" + command + "; echo $? >" + (folder / "code").string() +
                           ") 2>/dev/null | head -n 1");
  CHECK(piped.exit_code == 0);
  CHECK(test::read_bytes(folder / "code") == "0\n");
  CHECK(std::filesystem::exists(run + "/report.html"));
  const auto full = shell(program + " --help >/dev/full");
  CHECK(full.exit_code == 2);
  CHECK(full.error == "scimix_train: standard output cannot be written: is the disk full?\n");
}

TEST_CASE("a limit on the size of files ends a run with a line, not by a signal") {
#ifdef SCIMIX_THREAD_SANITIZED
  skip_check("a limit on the size of files: the thread sanitizer keeps its tables in files");
#else
  check_limited("ulimit -f 600; ", "step-00000010.safetensors: cannot write");
#endif
}

TEST_CASE("too little memory is named before a library crashes for want of it") {
#ifdef SCIMIX_SANITIZED
  skip_check("a limit on memory: a sanitizer's own table needs terabytes of addresses");
#else
  const std::string version = test::run_to_success("scimix_train", {"--version"}).out;
  if (test::has(version, "cuda (") && !test::has(version, "cuda (emulated)")) {
    return skip_check("a limit on memory: NVIDIA's libraries alone need more addresses than that");
  }
  check_limited("export OMP_NUM_THREADS=1; ulimit -v 358400; exec timeout 60 ",
                "memory is limited to 350 MB");
#endif
}

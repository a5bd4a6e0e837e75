// Several ranks, started by mpirun as a user starts them: what they do together, that a run of them
// is the run of one, and how it ends when one of them dies, hangs or disagrees.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <random>
#include <sstream>

#include "core/device.hpp"
#include "core/safetensors.hpp"
#include "rank_runs.hpp"
#include "skip.hpp"
#include "striped_picture.hpp"
#include "tests/paths.hpp"

using namespace scimix;
using test::apart;
using test::checkpoint;
using test::occurrences;
using test::on_ranks;
using test::operator+;
using test::Program;
using test::ProgramResult;
using test::read_bytes;
using test::run_on_ranks;
using test::TempFolder;
using test::train;
using test::Words;
using test::words_of;

namespace {

bool have_mpirun() {
  static const bool there =
      SCIMIX_WITH_MPI != 0 && std::system("command -v mpirun >/dev/null") == 0;
  if (!there) skip_check("several ranks, for want of MPI");
  return there;
}

Words classifier(const std::string& out, const Words& more) {
  return test::classifier_run(out, more);
}

Words generator(const std::string& out, const Words& more) {
  return test::generator_run(out, more);
}

void run_together(int ranks, const Words& arguments) {
  const ProgramResult result = run_on_ranks(ranks, "scimix_train", arguments);
  CAPTURE(result.error);
  REQUIRE(result.exit_code == 0);
}

// In f64 nothing but the order of sums differs. In f32 rounding grows from step to step, and by a
// leap wherever an activation changes sides of its kink, also between two runs of one rank with
// other numbers of threads: with a small learning rate these differed by 6e-9 after 5 steps and by
// 4e-5 after 20 (a processor with AVX2). So the f32 run has 5 steps.
constexpr double kDoubleTolerance = 1e-12;
constexpr double kFloatTolerance = 1e-5;

struct Method {
  const char* name;
  Words options;
};

// `run`: classifier or generator. 20 steps on 2 and on 4 ranks against those of one.
void check_against_one(Words (*run)(const std::string& out, const Words& more),
                       const Words& options, double tolerance) {
  const TempFolder folder;
  const Words exact = options + Words{"--precision", "f64", "--steps", "20"};
  const std::string one = (folder / "one").string();
  train(run(one, exact));
  for (const int ranks : {2, 4}) {
    CAPTURE(ranks);
    const std::string out = (folder / std::to_string(ranks)).string();
    run_together(ranks, run(out, exact + Words{"--sync-norm", "true"}));
    CHECK(apart(checkpoint(one, 20), checkpoint(out, 20)) < tolerance);
  }
}

void check_each_against_one(Words (*run)(const std::string& out, const Words& more),
                            const std::vector<Method>& methods) {
  for (const Method& method : methods) {
    CAPTURE(method.name);
    check_against_one(run, method.options, kDoubleTolerance);
  }
}

}  // namespace

TEST_SUITE_BEGIN("ranks");

TEST_CASE("ranks: NCCL carries what one rank on a GPU sends") {
  if (!have_mpirun()) return;
  if (cuda_device_count() == 0) return skip_gpu_check("operations of ranks by NCCL");
  ::setenv("SCIMIX_ON_RANKS", "1", 1);
  const ProgramResult result =
      run_on_ranks(1, "scimix_tests", {"--test-case=on ranks: the same operations by NCCL"});
  ::unsetenv("SCIMIX_ON_RANKS");
  CAPTURE(result.out);
  CHECK(result.out.find("\n1 passed, 0 failed, 0 skipped") != std::string::npos);
}

TEST_CASE("ranks: 2, 3 and 4 of them do together what they should") {
  if (!have_mpirun()) return;
  for (const int ranks : {2, 3, 4}) {
    CAPTURE(ranks);
    ::setenv("SCIMIX_ON_RANKS", std::to_string(ranks).c_str(), 1);
    const ProgramResult result =
        run_on_ranks(ranks, "scimix_tests", {"--test-case=on ranks: *", "--minimal"});
    ::unsetenv("SCIMIX_ON_RANKS");
    CAPTURE(result.out);
    CAPTURE(result.error);
    CHECK(result.exit_code == 0);
    // All of them ran the cases, and none was skipped.
    CHECK(occurrences(result.out, "\n11 passed, 0 failed, 0 skipped") == ranks);
  }
}

TEST_CASE("ranks: a classifier's run is the run of one rank, for each method") {
  if (!have_mpirun()) return;
  const std::vector<Method> methods{
      {"supervised", {"--method", "supervised"}},
      {"mean-teacher", {"--method", "mean-teacher", "--input-noise", "0.1"}},
      {"cutmix", {"--method", "mean-teacher", "--mixer", "cutmix"}},
      {"fixmatch", {"--method", "fixmatch", "--threshold", "0.2"}},
      {"labels of hybrids",
       {"--method", "fixmatch", "--mixer", "mixup", "--hybrid-use", "labeled"}}};
  check_each_against_one(classifier, methods);
}

TEST_CASE("ranks: a run on pictures of which most have no class is the run of one rank") {
  if (!have_mpirun()) return;
  const TempFolder folder;
  const std::filesystem::path pictures = folder / "pictures";
  test::write_labeled_pictures(pictures);
  test::write_unlabeled_pictures(pictures, 30);
  const auto run = [&](const std::string& out) {
    return Words{"classifier", "--out", (folder / out).string(), "--data-dir", pictures.string()} +
           words_of(
               "--dataset folder --image-size 16 --crop-pad 2 --depth 10 --width 1 --device cpu "
               "--method mean-teacher --batch 8 --unlabeled-batch 8 --precision f64 --sync-norm "
               "true --steps 20 --log-every 5 --eval-every 1000 --checkpoint-every 1000");
  };
  train(run("one"));
  run_together(2, run("two"));
  const std::string one = (folder / "one").string();
  const std::string two = (folder / "two").string();
  CHECK(apart(checkpoint(one, 20), checkpoint(two, 20)) < kDoubleTolerance);
  CHECK(read_bytes(one + "/split.json") == read_bytes(two + "/split.json"));
  for (const std::string& out : {one, two}) {
    const std::string report = read_bytes(out + "/report.html");
    CHECK(report.find("It looked at all 30 unlabelled images.") != std::string::npos);
  }
}

TEST_CASE("ranks: hybrids of a generator are those of one rank") {
  if (!have_mpirun()) return;
  const TempFolder folder;
  const std::string made = (folder / "generator").string();
  train(generator(made, {"--labels", "40", "--steps", "2"}));
  check_against_one(classifier,
                    {"--method", "mean-teacher", "--mixer", "scimix", "--generator", made},
                    kDoubleTolerance);
}

TEST_CASE("ranks: in f32 a run is the run of one rank up to rounding") {
  if (!have_mpirun()) return;
  const TempFolder folder;
  const Words options{"--method", "mean-teacher",    "--mixer", "mixup", "--steps",
                      "5",        "--learning-rate", "0.001"};
  train(classifier((folder / "one").string(), options));
  run_together(2, classifier((folder / "two").string(), options + Words{"--sync-norm", "true"}));
  const double difference =
      apart(checkpoint((folder / "one").string(), 5), checkpoint((folder / "two").string(), 5));
  CHECK(difference < kFloatTolerance);
  // Without it each rank has statistics of its own: another run, and a check that this can fail.
  run_together(2, classifier((folder / "own").string(), options));
  CHECK(apart(checkpoint((folder / "one").string(), 5), checkpoint((folder / "own").string(), 5)) >
        10 * difference);
}

TEST_CASE("ranks: a generator's run is the run of one rank") {
  if (!have_mpirun()) return;
  const std::vector<Method> methods{
      {"all labels", {"--labels", "all"}},
      {"some labels, noise, Mean Teacher", {"--labels", "40", "--noise", "true"}},
      {"FixMatch: more unlabelled images than are mixed",
       {"--labels", "40", "--semantic-loss", "fixmatch", "--unlabeled-batch", "24"}},
      {"unfrozen: gradients through other ranks' codes",
       {"--labels", "all", "--variant", "unfrozen", "--weight-class-minus", "0.1"}}};
  check_each_against_one(generator, methods);
}

TEST_CASE("ranks: a run goes on with another number of them") {
  if (!have_mpirun()) return;
  const TempFolder folder;
  const Words options = words_of(
      "--method mean-teacher --mixer mixup --steps 12 --precision f64 --sync-norm true "
      "--checkpoint-every 4 --keep-checkpoints 9");
  const std::string whole = (folder / "whole").string();
  train(classifier(whole, options));
  const std::string broken = (folder / "broken").string();
  run_together(2, classifier(broken, options));
  std::filesystem::remove(checkpoint(broken, 12));
  run_together(4, {"classifier", "--resume", broken});
  CHECK(apart(checkpoint(whole, 12), checkpoint(broken, 12)) < kDoubleTolerance);
  std::filesystem::remove(checkpoint(broken, 12));
  std::filesystem::remove(checkpoint(broken, 8));
  train({"classifier", "--resume", broken});
  CHECK(apart(checkpoint(whole, 12), checkpoint(broken, 12)) < kDoubleTolerance);
}

TEST_CASE("ranks: rank 0 alone speaks and writes") {
  if (!have_mpirun()) return;
  const TempFolder folder;
  const ProgramResult result =
      run_on_ranks(3, "scimix_train",
                   classifier((folder / "run").string(),
                              {"--method", "supervised", "--batch", "9", "--steps", "5"}));
  CAPTURE(result.error);
  REQUIRE(result.exit_code == 0);
  CHECK(occurrences(result.out, "test accuracy") >= 1);
  CHECK(occurrences(result.out, "run folder") == 1);
  CHECK(occurrences(result.out, "3 ranks share every batch") == 1);
  // The log and an evaluation.
  CHECK(occurrences(read_bytes(folder / "run/metrics.jsonl"), "\"step\":5,") == 2);
}

// As srun leaves it without --mpi=pmix.
TEST_CASE("ranks: processes that don't know of each other refuse to train alone") {
  ::setenv("SLURM_STEP_NUM_TASKS", "2", 1);
  const TempFolder folder;
  test::check_mistake("scimix_train", classifier((folder / "run").string(), {}),
                      {SCIMIX_WITH_MPI != 0 ? "--mpi=pmix" : "built without MPI", "2 processes"});
  ::unsetenv("SLURM_STEP_NUM_TASKS");
  CHECK(!std::filesystem::exists(folder / "run"));
}

TEST_CASE("ranks: what their exchange costs can be measured") {
  if (!have_mpirun()) return;
  const ProgramResult result =
      run_on_ranks(2, "scimix_bench", {"comm", "--batch", "2", "--rounds", "2", "--steps", "1"});
  CAPTURE(result.error);
  CHECK(result.exit_code == 0);
  CHECK(result.out.find("5.87 MB a step") != std::string::npos);  // 1,467,610 parameters in f32
  CHECK(result.out.find("% hidden") != std::string::npos);
}

TEST_CASE("ranks: a mistake is said once, and ends all") {
  if (!have_mpirun()) return;
  const TempFolder folder;
  const auto check = [&](const Words& options, const std::string& words) {
    const ProgramResult result =
        run_on_ranks(3, "scimix_train", classifier((folder / "run").string(), options));
    CAPTURE(result.error);
    CHECK(result.exit_code == 2);
    const auto first = result.error.find("scimix_train: " + words);
    CHECK(first != std::string::npos);
    CHECK(result.error.find(words, first + words.size() + 20) == std::string::npos);
    CHECK(!std::filesystem::exists(folder / "run"));
  };
  check({"--method", "supervised", "--batch", "8"},
        "--batch 8: expected a multiple of the 3 ranks");
  check({"--method", "mean-teacher", "--batch", "9"},
        "--unlabeled-batch 8: expected a multiple of the 3 ranks");
  check({"--method", "supervisd"}, "--method supervisd");
  check({"--rank-timeout", "0"}, "--rank-timeout 0");
}

namespace {

// The processes that `parent` has started.
std::vector<pid_t> children_of(pid_t parent) {
  const std::string id = std::to_string(parent);
  std::istringstream numbers(read_bytes("/proc/" + id + "/task/" + id + "/children"));
  return {std::istream_iterator<pid_t>(numbers), {}};
}

// Its time-out is long enough for a machine that has other work, where a rank may start seconds
// late.
Words long_run(const std::string& out, int steps) {
  return classifier(
      out, {"--method", "mean-teacher", "--mixer", "mixup", "--steps", std::to_string(steps),
            "--checkpoint-every", "5", "--rank-timeout", "10"});
}

// A run on two ranks that has written its first checkpoint. It would go on for hours, so that
// whatever ends it is what the test does to it.
struct TwoRanks {
  TwoRanks() {
    run.wait_for_checkpoint(out, 5);
    ranks = children_of(run.process());
    REQUIRE(ranks.size() == 2);
  }

  // Both ranks go on after the newest checkpoint, for a few steps.
  void check_resumes() const {
    const int last = test::newest_checkpoint(out);
    run_together(2, {"classifier", "--resume", out, "--steps", std::to_string(last + 3)});
    CHECK(std::filesystem::exists(checkpoint(out, last + 3)));
  }

  TempFolder folder;
  TempFolder streams;
  std::string out = (folder / "run").string();
  Program run{streams, "mpirun", on_ranks(2, "scimix_train", long_run(out, 1'000'000))};
  std::vector<pid_t> ranks;  // their processes
};

}  // namespace

// Wherever the kill falls, also into the writing of a checkpoint, the newest one is whole.
TEST_CASE("ranks: a rank that is killed ends the run, which resumes to the same bits") {
  if (!have_mpirun()) return;
  const TempFolder folder;
  const std::string whole = (folder / "whole").string();
  run_together(2, long_run(whole, 60));
  const std::string expected = read_bytes(checkpoint(whole, 60));
  std::minstd_rand random(1);
  for (int trial = 0; trial < 10; ++trial) {
    CAPTURE(trial);
    const std::string out = (folder / ("run-" + std::to_string(trial))).string();
    const TempFolder streams;
    const Program run(streams, "mpirun", on_ranks(2, "scimix_train", long_run(out, 60)));
    run.wait_for(std::filesystem::path(out) / "config.toml");
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 800));
    const std::vector<pid_t> ranks = children_of(run.process());
    if (ranks.size() == 2) ::kill(ranks[random() % 2], SIGKILL);  // else it has just ended
    const ProgramResult ended = run.wait();
    if (!std::filesystem::exists(checkpoint(out, 60))) {  // killed before its end
      CAPTURE(ended.error);
      CHECK(ended.exit_code != 0);
      CHECK(ended.error.find("rank") != std::string::npos);  // mpirun names it
    }
    run_together(2, {"classifier", "--resume", out});
    CHECK(read_bytes(checkpoint(out, 60)) == expected);
    std::filesystem::remove_all(out);
  }
}

TEST_CASE("ranks: one that stands still is named, and the run ends") {
  if (!have_mpirun()) return;
  const TwoRanks two;
  ::kill(two.ranks[1], SIGSTOP);
  const ProgramResult ended = two.run.wait();
  CAPTURE(ended.error);
  CHECK(ended.exit_code == 69);
  CHECK(ended.error.find("rank 1 does not answer") != std::string::npos);
  two.check_resumes();
}

TEST_CASE("ranks: one that computes for too long is told from one that is gone") {
  if (!have_mpirun()) return;
  const ProgramResult ended = run_on_ranks(
      2, "scimix_tests", {"--test-case=on failing ranks: *", "--no-skip", "--minimal"});
  CAPTURE(ended.error);
  CHECK(ended.exit_code == 69);
  CHECK(ended.error.find("rank 0 has waited 2 s") != std::string::npos);
  CHECK(ended.error.find("rank 1 has not started it") != std::string::npos);
}

TEST_CASE("ranks: a signal that reaches one of them stops all, with a checkpoint") {
  if (!have_mpirun()) return;
  const TwoRanks two;
  ::kill(two.ranks[1], SIGUSR1);
  const ProgramResult ended = two.run.wait();
  CAPTURE(ended.error);
  CHECK(ended.out.find("interrupted after step") != std::string::npos);
  two.check_resumes();
}

// Ranks look for signals by time, not where they log.
TEST_CASE("ranks: a signal, sent again and again, leads to one checkpoint at any log interval") {
  if (!have_mpirun()) return;
  for (const bool to_all : {false, true}) {
    CAPTURE(to_all);
    const TempFolder folder;
    const std::string out = (folder / "run").string();
    const TempFolder streams;
    const Program run(
        streams, "mpirun",
        on_ranks(2, "scimix_train",
                 Words{"classifier", "--out", out, "--batch", "8"} + test::tiny_images("cpu") +
                     Words{"--steps", "1000000", "--log-every", "1000000", "--eval-every",
                           "1000000", "--checkpoint-every", "1000000"}));
    run.wait_for(std::filesystem::path(out) / "metrics.jsonl");
    std::this_thread::sleep_for(std::chrono::seconds(1));
    const std::vector<pid_t> ranks = children_of(run.process());
    REQUIRE(ranks.size() == 2);
    for (int i = 0; i < 5; ++i) {
      if (to_all) ::kill(ranks[0], SIGUSR2);
      ::kill(ranks[1], SIGUSR2);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    const ProgramResult ended = run.wait();
    CAPTURE(ended.error);
    CHECK(ended.out.find("interrupted after step") != std::string::npos);
    int written = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(out) / "checkpoints")) {
      written += entry.path().extension() == ".safetensors" ? 1 : 0;
    }
    CHECK(written == 1);
  }
}

TEST_SUITE_END();

// scimix_train table from outside: a tiny table is trained, killed, and goes on.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <sstream>

#include "command_line.hpp"
#include "temp_folder.hpp"

using namespace scimix;
using test::operator+;
using test::has;
using test::occurrences;
using test::ProgramResult;
using test::run_program;
using test::train;
using test::Words;

namespace {

// Runs of a second each. The two rows with SciMix share their generator, which starts from a guide.
constexpr const char* kList = R"([table]
T = { title = "Tiny" }
birds = { title = "Data that are missing" }

[set.tiny]
dataset = "digits"
digits-train = 60
digits-test = 20
image-size = 16
crop-pad = 2
labels = 20
depth = 10
width = 1
batch = 3
unlabeled-batch = 4
log-every = 5
eval-every = 20
eval-batch = 20
checkpoint-every = 10
method = "mean-teacher"
steps = 40

[generator.tiny]
guide-steps = 6
depth = 10
width = 1
g-channels = 8
g-max-channels = 16
d-channels = 8
d-max-channels = 16
batch = 4
steps = 4
log-every = 2
eval-every = 4
eval-batch = 20
eval-pairs = 10
sample-pairs = 3
checkpoint-every = 2

[oracle]
depth = 10
width = 1
batch = 10
steps = 10
log-every = 5
eval-every = 10
checkpoint-every = 10

[[row]]
table = "T"
name = "mt"
title = "Mean Teacher with {labels} labels"
use = "tiny"
paper = [48.7, 23.0]

[[row]]
table = "T"
name = "contradict"
title = "SciMix"
use = "tiny"
generator = "tiny"
baseline = "mt"
measure = ["accuracy", "transfer"]

[[row]]
table = "T"
name = "pseudo"
title = "SciMix with pseudo-labels"
use = "tiny"
settings = { hybrid-use = "pseudo" }
generator = "tiny"
baseline = "mt"

[[row]]
table = "birds"
name = "auks"
title = "Auks"
settings = { dataset = "cub-200-2010" }

[[row]]
table = "birds"
name = "numbers"
title = "Numbers"
settings = { dataset = "svhn" }

[[row]]
table = "birds"
name = "many"
title = "More labels than there are images"
use = "tiny"
settings = { labels = 200 }
)";

// The runs of table T with the seeds 0 and 1, without the two guides, whose names have a digest.
const Words kRuns{"mt seed 0",
                  "mt seed 1",
                  "generator tiny-digits-20-16px seed 0",
                  "generator tiny-digits-20-16px seed 1",
                  "contradict seed 0",
                  "contradict seed 1",
                  "pseudo seed 0",
                  "pseudo seed 1",
                  "oracle digits-all-16px",
                  "hybrids of tiny-digits-20-16px seed 0",
                  "hybrids of tiny-digits-20-16px seed 1"};

class Place {
 public:
  Place() { test::write_bytes(folder_ / "t.toml", kList); }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return folder_ / name;
  }
  [[nodiscard]] const test::TempFolder& folder() const { return folder_; }
  [[nodiscard]] Words command(const std::string& table, const Words& more = {},
                              const std::string& out = "out") const {
    return Words{"table",    table, "--config", (folder_ / "t.toml").string(), "--seeds", "0,1",
                 "--device", "cpu", "--out",    (folder_ / out).string()} +
           more;
  }

 private:
  test::TempFolder folder_;
};

// How often a run or measurement was begun or went on, as the table's own lines say.
int starts(const std::string& out, const std::string& task) {
  return occurrences(out, task + ": begun\n") + occurrences(out, task + ": measuring\n") +
         occurrences(out, task + ": going on after step ");
}

// How often a guide was begun or went on.
int guide_starts(const std::string& out) {
  int count = 0;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) {
    count += line.starts_with("guide mean-teacher-digits-20-16px-") &&
             (has(line, ": begun") || has(line, ": going on after step "));
  }
  return count;
}

// The cells of a CSV file without quotes.
std::vector<Words> csv_of(const std::filesystem::path& path) {
  std::istringstream lines(test::read_bytes(path));
  std::vector<Words> table;
  for (std::string line; std::getline(lines, line);) {
    REQUIRE(line.ends_with('\r'));
    line.pop_back();
    Words cells;
    std::istringstream rest(line + ",");
    for (std::string cell; std::getline(rest, cell, ',');) cells.push_back(cell);
    table.push_back(cells);
  }
  return table;
}

}  // namespace

TEST_CASE("scimix_train table: killed and begun again, it makes each run once" *
          doctest::test_suite("full")) {
  const Place place;
  // Two runs at once; killed when the first classifier with hybrids has come to a checkpoint.
  test::TempFolder output;
  const test::Program killed(output, "scimix_train", place.command("T", {"--jobs", "2"}));
  killed.wait_for(place / "out/runs/contradict/seed-0/checkpoints/written.txt");
  killed.signal(SIGKILL);
  const ProgramResult first = killed.wait();
  CHECK(first.exit_code == -SIGKILL);

  const ProgramResult second = train(place.command("T", {"--jobs", "2"}));
  for (const std::string& run : kRuns) {
    CAPTURE(run);
    const bool was_done = has(first.out, run + ": done");
    const bool was_begun = starts(first.out, run) > 0;
    // A generator that two rows share is among these.
    CHECK(starts(first.out, run) <= 1);
    CHECK(starts(second.out, run) <= 1);
    CHECK(has(second.out, run + ": done") == (starts(second.out, run) == 1));
    if (was_done) CHECK(starts(second.out, run) == 0);
    // A run that had begun may have ended just before the signal, too late for its line.
    if (!was_begun) CHECK(starts(second.out, run) == 1);
  }
  CHECK(has(first.out, "mt seed 0: done"));
  CHECK(has(second.error, "3 of 3 rows, 13 of 13 runs done"));

  // Each generator took over a guide that is a run of its own.
  CHECK(guide_starts(first.out) + guide_starts(second.out) >= 2);
  CHECK(guide_starts(second.out) <= 2);
  for (const char* seed : {"seed-0", "seed-1"}) {
    const auto generator = place / "out/generators/tiny-digits-20-16px" / seed;
    CHECK(has(test::read_bytes(generator / "guide/config.toml"), "steps=6\n"));
    CHECK(has(test::read_bytes(generator / "config.toml"), "guide-steps=6\n"));
  }

  // A third time there is nothing to do, also if the folder was moved, and the guides, which the
  // generators have no more use for, were deleted.
  std::filesystem::remove_all(place / "out/guides");
  std::filesystem::rename(place / "out", place / "moved");
  const ProgramResult third = run_program("scimix_train", place.command("T", {}, "moved"));
  CHECK(third.exit_code == 0);
  for (const std::string& run : kRuns) CHECK(starts(third.out, run) == 0);
  CHECK(guide_starts(third.out) == 0);
  CHECK_FALSE(std::filesystem::exists(place / "moved/guides"));
  std::filesystem::rename(place / "moved", place / "out");

  // An uninterrupted table has the same figures, with as many threads for each run: sums over
  // threads are rounded differently for another number of them.
  const Place other;
  const ProgramResult whole = run_program("scimix_train", other.command("T", {"--jobs", "2"}));
  REQUIRE(whole.exit_code == 0);
  for (const std::string& run : kRuns) CHECK(starts(whole.out, run) == 1);
  CHECK(guide_starts(whole.out) == 2);
  CHECK(test::read_bytes(place / "out/T/table.csv") == test::read_bytes(other / "out/T/table.csv"));

  const std::vector<Words> csv = csv_of(place / "out/T/table.csv");
  REQUIRE(csv.size() == 9);  // accuracy and median of three rows, s_c and s_r of one
  for (const Words& line : csv) CHECK(line.size() == 15);
}

TEST_CASE("scimix_train table: figures, differences, settings and curves of a finished table" *
          doctest::test_suite("full")) {
  const Place place;
  const ProgramResult result = train(place.command("T", {"--rows", "^(mt|contradict)$"}));
  const std::vector<Words> csv = csv_of(place / "out/T/table.csv");
  REQUIRE(csv.size() == 7);
  std::map<std::string, Words> lines;  // by row and measure
  for (const Words& line : csv) lines[line[1] + " " + line[3]] = line;
  const Words& mt = lines.at("mt accuracy");
  const Words& mixed = lines.at("contradict accuracy");
  CHECK(mt[4] == "2");
  CHECK(mt[7] == "48.7000");
  CHECK(mt[9].empty());
  CHECK(mixed[9] == "mt");
  CHECK(mixed[10] == "2");
  CHECK(std::stod(mixed[11]) == doctest::Approx(std::stod(mixed[5]) - std::stod(mt[5])));
  CHECK(std::stod(mixed[12]) <= std::stod(mixed[11]));
  CHECK(std::stod(mixed[13]) >= std::stod(mixed[11]));
  CHECK(lines.at("contradict s_c")[4] == "2");
  // The accuracy in the table is that of the run's own log.
  const std::string log = test::read_bytes(place / "out/runs/mt/seed-1/metrics.jsonl");
  const auto at = log.rfind("\"test_accuracy\":");
  const double accuracy = std::stod(log.substr(at + 16));
  const std::string seeds = mt[14];
  CHECK(std::stod(seeds.substr(seeds.find("1=") + 2)) == doctest::Approx(100 * accuracy));

  test::check_has(
      test::read_bytes(place / "out/T/table.html"),
      {"Table T: Tiny", "48.7 ± 23.0", "2 of 2", "<svg", "data:image/png",
       "generator tiny-digits-20-16px seed 0", "digits-train=60", "scimix_train table T"});
  // The baseline bears its own title.
  test::check_has(test::read_bytes(place / "out/T/table.md"),
                  {"| Mean Teacher with 20 labels | 2 of 2 |", "| SciMix | 2 of 2 |",
                   "] | Mean Teacher with 20 labels | "});

  // A measurement by another oracle counts no longer.
  const auto measured = [&](const std::string& state) {
    const ProgramResult list = run_program("scimix_train", place.command("T", {"--list"}));
    for (const std::string seed : {"0", "1"}) {
      CHECK(has(list.out, "hybrids of tiny-digits-20-16px seed " + seed + ": " + state + "\n"));
    }
  };
  measured("done");
  const auto oracle = test::checkpoint((place / "out/oracles/digits-all-16px").string(), 10);
  const auto made = std::filesystem::last_write_time(oracle);
  std::filesystem::last_write_time(oracle, std::filesystem::file_time_type::clock::now());
  measured("to do");
  std::filesystem::last_write_time(oracle, made);

  // Other settings are no continuation of these runs.
  test::check_mistake("scimix_train", place.command("T", {"--set", "batch=4"}),
                      {"out/runs/mt/seed-0", "other settings", "--batch", "--out"});
  // Rows that are asked for alone are compared with a baseline that is there, if it has their data.
  const Words alone{"--rows", "^contradict$", "--seeds", "0"};
  CHECK(run_program("scimix_train", place.command("T", alone)).exit_code == 0);
  CHECK(csv_of(place / "out/T/table.csv")[1][10] == "1");
  CHECK(run_program("scimix_train", place.command("T", {"--rows", "^pseudo$", "--seeds", "0",
                                                        "--set", "labels=10", "--set", "steps=2"}))
            .exit_code == 0);
  CHECK(csv_of(place / "out/T/table.csv")[1][10] == "0");
  test::check_has(
      test::read_bytes(place / "out/T/table.md"),
      {"Settings changed by --set: labels=10, steps=2.", "Mean Teacher with 10 labels"});
  // Nor with a baseline of other settings.
  CHECK(run_program("scimix_train",
                    place.command("T", {"--rows", "^pseudo$", "--seeds", "1", "--set", "steps=2"}))
            .exit_code == 0);
  CHECK(csv_of(place / "out/T/table.csv")[1][10] == "0");
  test::check_has(test::read_bytes(place / "out/T/table.md"),
                  {"SciMix with pseudo-labels is compared with no baseline of seed 1",
                   "out/runs/mt/seed-1", "other settings"});
  // Nor are more steps, or another learning rate: the rest of the table is what it was.
  test::check_mistake("scimix_train", place.command("T", {"--rows", "^mt$", "--set", "steps=50"}),
                      {"out/runs/mt/seed-0", "other settings", "--steps", "here 50"});
  test::check_mistake("scimix_train",
                      place.command("T", {"--rows", "^mt$", "--set", "learning-rate=0.5"}),
                      {"out/runs/mt/seed-0", "other settings", "--learning-rate", "here 0.5"});
  // What has no influence on the networks may change.
  CHECK(run_program("scimix_train", place.command("T", {"--rows", "^mt$", "--set", "log-every=3"}))
            .exit_code == 0);
  // A classifier that learnt from an earlier state of its generator is not shown as this one's.
  const std::string generator = (place / "out/generators/tiny-digits-20-16px/seed-0").string();
  train({"generator", "--resume", generator, "--steps", "6"});
  train({"generator", "--resume", (place / "out/generators/tiny-digits-20-16px/seed-1").string(),
         "--steps", "6"});
  test::check_mistake(
      "scimix_train", place.command("T", {"--rows", "^contradict$", "--set", "generator.steps=6"}),
      {"out/runs/contradict/seed-0: learnt from another generator than the one", generator});
  // In f64 the checksums of generator and classifier differ by their rounding.
  train(place.command(
      "T", {"--rows", "^contradict$", "--seeds", "0", "--set", "generator.precision=f64"}, "f64"));
  test::check_has(test::read_bytes(place / "f64/T/table.md"), {"| SciMix | 1 of 1 |"});
}

TEST_CASE("scimix_train table: an interrupt ends all runs with a checkpoint" *
          doctest::test_suite("full")) {
  const Place place;
  test::TempFolder output;
  const test::Program program(
      output, "scimix_train",
      place.command("T", {"--rows", "^mt$", "--jobs", "2", "--set", "steps=100000", "--set",
                          "checkpoint-every=1000000"}));
  program.wait_for(place / "out/runs/mt/seed-0/metrics.jsonl");
  program.wait_for(place / "out/runs/mt/seed-1/metrics.jsonl");
  program.signal(SIGTERM);
  const ProgramResult result = program.wait();
  CHECK(result.exit_code == 130);
  CHECK(has(result.out, "interrupted; the same command goes on"));
  for (const char* seed : {"seed-0", "seed-1"}) {
    const auto checkpoints = place / "out/runs/mt" / seed / "checkpoints";
    CHECK(std::distance(std::filesystem::directory_iterator(checkpoints), {}) == 2);
  }
  CHECK(
      has(test::read_bytes(place / "out/T/table.md"), "| Mean Teacher with 20 labels | 0 of 2 |"));
}

TEST_CASE("scimix_train table: a run that fails stops no other, and is named in one line" *
          doctest::test_suite("full")) {
  const Place place;
  // A generator that diverges.
  const ProgramResult result = run_program(
      "scimix_train", place.command("T", {"--seeds", "0", "--rows", "^(mt|pseudo)$", "--set",
                                          "generator.adam-learning-rate=1e30"}));
  CHECK(result.exit_code == 2);
  CHECK(has(result.out, "mt seed 0: done"));
  CHECK_FALSE(has(result.out, "pseudo seed 0: begun"));
  CHECK(has(result.error,
            "scimix_train: a run has failed: generator tiny-digits-20-16px seed 0; the first with "
            "exit code 2: "));
  CHECK(
      has(test::read_bytes(place / "out/T/table.md"), "| Mean Teacher with 20 labels | 1 of 1 |"));
}

TEST_CASE("scimix_train table: a run whose folder cannot be made stops no other" *
          doctest::test_suite("full")) {
  const Place place;
  std::filesystem::create_directories(place / "out/generators");
  test::write_bytes(place / "out/generators/tiny-digits-20-16px", "");  // a file
  const ProgramResult result =
      run_program("scimix_train", place.command("T", {"--seeds", "0", "--rows", "^(mt|pseudo)$"}));
  CHECK(result.exit_code == 2);
  CHECK(has(result.out, "mt seed 0: done"));
  CHECK(has(result.error, "a run has failed: generator tiny-digits-20-16px seed 0"));
}

TEST_CASE("scimix_train table: what is missing is named before anything is trained") {
  const Place place;
  test::check_mistake(
      "scimix_train", place.command("birds", {"--data-dir", place.folder().path().string()}),
      {"nothing was trained, since data are missing", "cub-200-2010: ", "expected CUB-200-2010",
       "svhn: ", "expected SVHN format 2",
       "digits: 200 labels for digits are 20 of each class, but class 0 has 6 images"});
  CHECK_FALSE(std::filesystem::exists(place / "out"));
  test::check_mistake("scimix_train", place.command("birds"), {"--data-dir is missing"});
  test::check_mistake("scimix_train", place.command("U"), {"unknown table U, expected T, birds"});
  test::check_mistake("scimix_train", place.command("T", {"--rows", "["}), {"--rows ["});
  test::check_mistake("scimix_train", place.command("T", {"--seeds", "a"}), {"--seeds a"});
  test::check_mistake("scimix_train", place.command("T", {"--scale", "gpu"}), {"--scale gpu"});
  test::check_mistake("scimix_train", place.command("T", {"--jobs", "-1"}), {"--jobs"});
  test::check_mistake("scimix_train", place.command("T", {"--config", "none.toml"}), {"none.toml"});
  test::check_mistake("scimix_train", {"table"}, {"table is required"});

  const ProgramResult list = run_program("scimix_train", place.command("T", {"--list"}));
  CHECK(list.exit_code == 0);
  CHECK(has(list.out, "mt  Mean Teacher with 20 labels  paper 48.7 ± 23.0\n"));
  for (const std::string& run : kRuns) CHECK(has(list.out, run + ": to do\n"));
  CHECK_FALSE(std::filesystem::exists(place / "out"));
}

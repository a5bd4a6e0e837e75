// Which runs a table needs.
#include <doctest/doctest.h>

#include <algorithm>
#include <regex>

#include "settings/run_kinds.hpp"
#include "settings/shared_settings.hpp"
#include "tests/table_text.hpp"
#include "tests/test_data_support.hpp"
#include "tools/table/table_plan.hpp"
#include "tools/table/table_results.hpp"
#include "tools/table/table_runner.hpp"

namespace scimix {
namespace {

using test::contains;
using test::TempFolder;
using test::write_text;

constexpr const char* kList = R"([table]
A = { title = "first" }
B = { title = "other" }
[set.data]
dataset = "digits"
labels = 20
image-size = 16
steps = 1000
[generator.plain]
steps = 50
guide-steps = 30
[generator.all]
labels = "all"
guide-steps = 0
[oracle]
steps = 300
[[row]]
table = "A"
name = "mt"
title = "Mean Teacher"
use = "data"
settings = { method = "mean-teacher" }
[[row]]
table = "A"
name = "contradict"
title = "SciMix"
use = "data"
generator = "plain"
baseline = "mt"
measure = ["accuracy", "transfer"]
[[row]]
table = "A"
name = "pseudo"
title = "SciMix with pseudo-labels"
use = "data"
settings = { hybrid-use = "pseudo" }
generator = "plain"
[[row]]
table = "A"
same-as = "contradict"
title = "the generator's own"
measure = "generator-accuracy"
)";

TableList list_of(const std::string& more = "") {
  return test::table_list_of(kList + more);
}

TableRequest request() {
  return {.table = "A", .seeds = {0, 7}, .data_dir = "", .out = "out"};
}

// Returns the names of the tasks, those of guides without their digest.
std::vector<std::string> names_of(const TablePlan& plan) {
  static const std::regex digest("-[0-9a-f]{8} seed");
  std::vector<std::string> names;
  for (const TableTask& task : plan.tasks) {
    names.push_back(std::regex_replace(task.name, digest, " seed"));
  }
  return names;
}

const TableTask& task_of(const TablePlan& plan, const std::string& name) {
  const auto found = std::ranges::find(plan.tasks, name, &TableTask::name);
  REQUIRE(found != plan.tasks.end());
  return *found;
}

}  // namespace

TEST_CASE("plan of a table: what rows share is in it once, after what it needs") {
  const TableList list = list_of();
  const TablePlan plan = plan_table(list, request());
  CHECK(names_of(plan) ==
        std::vector<std::string>{
            "mt seed 0", "mt seed 7", "guide mean-teacher-digits-20-16px seed 0",
            "generator plain-digits-20-16px seed 0", "contradict seed 0", "oracle digits-all-16px",
            "hybrids of plain-digits-20-16px seed 0", "guide mean-teacher-digits-20-16px seed 7",
            "generator plain-digits-20-16px seed 7", "contradict seed 7",
            "hybrids of plain-digits-20-16px seed 7", "pseudo seed 0", "pseudo seed 7"});
  REQUIRE(plan.rows.size() == 4);
  CHECK(plan.rows[3].generators == plan.rows[1].generators);
  CHECK_FALSE(plan.rows[3].classifiers[0].has_value());
  CHECK(plan.rows[1].tasks().size() == 6);

  const TableTask& generator = task_of(plan, "generator plain-digits-20-16px seed 7");
  CHECK(generator.folder == "out/generators/plain-digits-20-16px/seed-7");
  CHECK(generator.setting("labels") == "20");
  CHECK(generator.setting("image-size") == "16");
  CHECK(generator.setting("split-seed") == "7");
  CHECK(generator.setting("seed") == "7");
  CHECK(generator.steps() == 50);
  const TableTask& classifier = task_of(plan, "pseudo seed 7");
  CHECK(classifier.folder == "out/runs/pseudo/seed-7");
  CHECK(classifier.setting("mixer") == "scimix");
  CHECK(classifier.setting("hybrid-use") == "pseudo");
  // The paper's use of hybrids, although a classifier's own default is another one.
  CHECK(task_of(plan, "contradict seed 7").setting("hybrid-use") == "contradict");
  CHECK(classifier.setting("generator") == std::filesystem::absolute(generator.folder).string());
  CHECK(classifier.setting("no-such-setting").empty());
  const TableTask& oracle = task_of(plan, "oracle digits-all-16px");
  CHECK(oracle.setting("labels") == "all");
  CHECK(oracle.steps() == 300);
  CHECK(oracle.setting("image-size") == "16");
}

TEST_CASE("plan of a table: rows by name, scale, and settings that are stronger than the list") {
  const TableList list = list_of();
  TableRequest asked = request();
  asked.rows = "^ps";
  asked.seeds = {3};
  asked.scale = RunScale::cpu;
  asked.overrides = {"labels=40", "hybrid-weight=7", "generator.steps=11", "oracle.steps=12"};
  const TablePlan plan = plan_table(list, asked);
  CHECK(names_of(plan) == std::vector<std::string>{"guide mean-teacher-digits-40-16px seed 3",
                                                   "generator plain-digits-40-16px seed 3",
                                                   "pseudo seed 3"});
  CHECK(plan.tasks[1].steps() == 11);
  CHECK(plan.tasks[1].setting("depth") == "10");
  CHECK(plan.tasks[2].steps() == 2000);  // that of the scale, which is stronger than the list
  CHECK(plan.tasks[2].setting("labels") == "40");
  CHECK(plan.tasks[2].setting("hybrid-weight") == "7");
}

TEST_CASE("plan of a table: generators with the same guide share it") {
  const TableList list = list_of(R"([generator.other]
variant = "unfrozen"
steps = 70
guide-steps = 30
[generator.longer]
guide-steps = 40
[[row]]
table = "B"
name = "plain-row"
title = "guide of 30 steps"
use = "data"
generator = "plain"
[[row]]
table = "B"
name = "other-row"
title = "the same guide"
use = "data"
generator = "other"
[[row]]
table = "B"
name = "longer-row"
title = "another guide"
use = "data"
generator = "longer"
[[row]]
table = "B"
name = "pictures"
title = "whether all pictures have labels is not known yet"
settings = { dataset = "folder", data-dir = "pictures" }
generator = "plain"
)");
  TableRequest asked = request();
  asked.table = "B";
  asked.seeds = {7};
  const TablePlan plan = plan_table(list, asked);
  REQUIRE(names_of(plan) ==
          std::vector<std::string>{
              "guide mean-teacher-digits-20-16px seed 7", "generator plain-digits-20-16px seed 7",
              "plain-row seed 7", "generator other-digits-20-16px seed 7", "other-row seed 7",
              "guide mean-teacher-digits-20-16px seed 7", "generator longer-digits-20-16px seed 7",
              "longer-row seed 7", "generator plain-folder-all seed 7", "pictures seed 7"});
  const TableTask& guide = plan.tasks[0];
  CHECK(guide.setting("method") == "mean-teacher");
  CHECK(guide.setting("seed") == "7");
  CHECK(guide.setting("split-seed") == "7");
  CHECK(guide.steps() == 30);
  CHECK(plan.tasks[5].steps() == 40);
  CHECK(plan.tasks[5].folder != guide.folder);
  for (const std::size_t generator : {1, 3}) {
    CAPTURE(generator);
    CHECK(plan.tasks[generator].needs == std::vector<std::size_t>{0});
    CHECK(plan.tasks[generator].guide == guide.folder);
    CHECK(plan.tasks[generator].setting("guide").empty());
    CHECK(plan.tasks[generator].setting("guide-steps") == "30");
  }
  CHECK(plan.tasks[8].guide.empty());
}

TEST_CASE("plan of a table: settings without influence on a guide give no other guide") {
  TableRequest asked = request();
  asked.rows = "contradict";
  asked.seeds = {0, 7};
  const auto folders = [&](const std::vector<std::string>& overrides) {
    asked.overrides = overrides;
    std::vector<std::string> names;
    for (const TableTask& task : plan_table(list_of(), asked).tasks) {
      if (task.is_guide) names.push_back(task.folder.string());
    }
    return names;
  };
  const std::vector<std::string> usual = folders({});
  REQUIRE(usual.size() == 2);
  CHECK(usual[0].ends_with("/seed-0"));
  CHECK(usual[1].ends_with("/seed-7"));
  CHECK(folders({"generator.eval-batch=50", "generator.log-every=3", "threads=1"}) == usual);
  CHECK(folders({"generator.steps=51", "generator.g-channels=16"}) == usual);
  for (const char* const word :
       {"generator.guide-steps=31", "generator.learning-rate=0.05", "generator.batch=8",
        "crop-pad=3", "generator.semantic-loss=fixmatch", "generator.seed=3"}) {
    CAPTURE(word);
    const std::vector<std::string> other = folders({word});
    REQUIRE(other.size() == 2);
    CHECK(other[0] != usual[0]);
    CHECK(other[1] != usual[1]);
  }
  // One generator, and so one guide, for all seeds.
  CHECK(folders({"generator.seed=0", "generator.split-seed=0", "allow-other-split=true"}) ==
        std::vector<std::string>{usual[0]});
  // With as many labels as images the method of the guide is known only when they are read.
  CHECK(folders({"labels=40", "digits-train=40"}).empty());
  CHECK(folders({"generator.guide-steps=0"}).empty());
}

TEST_CASE(
    "plan of a table: an oracle sees the images that the runs of its row see, and no others") {
  TableRequest asked = request();
  asked.overrides = {"test-share=0.5", "skip-unreadable=true", "bounding-box=true",
                     "labels-file=/pictures/labels.csv"};
  const TablePlan plan = plan_table(list_of(), asked);
  const auto oracle = std::ranges::find_if(
      plan.tasks, [](const TableTask& task) { return task.name.starts_with("oracle "); });
  REQUIRE(oracle != plan.tasks.end());
  for (const char* const name : kImageSettings) {
    CAPTURE(name);
    CHECK(oracle->setting(name) == plan.tasks.front().setting(name));
  }
  CHECK(oracle->setting("test-share") == "0.5");
  CHECK(oracle->setting("labels-file") == "/pictures/labels.csv");
}

TEST_CASE("plan of a table: a run that a setting names is trained before") {
  const TableList list = list_of(R"([[row]]
table = "B"
name = "student"
title = "takes another run's folder"
use = "data"
settings = { data-dir = "{run:mt}/{dataset}-{labels}-{split}" }
)");
  TableRequest asked = request();
  asked.table = "B";
  asked.seeds = {5};
  const TablePlan plan = plan_table(list, asked);
  REQUIRE(names_of(plan) == std::vector<std::string>{"mt seed 5", "student seed 5"});
  CHECK(plan.tasks[1].needs == std::vector<std::size_t>{0});
  CHECK(plan.tasks[1].setting("data-dir") ==
        std::filesystem::absolute("out/runs/mt/seed-5/digits-20-5").string());
}

TEST_CASE("plan of a table: mistakes") {
  const TableList list = list_of(R"([generator.wide]
steps = 50
guide-steps = 30
g-channels = 64
[[row]]
table = "B"
name = "self"
title = "needs itself"
settings = { data-dir = "{run:self}" }
[[row]]
table = "B"
name = "lost"
title = "needs nobody"
settings = { data-dir = "{run:nobody}" }
[[row]]
table = "B"
name = "other-data"
title = "another shift, but the same folder of generators"
use = "data"
settings = { crop-pad = 3 }
generator = "plain"
[[row]]
table = "B"
name = "plain-data"
title = "as in table A"
use = "data"
generator = "plain"
[[row]]
table = "B"
name = "impossible"
title = "no image size"
settings = { image-size = 30 }
[[row]]
table = "B"
name = "folder-one"
title = "a data set in one folder"
use = "data"
settings = { data-dir = "/one" }
generator = "plain"
[[row]]
table = "B"
name = "folder-two"
title = "the same data set in another folder, for another generator with the same guide"
use = "data"
settings = { data-dir = "/two" }
generator = "wide"
[[row]]
table = "B"
name = "no-critic"
title = "a size that a classifier accepts and the critic does not"
use = "data"
settings = { image-size = 36 }
generator = "plain"
)");
  const auto error_of = [&](const TableRequest& asked) {
    return test::user_error_of([&] { (void)plan_table(list, asked); });
  };
  TableRequest asked = request();
  asked.table = "VII";
  CHECK(contains(error_of(asked), "unknown table VII, expected A, B; did you mean A?"));
  asked = request();
  asked.rows = "(";
  CHECK(contains(error_of(asked), "--rows (: no regular expression"));
  asked.rows = "zzz";
  CHECK(contains(error_of(asked),
                 "--rows zzz: no row of table A has such a name, expected some of mt, contradict, "
                 "pseudo"));
  for (const auto& [word, message] : std::vector<std::pair<std::string, std::string>>{
           {"generator.guide=elsewhere", "--guide-steps 30 with --guide"},
           {"steps", "--set steps: expected KEY=VALUE"},
           {"stepz=1", "--set stepz=1: unknown setting stepz; did you mean steps?"},
           {"generator.method=x", "--set generator.method=x: unknown setting method"},
           {"seed=7", "--set seed=7: the table decides this setting itself"},
           {"generator=elsewhere", "--set generator=elsewhere: the table decides"},
           {"mixer=mixup", "--set mixer=mixup: the table decides"},
           {"generator.out=x", "--set generator.out=x: the table decides"},
           {"oracle.labels=50", "--set oracle.labels=50: the table decides"},
           {"steps=0", "--steps 0: expected 1 to 2000000000"}}) {
    asked = request();
    asked.overrides = {word};
    CHECK(contains(error_of(asked), message));
  }
  // What a generator and its classifier must agree on is checked before either is trained.
  for (const auto& [words, message] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"generator.labels=30"}, "--labels 20: the generator has 30"},
           {{"generator.split-seed=5"}, "--split-seed 0: the generator has 5"},
           {{"init-from=generator", "depth=16"}, "--depth 16: the generator has"}}) {
    asked = request();
    asked.rows = "contradict";
    asked.overrides = words;
    CHECK(contains(error_of(asked), message));
    asked.overrides.emplace_back("allow-other-split=true");
    const std::string error = test::user_error_or_none([&] { (void)plan_table(list, asked); });
    CHECK((error.find(message) != std::string::npos) == message.starts_with("--depth"));
  }
  asked = request();
  asked.table = "B";
  for (const auto& [rows, message] : std::vector<std::pair<std::string, std::string>>{
           {"self", "the runs of self need themselves"},
           {"lost", "no row is called nobody"},
           {"-data",
            "two rows need generator plain-digits-20-16px seed 0 with different settings "
            "(crop-pad 3 and 4)"},
           {"folder-",
            " seed 0 with different settings (data-dir \"/one\" and \"/two\"), expected one folder "
            "for each data set"},
           {"impossible", "--image-size 30"},
           {"no-critic", "image size 36: no number of stages fits"}}) {
    asked.rows = rows;
    CHECK(contains(error_of(asked), message));
  }
}

TEST_CASE("results of a table of which nothing is done yet: notes of its data, and who guides") {
  const TempFolder dir;
  const TableList list = list_of();
  TableRequest asked = request();
  asked.out = dir.path();
  const TablePlan plan = plan_table(list, asked);
  write_text(dir / "logs/mt-seed-0.txt", "note: split by name\nstep 1\nnote: split by name\n");
  const TableReport report = table_results(list, asked, plan, "the command");
  CHECK(report.notes == std::vector<std::string>{"digits: split by name"});
  CHECK(report.command == "the command");
  REQUIRE(report.rows.size() == 4);
  CHECK(report.rows[0].generator.empty());
  CHECK(report.rows[1].generator == "mean-teacher, first alone for 30 steps");
  CHECK(report.rows[1].baseline == "mt");
  CHECK(report.rows[1].group == "digits, 20 labels, 16x16 pixels");
  CHECK(report.rows[1].wanted == 2);
  REQUIRE(report.rows[1].measures.size() == 4);
  CHECK(report.rows[1].measures[2].name == "s_c");
  CHECK(report.rows[1].measures[0].values.empty());

  // A generator with all labels learns by cross-entropy.
  const TableList all = list_of(R"([[row]]
table = "B"
name = "leaks"
title = "all labels"
use = "data"
settings = { allow-other-split = true }
generator = "all"
)");
  asked.table = "B";
  const TablePlan other = plan_table(all, asked);
  CHECK(other.tasks[0].name == "generator all-digits-all-16px seed 0");
  CHECK(generator_guide(other.tasks[0]) == "cross-entropy");
}

TEST_CASE("time that is left: runs side by side, and runs of which nothing is known") {
  CHECK(seconds_left({}, 2) == 0);
  CHECK(seconds_left({-1, -1}, 2) < 0);
  CHECK(seconds_left({10, 20, 30}, 1) == 60);
  CHECK(seconds_left({10, 20, 30}, 2) == 30);
  CHECK(seconds_left({10, 100}, 2) == 100);  // the longest run is not shared out
  CHECK(seconds_left({10, -1, 20}, 1) == 45);
}

TEST_CASE("the pace of a run is read from the end of its log") {
  const TempFolder dir;
  CHECK(read_pace(dir / "none").step == 0);
  // Two seconds for ten steps, a day's pause, and a line that is being written.
  write_text(dir / "m.jsonl",
             "{\"step\":10,\"time\":100,\"a\":1}\n{\"step\":20,\"time\":102}\n"
             "{\"step\":20,\"time\":103,\"test_accuracy\":0.5}\n{\"step\":30,\"time\":104}\n"
             "{\"step\":40,\"time\":90104}\n{\"step\":50,\"time\":90106}\n"
             "{\"step\":60,\"time\":90108}\n{\"step\":70,\"ti");
  const RunPace pace = read_pace(dir / "m.jsonl");
  CHECK(pace.step == 60);
  CHECK(pace.seconds_per_step == doctest::Approx(0.2));
}

}  // namespace scimix

// The list of tables: what it may say, and what is refused.
#include <doctest/doctest.h>

#include "settings/run_kinds.hpp"
#include "settings/table_list.hpp"
#include "tests/table_text.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using test::contains;
using test::user_error_of;

// 21 lines: rows that a test appends begin in line 22.
constexpr const char* kList = R"([table]
B = { title = "second by name, first here" }
A = { title = "first" }

[set.data]
dataset = "digits"
labels = 20

[set.method]
use = "data"
method = "mean-teacher"
steps = 100

[generator.g]
steps = 50

[[row]]
table = "A"
name = "mt"
title = "Mean Teacher"
use = ["method"]
)";

TableList read(const std::string& more) {
  return test::table_list_of(kList + more);
}

std::string error_of(const std::string& more) {
  return user_error_of([&] { (void)read(more); });
}

std::string row(const std::string& lines) {
  return "[[row]]\n" + lines;
}

const std::string kGood = "table = \"A\"\nname = \"x\"\ntitle = \"X\"\n";

SettingValue value_of(const std::vector<SettingLayer>& layers, const std::string& name) {
  const RunKind& kind = classifier_kind();
  return resolve(kind, layers).values[static_cast<std::size_t>(kind.index(name))];
}

}  // namespace

TEST_CASE("list of tables: rows, sets, and rows of the same runs") {
  const TableList list = read(row(R"(table = "B"
same-as = "mt"
title = "again"
paper = [48.7, 23]
baseline = "x"
)") + row(R"(table = "A"
name = "x"
title = "X"
use = ["method", "data"]
settings = { steps = 200, hybrid-use = "pseudo" }
generator = "g"
measure = ["accuracy", "transfer"]
mixer = "AdaIN"
paper = 7
paper-s-c = 16.5
)"));
  REQUIRE(list.tables.size() == 2);
  CHECK(list.tables[0].name == "B");  // in the order of the file
  CHECK(list.tables[1].title == "first");
  REQUIRE(list.runs.size() == 2);
  REQUIRE(list.rows.size() == 3);
  CHECK(list.rows[1].runs == list.rows[0].runs);
  CHECK(list.rows[1].table == "B");
  CHECK(list.rows[1].baseline == "x");
  CHECK(list.rows[1].paper->mean == 48.7);
  CHECK(list.rows[1].paper->std == 23.0);
  const TableRow& last = list.rows[2];
  CHECK(last.has(TableMeasure::transfer));
  CHECK_FALSE(list.rows[0].has(TableMeasure::transfer));
  CHECK(last.mixer == "AdaIN");
  CHECK(last.paper->mean == 7.0);
  CHECK_FALSE(last.paper->std.has_value());
  CHECK(last.paper_s_c->mean == 16.5);
  const TableRuns& runs = list.runs[last.runs];
  CHECK(runs.generator == "g");
  CHECK(value_of(runs.settings, "steps") == SettingValue(std::int64_t{200}));
  CHECK(value_of(runs.settings, "labels") == SettingValue("20"));
  CHECK(value_of(runs.settings, "method") == SettingValue("mean-teacher"));
  CHECK(list.find_runs("x") == 1);
  CHECK(list.find_runs("y") == -1);
}

TEST_CASE("list of tables: mistakes are named with file and line") {
  struct Mistake {
    std::string text;
    const char* message;
  };
  for (const Mistake& mistake : {
           Mistake{row("name = \"x\"\ntitle = \"X\"\n"), "t.toml:22: this row has no table"},
           Mistake{row("table = \"A\"\nname = \"x\"\n"), "t.toml:22: this row has no title"},
           Mistake{row("table = \"A\"\ntitle = \"X\"\n"), "t.toml:22: this row has no name"},
           Mistake{row("table = \"C\"\nname = \"x\"\ntitle = \"X\"\n"),
                   "t.toml:23: table C: no such table, expected [table.C]"},
           Mistake{row("table = \"A\"\nname = \"mt\"\ntitle = \"X\"\n"),
                   "t.toml:24: name mt: a row of this name stands above"},
           Mistake{row("table = \"A\"\nname = \"a/b\"\ntitle = \"X\"\n"),
                   "name a/b: folders bear it"},
           Mistake{row(kGood + "steps = 3\n"), "t.toml:26: unknown key steps; did you mean"},
           Mistake{
               row(kGood + "use = [\"methods\"]\n"),
               "t.toml:26: use methods: no such set, expected [set.methods]; did you mean method?"},
           Mistake{row(kGood + "use = 3\n"), "t.toml:26: use 3: found a whole number"},
           Mistake{row(kGood + "settings = { stepz = 3 }\n"),
                   "t.toml:26: unknown key stepz; did you mean steps?"},
           Mistake{row(kGood + "settings = { steps = 0 }\n"), "t.toml:26: steps 0"},
           Mistake{row(kGood + "settings = { steps = \"many\" }\n"),
                   "t.toml:26: steps 'many': found text, expected a whole number"},
           Mistake{row(kGood + "generator = \"h\"\n"), "t.toml:26: generator h: no such generator"},
           Mistake{row(kGood + "baseline = \"mtt\"\n"),
                   "t.toml:26: baseline mtt: no row of this name; did you mean mt?"},
           Mistake{row(kGood + "paper = \"83\"\n"),
                   "paper '83': found text, expected a number, or mean"},
           Mistake{row(kGood + "paper = [1, 2, 3]\n"),
                   "found an array, expected a number, or mean"},
           Mistake{row(kGood + "measure = \"speed\"\n"),
                   "t.toml:26: measure speed: expected accuracy, generator-accuracy, transfer"},
           Mistake{row(kGood + "measure = \"transfer\"\n"),
                   "measure transfer: this row has no generator"},
           Mistake{row(kGood + "mixer = \"Mixup\"\n"),
                   "t.toml:26: mixer Mixup: expected SciMix, MixUp"},
           Mistake{row("table = \"A\"\ntitle = \"X\"\nsame-as = \"y\"\n"),
                   "t.toml:25: same-as y: no row of this name above"},
           Mistake{row(kGood + "same-as = \"mt\"\n"),
                   "same-as mt: this row has a key name of its own"},
           Mistake{"[set.loop]\nuse = \"loop\"\n" + row(kGood + "use = \"loop\"\n"),
                   "use loop: these sets use each other"},
           Mistake{"[sets.x]\n", "t.toml:22: unknown section sets; did you mean set?"},
           Mistake{"[[row]]\ntable = \n", "t.toml:23: table: not TOML"},
       }) {
    INFO(mistake.message);
    CHECK(contains(error_of(mistake.text), mistake.message));
  }
  CHECK(contains(user_error_of([] { (void)read_table_list("none.toml"); }),
                 "none.toml: no such file"));
  const std::string no_rows = "[table]\nA = { title = \"a\" }\n";
  CHECK(contains(user_error_of([&] { (void)test::table_list_of(no_rows); }), "t.toml: no rows"));
}

}  // namespace scimix

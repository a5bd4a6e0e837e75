// Tables of results: Markdown, CSV and the page.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "report/table_report.hpp"
#include "tests/markup_check.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using test::contains;

TableReport example() {
  TableReport report{.name = "II", .title = "Mixing", .command = "scimix_train table II"};
  report.rows.push_back({.name = "mt",
                         .title = "Mean Teacher, <plain>",
                         .group = "digits, 20 labels",
                         .measures = {{.name = "accuracy",
                                       .values = {{0, 55}, {1, 58}, {2, 60}},
                                       .paper = 63.1,
                                       .paper_std = 0.9}},
                         .wanted = 3});
  report.rows.push_back({.name = "mix",
                         .title = "with \"a\" | b",
                         .group = "digits, 20 labels",
                         .generator = "mean-teacher",
                         .measures = {{.name = "accuracy", .values = {{0, 60}, {1, 62}, {2, 67}}},
                                      {.name = "s_c", .values = {{0, 12.5}}, .paper = 16.0}},
                         .baseline = "mt",
                         .baseline_title = "Mean Teacher, <plain>",
                         .baseline_values = report.rows[0].measures[0].values,
                         .wanted = 3});
  return report;
}

}  // namespace

TEST_CASE("paired differences are those of equal seeds") {
  // 5, 4, 7 by hand in test_interval.cpp.
  const PairedDifference three =
      paired_difference({{0, 60}, {1, 62}, {2, 67}}, {{2, 60}, {0, 55}, {1, 58}, {9, 1}});
  CHECK(three.pairs == 3);
  CHECK(three.mean == doctest::Approx(16.0 / 3));
  CHECK(three.half_width == doctest::Approx(3.794582).epsilon(1e-6));
  const PairedDifference one = paired_difference({{0, 60}, {1, 62}}, {{1, 60}, {5, 0}});
  CHECK(one.pairs == 1);
  CHECK(one.mean == 2);
  CHECK_FALSE(one.has_interval());
  CHECK(paired_difference({{0, 60}}, {}).pairs == 0);
}

TEST_CASE("a mean curve has the steps that all runs have") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Series a{"a", {{10, 0.2}, {20, 0.4}, {30, nan}, {40, 0.9}}};
  const Series b{"b", {{10, 0.4}, {20, 0.8}, {30, 0.5}}};
  const Series mean = mean_series("both", {a, b});
  CHECK(mean.name == "both");
  REQUIRE(mean.points.size() == 2);
  CHECK(mean.points[0].step == 10);
  CHECK(mean.points[0].value == doctest::Approx(0.3));
  CHECK(mean.points[1].value == doctest::Approx(0.6));
}

TEST_CASE("a table as CSV: one line for each row and measure") {
  CHECK(
      table_csv(example()) ==
      "table,row,title,measure,n,mean,std,paper_mean,paper_std,baseline,pairs,difference,low,high,"
      "seeds\r\n"
      "II,mt,\"Mean Teacher, <plain>\",accuracy,3,57.6667,2.5166,63.1000,0.9000,,,,,,"
      "0=55.00;1=58.00;2=60.00\r\n"
      "II,mix,\"with \"\"a\"\" | b\",accuracy,3,63.0000,3.6056,,,mt,3,5.3333,1.5388,9.1279,"
      "0=60.00;1=62.00;2=67.00\r\n"
      "II,mix,\"with \"\"a\"\" | b\",s_c,1,12.5000,,16.0000,,,,,,,0=12.50\r\n");
}

TEST_CASE("a table as Markdown") {
  TableReport report = example();
  report.notes = {"Scaled down."};
  const std::string text = table_markdown(report);
  CHECK(contains(text, "# Table II: Mixing\n\n**Scaled down.**\n"));
  CHECK(contains(text,
                 "| row | n | accuracy | paper | s_c | paper | difference to the baseline | "
                 "baseline | its generator learnt classes by |\n| --- | ---: |"));
  CHECK(contains(text,
                 "| Mean Teacher, <plain> | 3 of 3 | 57.67 ± 2.52 | 63.1 ± 0.9 | – | – | – | "
                 "– | – |\n"));
  CHECK(contains(text,
                 "| with \"a\" \\| b | 3 of 3 | 63.00 ± 3.61 | – | 12.50 | 16.0 | +5.33 "
                 "[+1.54, +9.13] | Mean Teacher, <plain> | mean-teacher |\n"));
  CHECK(contains(text, "| Mean Teacher, <plain> | accuracy | 0: 55.00, 1: 58.00, 2: 60.00 |\n"));
  CHECK(contains(text, "```sh\nscimix_train table II\n```"));
}

TEST_CASE("a table as a page: figures, curves, hybrids and settings, and sound markup") {
  const test::TempFolder dir;
  test::write_plain(dir / "hybrids.png", 5);
  TableReport report = example();
  report.rows[0].curve = {"Mean Teacher & co", {{10, 0.5}, {20, 0.6}}};
  report.rows[1].picture = dir / "hybrids.png";
  report.rows[1].picture_columns = "columns: content, scene";
  report.rows[1].settings = {{"mix seed 0", "steps=100\n# <b>\n"}};
  const std::string page = table_html(report);
  CHECK(test::MarkupCheck(page).fault() == "");
  CHECK(contains(page, "<h1>Table II: Mixing</h1>"));
  CHECK(contains(page, "<td>+5.33 [+1.54, +9.13]</td>"));
  CHECK(contains(page, "Mean Teacher, &lt;plain&gt;"));
  CHECK(contains(page, "<figcaption>Accuracy: digits, 20 labels</figcaption>"));
  CHECK(contains(page, "data:image/png;base64,"));
  CHECK(contains(page, "<summary>mix seed 0</summary>"));
  CHECK(contains(page, "steps=100\n# &lt;b&gt;"));

  write_table(dir / "II", report);
  CHECK(test::read_bytes(dir / "II/table.html") == page);
  CHECK(test::read_bytes(dir / "II/table.csv") == table_csv(report));
  CHECK(test::read_bytes(dir / "II/table.md") == table_markdown(report));
  test::write_text(dir / "file", "x");
  CHECK(contains(test::user_error_of([&] { write_table(dir / "file/II", report); }), "file/II"));
}

}  // namespace scimix

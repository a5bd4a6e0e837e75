// report.html and what it is made of.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "command_line.hpp"
#include "core/error.hpp"
#include "core/shell_word.hpp"
#include "data/image_io.hpp"
#include "report/chart_axis.hpp"
#include "report/class_results.hpp"
#include "report/classifier_report.hpp"
#include "report/generator_report.hpp"
#include "report/line_chart.hpp"
#include "report/markup.hpp"
#include "report/page.hpp"
#include "report/run_report.hpp"
#include "tests/markup_check.hpp"
#include "tests/temp_folder.hpp"

using namespace scimix;
using test::has;
using test::markup_fault;
using test::occurrences;
using test::TempFolder;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Series series(const std::string& name, const std::vector<double>& values) {
  Series out{.name = name, .points = {}};
  for (const double value : values) out.points.push_back({10 * std::ssize(out.points), value});
  return out;
}

std::string encoded(const std::string& text) {
  return base64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

struct Fixture {
  TempFolder folder;
  RunFolder run = RunFolder::create(folder / "run");

  Fixture() {
    run.write_config("# scimix_train classifier\nmethod=\"<supervised>\"\ndata-dir=\"\"\n");
    test::write_bytes(run.metrics(),
                      "{\"step\":10,\"time\":1,\"loss\":2.5,\"test_accuracy\":0.25}\n"
                      "{\"step\":20,\"time\":2,\"loss\":null,\"test_accuracy\":0.5}\n"
                      "{\"step\":30,\"time\":3,\"loss\":1.5,\"test_accuracy\":0.75}\n{\"step\":4");
  }
  [[nodiscard]] std::string written(const RunReport& report) const {
    write_report(run, report);
    std::string html = test::read_bytes(run.path() / "report.html");
    CHECK(markup_fault(html) == "");
    return html;
  }
};

RunReport minimal() {
  RunReport report;
  report.title = "A run";
  return report;
}

}  // namespace

TEST_CASE("markup check: finds faults") {
  CHECK(markup_fault("<a x=\"1\"><b/>t &amp; u</a>") == "");
  for (const char* const bad : {"<a>", "<a></b>", "</a>", "<a x=1></a>", "<a>&</a>", "<a x=\"<\"/>",
                                "<a x=\"1\" x=\"2\"/>", "<a><b></a></b>"}) {
    CAPTURE(bad);
    CHECK(markup_fault(bad) != "");
  }
}

TEST_CASE("markup: escaping") {
  CHECK(escape_markup("a<b>&\"c\"'d'") == "a&lt;b&gt;&amp;&quot;c&quot;&#39;d&#39;");
  CHECK(escape_markup("Zürich 🙂\t\n") == "Zürich 🙂\t\n");
  const std::string bad = "\xEF\xBF\xBD";
  CHECK(escape_markup(std::string_view("a\0b\x1B\x7F", 5)) == "a" + bad + "b" + bad + bad);
  CHECK(escape_markup("\xFFx") == bad + "x");       // never a first byte
  CHECK(escape_markup("\xC3") == bad);              // cut short
  CHECK(escape_markup("\xC3<") == bad + "&lt;");    // the second byte is none
  CHECK(escape_markup("\xED\xA0\x80") == bad);      // a surrogate
  CHECK(escape_markup("\xF4\x90\x80\x80") == bad);  // beyond U+10FFFF
  CHECK(escape_markup("\xE0\x80\xBC") == bad);      // "<" in too many bytes
  CHECK(character_count("Zürich 🙂") == 8);
  CHECK(shortened("Zürich", 6) == "Zürich");
  CHECK(breakable_name("a/b_c.png") == "a/<wbr>b_<wbr>c.<wbr>png");
  CHECK(breakable_name("<Zürich> & 'x'") == "&lt;Zürich&gt; &amp; &#39;x&#39;");
  CHECK(shortened("automobiles", 6) == "aut…es");
}

TEST_CASE("markup: base64 of RFC 4648, section 10") {
  CHECK(encoded("") == "");
  CHECK(encoded("f") == "Zg==");
  CHECK(encoded("fo") == "Zm8=");
  CHECK(encoded("foo") == "Zm9v");
  CHECK(encoded("foob") == "Zm9vYg==");
  CHECK(encoded("fooba") == "Zm9vYmE=");
  CHECK(encoded("foobar") == "Zm9vYmFy");
  CHECK(encoded("\xFB\xFF\xFE") == "+//+");
}

TEST_CASE("markup: words of a command line") {
  CHECK(shell_word("runs/a-b_1") == "runs/a-b_1");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("two words") == "'two words'");
  CHECK(shell_word("it's #2") == "'it'\\''s #2'");
}

TEST_CASE("chart axis: round ticks around the values") {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> exponent(-8, 8);
  for (int i = 0; i < 2000; ++i) {
    const double a = std::pow(10.0, exponent(random)) * (random() % 2 == 0 ? 1 : -1);
    const double b = std::pow(10.0, exponent(random)) * (random() % 2 == 0 ? 1 : -1);
    const double low = std::min(a, b);
    const double high = std::max(a, b);
    const Axis axis = round_axis(low, high, 4);
    CAPTURE(low);
    CAPTURE(high);
    const double slack = 1e-6 * (axis.high - axis.low);
    CHECK(axis.low <= low + slack);
    CHECK(axis.high >= high - slack);
    CHECK(axis.ticks.size() >= 3);
    // An interval may be sqrt(10) / 2 times finer than asked for: 4 become 6.3, and parts of two.
    CHECK(axis.ticks.size() <= 9);
    const double interval = axis.ticks[1] - axis.ticks[0];
    const double digit = interval / std::pow(10.0, std::floor(std::log10(interval) + 1e-6));
    const bool round =
        std::abs(digit - 1) < 1e-4 || std::abs(digit - 2) < 1e-4 || std::abs(digit - 5) < 1e-4;
    CHECK(round);
    CHECK((axis.high - axis.low) <= (high - low) + 2 * interval + slack);
  }
  // Where no value is below 0, the axis is not either; of shares, it ends at 1.
  for (const double value : {0.0, 1e-6, 0.5, 0.99, 1.0}) {
    CAPTURE(value);
    CHECK(round_axis(value, value, 4).low >= 0);
    const Axis axis = share_axis(value, value, 4);
    CHECK(axis.low >= 0);
    CHECK(axis.high <= 1 + 1e-12);
    CHECK(axis.low <= value);
    CHECK(axis.high >= value);
    CHECK(axis.ticks.size() >= 2);
    CHECK(axis.ticks.back() <= 1 + 1e-12);
    CHECK(axis.high > axis.low);
  }
  CHECK(share_axis(0, 0, 4).high == 1);
  CHECK(share_axis(1, 1, 4).low == 0);
  CHECK(share_axis(-0.5, 1.5, 4).low <= -0.5);  // no shares: nothing is cut
  CHECK(share_axis(-0.5, 1.5, 4).high >= 1.5);
  const Axis flat = round_axis(0.5, 0.5, 4);
  CHECK(flat.low < 0.5);
  CHECK(flat.high > 0.5);
  CHECK(round_axis(0, 0, 4).ticks.size() >= 3);
  CHECK(round_axis(0.1, 0.1 + 1e-12, 4).ticks.size() >= 3);
}

TEST_CASE("chart axis: labels") {
  using Labels = std::vector<std::string>;
  CHECK(tick_labels(round_axis(0, 1, 4), true) == Labels{"0%", "20%", "40%", "60%", "80%", "100%"});
  CHECK(tick_labels(round_axis(0.93, 0.95, 4), true) ==
        Labels{"93.0%", "93.5%", "94.0%", "94.5%", "95.0%"});
  CHECK(tick_labels(round_axis(-0.1, 0.1, 4), false) ==
        Labels{"-0.10", "-0.05", "0.00", "0.05", "0.10"});
  CHECK(tick_labels(step_axis(65536, 4), false) == Labels{"0", "20k", "40k", "60k"});
  CHECK(tick_labels(step_axis(3, 4), false) == Labels{"0", "1", "2", "3"});
  CHECK(tick_labels(step_axis(0, 4), false) == Labels{"0", "1"});
  CHECK(step_axis(65536, 4).high == 65536);
  CHECK(value_label(0.97344, true) == "97.34%");
  CHECK(value_label(0.012345, false) == "0.0123");
  CHECK(value_label(29352.96, false) == "29.4k");
  CHECK(value_label(-1234567, false) == "-1.23M");
}

TEST_CASE(
    "chart axis: shares that stay 0 lie on its lower end, and 0 is a tick where it is inside") {
  const std::string svg = line_chart_svg({"t", "", true, {series("x", {0, 0, 0})}});
  CHECK(has(svg, ">0%</text>"));
  CHECK(has(svg, ">100%</text>"));
  CHECK(!has(svg, ">-"));  // no label below 0
  std::mt19937 random(7);
  std::uniform_real_distribution<double> size(1e-3, 10);
  for (int i = 0; i < 500; ++i) {
    const Axis axis = round_axis(-size(random), size(random), 4);
    CAPTURE(axis.low);
    CAPTURE(axis.high);
    const auto zero = std::ranges::find(axis.ticks, 0.0);
    REQUIRE(zero != axis.ticks.end());
    CHECK(!std::signbit(*zero));
    const std::string label =
        tick_labels(axis, true)[static_cast<std::size_t>(zero - axis.ticks.begin())];
    CHECK(label.find_first_not_of("0.%") == std::string::npos);  // "0%", "0.0%"
  }
  using Labels = std::vector<std::string>;
  CHECK(tick_labels(round_axis(-0.6, 0.6, 4), true) ==
        Labels{"-60%", "-40%", "-20%", "0%", "20%", "40%", "60%"});
}

TEST_CASE("chart labels: wrapped, and moved apart") {
  using Lines = std::vector<std::string>;
  CHECK(wrapped_name("test_reconstruction", 14) == Lines{"test_", "reconstruction"});
  CHECK(wrapped_name("test_accuracy", 14) == Lines{"test_accuracy"});
  CHECK(wrapped_name("s_r", 14) == Lines{"s_r"});
  CHECK(wrapped_name("two words here", 9) == Lines{"two words", "here"});
  CHECK(wrapped_name("", 9).empty());

  const std::vector<LabelBox> boxes{{50, 20}, {52, 30}, {10, 20}, {51, 20}, {99, 20}};
  const std::vector<double> at = placed_labels(boxes, 0, 120);
  std::vector<std::pair<double, double>> spans;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    spans.emplace_back(at[i] - boxes[i].height / 2, at[i] + boxes[i].height / 2);
  }
  std::sort(spans.begin(), spans.end());
  CHECK(spans.front().first >= -1e-9);
  CHECK(spans.back().second <= 120 + 1e-9);
  for (std::size_t i = 1; i < spans.size(); ++i) {
    CHECK(spans[i].first >= spans[i - 1].second - 1e-9);
  }
  CHECK(at[2] == 10);
  CHECK(at[0] < at[3]);  // in the order of what they want
  CHECK(at[3] < at[1]);
  CHECK(placed_labels({{60, 20}}, 0, 120) == std::vector<double>{60});
}

TEST_CASE("chart thinning: few points stay, of many the extremes of each column do") {
  const Series few = series("x", {3, 1, 2});
  CHECK(thinned(few.points, 20, 100).size() == 3);

  Series many{.name = "x", .points = {}};
  std::mt19937 random(1);
  for (std::int64_t step = 1; step <= 10000; ++step) {
    many.points.push_back({step, static_cast<double>(random() % 100000)});
  }
  const auto kept = thinned(many.points, 10000, 50);
  CHECK(kept.size() <= 4 * 51);
  CHECK(kept.front().step == 1);
  CHECK(kept.back().step == 10000);
  for (std::size_t i = 1; i < kept.size(); ++i) CHECK(kept[i].step > kept[i - 1].step);
  // By definition, for each column of 200 steps.
  for (std::int64_t column = 0; column < 50; ++column) {
    const auto extremes = [&](const std::vector<Series::Point>& points) {
      std::pair<double, double> found{1e9, -1e9};
      for (const auto& [step, value] : points) {
        if (step * 50 / 10000 != column) continue;
        found = {std::min(found.first, value), std::max(found.second, value)};
      }
      return found;
    };
    CHECK(extremes(kept) == extremes(many.points));
  }
}

TEST_CASE("line chart: lines, gaps, lone points, names and last values") {
  LineChart chart{"<Loss> & co", "nats", false, {}};
  chart.series = {series("a<b", {1, 2, kNan, 3, kNan, 4, 5}), series("only_nan", {kNan}),
                  series("flat", {2})};
  const std::string svg = line_chart_svg(chart);
  CHECK(markup_fault(svg) == "");
  CHECK(occurrences(svg, "<polyline") == 2);  // 1 2, 4 5
  CHECK(occurrences(svg, "<circle") == 6);    // few enough points to mark each
  CHECK(occurrences(svg, "<g class=\"line") == 2);
  CHECK(has(svg, ">a&lt;b</text>"));
  CHECK(!has(svg, "only_nan"));
  CHECK(has(svg, "&lt;Loss&gt; &amp; co, up to step 60: a&lt;b ends at 5; flat ends at 2\""));
  CHECK(has(svg, ">nats</text>"));
  CHECK(has(svg, ">training step</text>"));
  CHECK(!has(svg, "nan"));

  chart.percent = true;
  CHECK(!has(line_chart_svg(chart), ">nats</text>"));
  chart.series = {series("x", {kNan, kNan}), series("y", {})};
  CHECK(line_chart_svg(chart) == "");
}

TEST_CASE("line chart: points lie where axes say") {
  const std::string svg = line_chart_svg({"t", "", false, {series("x", {0, 4})}});
  // The left and lower end of the axes, the right and upper end of the grid.
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  const std::size_t at = svg.find("<polyline points=\"");
  REQUIRE(at != std::string::npos);
  REQUIRE(std::sscanf(svg.c_str() + at, "<polyline points=\"%lf,%lf %lf,%lf\"", &x0, &y0, &x1,
                      &y1) == 4);
  double left = 0, bottom = 0, right = 0;
  const std::size_t axis = svg.rfind("<path class=\"axis\" d=\"M");
  REQUIRE(std::sscanf(svg.c_str() + axis, "<path class=\"axis\" d=\"M%lf %lfH%lf\"", &left, &bottom,
                      &right) == 3);
  CHECK(x0 == left);
  CHECK(y0 == bottom);
  CHECK(x1 == right);
  CHECK(y1 == doctest::Approx(bottom - 150));
  CHECK(x1 > x0 + 100);  // names leave room for the plot
}

TEST_CASE("line chart: thousands of points and many series stay small and readable") {
  LineChart chart{"t", "", false, {}};
  for (int s = 0; s < 13; ++s) {
    std::vector<double> values;
    for (int i = 0; i < 3000; ++i) values.push_back(std::sin(0.7 * i) + s);
    chart.series.push_back(series("series_" + std::to_string(s), values));
  }
  const std::string svg = line_chart_svg(chart);
  CHECK(markup_fault(svg) == "");
  CHECK(svg.size() < std::size_t{13} * 12000);
  CHECK(occurrences(svg, "<circle") == 0);
  CHECK(occurrences(svg, " dashed\"") == 6);  // the second round of colours, up to 12
  std::vector<double> heights;                // of the names: each below the one before
  for (std::size_t at = svg.find("class=\"value\""); at != std::string::npos;
       at = svg.find("class=\"value\"", at + 1)) {
    double y = 0;
    REQUIRE(std::sscanf(svg.c_str() + svg.find(" y=\"", at), " y=\"%lf\"", &y) == 1);
    heights.push_back(y);
  }
  std::sort(heights.begin(), heights.end());
  REQUIRE(heights.size() == 13);
  for (std::size_t i = 1; i < heights.size(); ++i) CHECK(heights[i] - heights[i - 1] > 27);
}

TEST_CASE("report settings: groups as in the file") {
  const auto groups = setting_groups(
      "# scimix_train x\n# made by: y = 1\na=1\nb = \"two words\"\n\n# Data\nc='q'\n# "
      "Empty\n[Sgd]\r\n"
      "d=\"\"\r\ne = \"x=y\"\nno setting\n");
  REQUIRE(groups.size() == 3);
  CHECK(groups[0].name == "");
  REQUIRE(groups[0].rows.size() == 2);
  CHECK(groups[0].rows[1].first == "b");
  CHECK(groups[0].rows[1].second == "two words");
  CHECK(groups[1].name == "Data");
  CHECK(groups[1].rows[0].second == "q");
  CHECK(groups[2].name == "Sgd");
  CHECK(groups[2].rows[0].second == "");
  CHECK(groups[2].rows[1].second == "x=y");
  CHECK(setting_groups("").empty());
}

TEST_CASE("run report: everything that was given, escaped, in one file") {
  const Fixture f;
  const auto png = f.run.samples() / "step.png";
  write_png(png, {1, 2, {1, 2, 3, 4, 5, 6}});
  RunReport report;
  report.title = "Run <1> & \"2\"";
  report.command = "scimix_train classifier --out 'a<b'";
  report.notes = {"scaled <down>"};
  report.figures = {{"Accuracy <x>", "75.00% & more"}};
  report.summary = "A network <s>.";
  report.headline = {{"75% <v>", "are <right>", "70 to 80% <i>"}};
  report.charts = {
      {"Accuracy <c>", {{"test_accuracy", ""}, {"not_there", ""}}, "", true, "how <often>"},
      {"Loss", {{"loss", "<mean>"}}, "nats", false, ""},
      {"Nothing", {{"not_there", "none"}}, "", false, "never seen"}};
  report.next_steps = {{"Do <this>", "scimix_eval 'a<c'"}, {"And that", ""}};
  report.pictures = {{"Images <p>", png}, {"Gone", f.folder / "no<ne.png"}};
  report.classes = {{Confusion(2), {"c<at", "dog"}}};
  report.classes->confusion.add(0, 1, 3);
  const std::string html = f.written(report);
  // In this order.
  std::size_t at = 0;
  for (const std::string part : {"<title>Run &lt;1&gt; &amp; &quot;2&quot;</title>",
                                 "<h1>Run &lt;1&gt; &amp; &quot;2&quot;</h1>",
                                 "A network &lt;s&gt;.",
                                 "scaled &lt;down&gt;",
                                 "<strong>75% &lt;v&gt;</strong>",
                                 "are &lt;right&gt;",
                                 "70 to 80% &lt;i&gt;",
                                 "Accuracy &lt;x&gt;",
                                 "75.00% &amp; more",
                                 ">Curves</h2>",
                                 "Accuracy &lt;c&gt;",
                                 ">test_accuracy</text>",
                                 ">75.00%</text>",
                                 "how &lt;often&gt;",
                                 ">Loss<",
                                 "nats",
                                 ">&lt;mean&gt;</text>",
                                 ">Classes</h2>",
                                 "c&lt;at",
                                 "<svg class=\"confusion\"",
                                 ">Pictures</h2>",
                                 "<img alt=\"Images &lt;p&gt;\" src=\"data:image/png;base64,",
                                 "no&lt;ne.png",
                                 ">What to do next</h2>",
                                 "Do &lt;this&gt;",
                                 "scimix_eval &#39;a&lt;c&#39;",
                                 "And that</li>",
                                 ">Settings</h2>",
                                 "<th scope=\"row\">method</th><td>&lt;supervised&gt;</td>",
                                 ">Command</h2>",
                                 "scimix_train classifier --out &#39;a&lt;b&#39;"}) {
    CAPTURE(part);
    at = html.find(part, at);
    REQUIRE(at != std::string::npos);
  }
  const std::string bytes = test::read_bytes(png);
  CHECK(has(html, "data:image/png;base64," + encoded(bytes) + "\""));
  CHECK(!has(html, "never seen"));
  CHECK(!has(html, "Nothing"));
  CHECK(!has(html, "not_there"));
  // The gap in the loss leaves two lone points.
  CHECK(occurrences(html, "<polyline") == 1);
  // Nothing from elsewhere.
  CHECK(!has(html, "<script"));
  CHECK(!has(html, "<link"));
  CHECK(occurrences(html, "http") == occurrences(html, "xmlns=\"http://www.w3.org/2000/svg\""));
  CHECK(!has(html, "url("));
}

TEST_CASE("run report: with as little as a title") {
  const Fixture f;
  std::filesystem::remove(f.run.metrics());
  RunReport report = minimal();
  report.charts = {{"Loss", {{"loss", ""}}, "", false, ""}};
  const std::string html = f.written(report);
  CHECK(has(html, "<h1>A run</h1>"));
  CHECK(occurrences(html, "<h2>") == 1);  // settings
  CHECK(!has(html, "<ul"));
  CHECK(!has(html, "<dl"));
  CHECK(!has(html, "<img"));
}

TEST_CASE("run report: takes the place of an older one, whole or not at all") {
  const Fixture f;
  (void)f.written(minimal());
  RunReport second = minimal();
  second.title = "Second";
  CHECK(has(f.written(second), "<h1>Second</h1>"));
  const std::string before = test::read_bytes(f.run.path() / "report.html");
  std::filesystem::remove(f.run.config());
  CHECK_THROWS_AS(write_report(f.run, minimal()), Error);
  CHECK(test::read_bytes(f.run.path() / "report.html") == before);
}

TEST_CASE("run report: small pictures are enlarged by whole numbers") {
  const Fixture f;
  const auto shown = [&](std::int64_t width) {
    const auto png = f.folder / "p.png";
    write_png(png, {1, width, std::vector<std::uint8_t>(static_cast<std::size_t>(3 * width))});
    RunReport report = minimal();
    report.pictures = {{"p", png}};
    return f.written(report);
  };
  CHECK(has(shown(66), "style=\"--shown:594px\""));  // 9 times
  CHECK(has(shown(300), "style=\"--shown:600px\""));
  CHECK(!has(shown(640), "--shown:"));
  CHECK(!has(shown(2000), "--shown:"));
}

TEST_CASE("run report: names of data sets") {
  CHECK(data_title("cifar10", "somewhere") == "cifar10");
  CHECK(data_title("folder", "data/birds") == "the folder birds");
  CHECK(data_title("folder", "data/birds/") == "the folder birds");
  CHECK(data_title("folder", "set #2") == "the folder set #2");
  CHECK(data_title("folder", "birds/.") == "the folder birds");
}

namespace {

// A result with a given accuracy of class i of n: i / n.
RunReport::Classes rising_classes(std::int64_t classes, std::int64_t images_each) {
  RunReport::Classes result{Confusion(classes), {}};
  for (std::int64_t i = 0; i < classes; ++i) {
    const std::int64_t right = i * images_each / classes;
    result.confusion.add(i, i, right);
    result.confusion.add(i, (i + 1) % classes, images_each - right);
    result.names.push_back("species number " + std::to_string(i));
  }
  return result;
}

ClassifierOutcome outcome(const RunFolder& run, RunReport::Classes classes) {
  return {.facts = {.data = "the folder birds",
                    .training_images = 4000,
                    .labeled_images = 200,
                    .image_size = 32,
                    .steps = 30,
                    .device = "a GPU",
                    .scale_note = "",
                    .command = "scimix_train classifier",
                    .folder = run.path()},
          .network = "WideResNet-28-2",
          .method = "fixmatch",
          .median = {0.5, 3},
          .classes = std::move(classes),
          .pictures = {}};
}

}  // namespace

TEST_CASE("class results: every class of a few, the worst of many, and the pairs") {
  const RunReport::Classes few = rising_classes(4, 100);
  const std::string html = class_results_html(few.confusion, few.names);
  CHECK(markup_fault("<div>" + html + "</div>") == "");
  CHECK(has(html, "All classes, the least accurate first"));
  CHECK(occurrences(html, "<th scope=\"row\">species number 0</th><td>0 of 100</td>") == 1);
  CHECK(occurrences(html, "<th scope=\"row\">species number 3</th><td>75 of 100</td>") == 1);
  // The most frequent mistake: all of class 0 are taken for class 1.
  CHECK(has(html,
            "<th scope=\"row\">species number 0</th><td class=\"word\">species number 1"
            "</td><td>100</td><td>100.0%</td>"));
  CHECK(!has(html, "class=\"bars\""));

  const RunReport::Classes many = rising_classes(1000, 100);
  const std::string worst = class_results_html(many.confusion, many.names);
  CHECK(has(worst, "The 20 least accurate of 1000 classes"));
  CHECK(has(worst, "<th scope=\"row\">species number 19</th><td>1 of 100</td>"));
  CHECK(!has(worst, "<th scope=\"row\">species number 20</th><td>2 of 100</td>"));
  // 100 classes lie in each tenth.
  CHECK(occurrences(worst, "style=\"width:80.0%\"></span> 100</td>") == 10);

  RunReport::Classes odd = rising_classes(3, 0);
  odd.confusion.add(1, 3, 2);
  const std::string words = class_results_html(odd.confusion, odd.names);
  CHECK(has(words, "2 of the 3 classes have no test image."));
  CHECK(has(words, "2 images got no class"));
  CHECK(class_results_html(Confusion(1), std::vector<std::string>{"x"}) != "");
}

TEST_CASE("classifier report: headline, interval and next steps") {
  const Fixture f;
  const std::string html = f.written(classifier_report(outcome(f.run, rising_classes(4, 100))));
  CHECK(has(html, "<h1>Classifier of the folder birds, 200 labels</h1>"));
  CHECK(has(
      html,
      "A WideResNet-28-2 was trained for 30 steps to tell the 4 classes of the folder "
      "birds apart, from 4000 training images, 200 of them labelled. Images have 32x32 pixels."));
  CHECK(has(html, "<strong>37.50%</strong> <span>of the 400 test images"));
  // Wilson's interval of 150 of 400.
  CHECK(has(html, "The 95% interval is 32.90% to 42.34%."));
  CHECK(has(html, "Median of the last 3 evaluations"));
  CHECK(has(html, "<dt>If every answer were the most frequent class</dt><dd>25.00%</dd>"));
  CHECK(has(html, "scimix_eval accuracy " + f.run.path().string()));
  CHECK(!has(html, "Median of the last 1 "));
  ClassifierOutcome once = outcome(f.run, rising_classes(4, 100));
  once.median = {0.5, 1};
  CHECK(!has(f.written(classifier_report(once)), "Median"));
}

namespace {

ImagesToLabel uncertain_images() {
  ImagesToLabel found{.unlabeled = 7000, .looked_at = 5000, .class_names = {"<auk>", "wren"}};
  found.calibrated = {.images = 40, .temperature = 1.25};
  found.images.push_back({{.file = "unlabeled/a&b.png", .classes = {{1, 0.51}, {0, 0.49}}}, {1}});
  found.images.push_back({{.file = "unlabeled/\xFF.png", .classes = {{0, 0.8}, {1, 0.2}}}, {2}});
  found.efforts = {{.error_rate = 0.01, .accepted = 0, .to_look_at = 4000},
                   {.error_rate = 0.1,
                    .accepted = 3000,
                    .least_probability = 0.75,
                    .to_check = 29,
                    .to_look_at = 1200}};
  return found;
}

}  // namespace

TEST_CASE("images to label: in their order, and how much to check") {
  const ImagesToLabel found = uncertain_images();
  const std::string html = images_to_label_html(found);
  CHECK(markup_fault("<div>" + html + "</div>") == "");
  CHECK(has(html, "looked at 5000 of the 7000 unlabelled images, drawn at random"));
  CHECK(has(html, "calibrated on the 40 test images (temperature 1.250)"));
  CHECK(html.find("a&amp;b.png") < html.find("&lt;auk&gt;</span> 80.0%"));
  CHECK(has(html, "wren</span> 51.0%"));
  CHECK(has(html, "margin 2.0%"));
  CHECK(has(html, "<th scope=\"row\">1%</th><td>0 of 5000</td><td>–</td><td>0</td><td>4000</td>"));
  CHECK(has(html,
            "<th scope=\"row\">10%</th><td>3000 of 5000</td><td>75.0%</td><td>29</td><td>1200"));

  ImagesToLabel rough = found;
  rough.calibrated.reset();
  rough.looked_at = rough.unlabeled;
  const std::string without = images_to_label_html(rough);
  CHECK(has(without, "looked at all 7000 unlabelled images"));
  CHECK(has(without, "There are no test images that could calibrate"));
  CHECK(!has(without, "How much to check"));

  const Fixture f;
  ClassifierOutcome o = outcome(f.run, rising_classes(2, 100));
  CHECK(!has(f.written(classifier_report(o)), "Images to label next"));
  o.to_label = found;
  CHECK(has(f.written(classifier_report(o)), "<h2>Images to label next</h2>"));
}

TEST_CASE("classifier report: any number of classes makes a page of bounded size") {
  const Fixture f;
  for (const std::int64_t classes : {3, 60, 200, 1000, 10000}) {
    CAPTURE(classes);
    std::mt19937 random(3);
    RunReport::Classes found = rising_classes(classes, 0);
    for (int i = 0; i < 50000; ++i) {
      const auto any = [&] { return static_cast<std::int64_t>(random()) % classes; };
      const std::int64_t label = any();
      found.confusion.add(label, random() % 2 == 0 ? label : any());
    }
    const std::string html = f.written(classifier_report(outcome(f.run, std::move(found))));
    CHECK(html.size() < 1'000'000);
    CHECK(has(html, "The most frequent mistakes"));
  }
}

TEST_CASE("generator report: headline, and a run that was never evaluated") {
  const Fixture f;
  GeneratorOutcome o{.facts = {.data = "digits",
                               .training_images = 100,
                               .labeled_images = 100,
                               .image_size = 32,
                               .steps = 30,
                               .device = "a GPU",
                               .scale_note = "scaled down",
                               .command = "scimix_train generator",
                               .folder = f.run.path()},
                     .variant = "full",
                     .guide = "fixmatch, 8000 steps",
                     .evaluation = {{.pairs = 400,
                                     .class_kept = 150,
                                     .s_r = 0.5,
                                     .reconstruction = 0.125,
                                     .accuracy = 0.75}},
                     .pictures = {}};
  const std::string html = f.written(generator_report(o));
  CHECK(has(html, "<strong>37.5%</strong> <span>of 400 hybrids show the class"));
  CHECK(has(html, "The 95% interval is 32.9% to 42.3%."));
  CHECK(has(html, "<dd>0.125</dd>"));
  CHECK(has(html, "scaled down"));
  CHECK(has(html, "<dd class=\"long\">fixmatch, 8000 steps</dd>"));
  o.evaluation.reset();
  o.guide = "";
  const std::string bare = f.written(generator_report(o));
  CHECK(!has(bare, "<strong>"));
  CHECK(!has(bare, "Guide"));
}

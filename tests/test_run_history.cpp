// The numbers of a run, read back.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "report/metrics_log.hpp"
#include "report/run_history.hpp"
#include "tests/temp_folder.hpp"
#include "tests/user_errors.hpp"

using namespace scimix;
using test::TempFolder;

namespace {

Series series(const std::vector<double>& values) {
  Series out{.name = "x", .points = {}};
  for (const double value : values) out.points.push_back({std::ssize(out.points), value});
  return out;
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("run history: what the log wrote, with gaps") {
  const TempFolder folder;
  const auto path = folder / "metrics.jsonl";
  MetricsLog log = MetricsLog::start(path);
  log.add(10, 1.5, {{"loss", 2.0}, {"accuracy", 0.25}});
  log.add(20, 2.5, {{"loss", kNan}});
  log.add(20, 2.6, {{"test_accuracy", 0.5}});
  log.add(30, 3.5, {{"loss", 1.0}, {"accuracy", 1.0}});

  const RunHistory history = RunHistory::read(path);
  REQUIRE(history.series().size() == 3);  // step and time are none
  CHECK(history.series()[0].name == "loss");
  CHECK(history.find("time") == nullptr);
  CHECK(history.find("los") == nullptr);
  const Series* const loss = history.find("loss");
  REQUIRE(loss != nullptr);
  REQUIRE(loss->points.size() == 3);
  CHECK(loss->points[0].step == 10);
  CHECK(loss->points[0].value == 2.0);
  CHECK(std::isnan(loss->points[1].value));
  CHECK(loss->points[2].step == 30);
  REQUIRE(history.find("accuracy")->points.size() == 2);
  CHECK(history.find("accuracy")->points[1].step == 30);
  CHECK(history.find("test_accuracy")->points[0].step == 20);
}

TEST_CASE("run history: a last line half-written, no file, other words") {
  const TempFolder folder;
  const auto path = folder / "metrics.jsonl";
  CHECK(RunHistory::read(path).series().empty());
  test::write_bytes(path, "");
  CHECK(RunHistory::read(path).series().empty());

  const std::string good = "{\"step\":1,\"time\":2,\"loss\":3,\"word\":\"x\",\"list\":[1]}\n";
  for (const std::string rest :
       {"{\"step\":2,\"lo", "{\"step\":2,\"lo\n", "{\"loss\":3}", "{}\n"}) {
    CAPTURE(rest);
    test::write_bytes(path, good + rest);
    const RunHistory history = RunHistory::read(path);
    REQUIRE(history.series().size() == 1);  // words and lists are no numbers
    CHECK(history.series()[0].points.size() == 1);
  }
  // Whole, though without its newline.
  test::write_bytes(path, good + "{\"step\":2,\"loss\":4}");
  CHECK(RunHistory::read(path).find("loss")->points.size() == 2);

  for (const std::string bad : {"{\"step\":2,\"lo\n", "[1]\n", "{\"step\":1.5}\n", "\n"}) {
    CAPTURE(bad);
    test::write_bytes(path, good + bad + good);
    const std::string message = test::user_error_list_of([&] { (void)RunHistory::read(path); });
    CHECK(message.starts_with(path.string() + ":2: is no record"));
  }
}

TEST_CASE("run history: the median of the last values") {
  CHECK(median_of_last(series({5, 1, 3}), 20) == 3);
  CHECK(median_of_last(series({4, 1, 3, 2}), 20) == 2.5);
  CHECK(median_of_last(series({7}), 20) == 7);
  CHECK(std::isnan(median_of_last(series({}), 20)));
  CHECK(std::isnan(median_of_last(series({kNan}), 20)));
  // Only the last ones count, in whatever order they stand.
  CHECK(median_of_last(series({100, 100, 100, 9, 1, 5}), 3) == 5);
  std::vector<double> values;
  for (int i = 0; i < 50; ++i) values.push_back(i);
  CHECK(median_of_last(series(values), 20) == 39.5);  // of 30 .. 49
  // A gap is no value.
  CHECK(median_of_last(series({1, 2, kNan, 6}), 2) == 4);
  CHECK(last_values(series({1, 2, kNan, 6}), 2) == std::vector<double>{2, 6});
  CHECK(last_values(series({1, 2}), 20) == std::vector<double>{1, 2});
}

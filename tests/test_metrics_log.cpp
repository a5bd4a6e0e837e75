#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "report/metrics_log.hpp"
#include "tests/full_disk.hpp"
#include "tests/json_lines.hpp"
#include "tests/temp_folder.hpp"

using namespace scimix;
using scimix::test::read_bytes;
using scimix::test::TempFolder;

TEST_CASE("metrics log: one JSON object per line, there as soon as it is added") {
  const TempFolder folder;
  const auto path = folder / "metrics.jsonl";
  MetricsLog log = MetricsLog::start(path);
  log.add(100, 1767225600.25, {{"loss", 1.25}, {"accuracy", 0.5}});
  CHECK(read_bytes(path) ==
        "{\"step\":100,\"time\":1767225600.25,\"loss\":1.25,\"accuracy\":0.5}\n");
  log.add(200, 1767225601.5, {});
  CHECK(test::json_lines(read_bytes(path)).size() == 2);
  MetricsLog::start(path);
  CHECK(read_bytes(path).empty());
}

TEST_CASE("metrics log: numbers come back exactly, and those that JSON lacks as null") {
  const TempFolder folder;
  const auto path = folder / "metrics.jsonl";
  const double third = 1.0 / 3;
  const double infinity = std::numeric_limits<double>::infinity();
  MetricsLog::start(path).add(
      1, 2.0,
      {{"a", third}, {"b", std::nan("")}, {"c", infinity}, {"d", -infinity}, {"e", 1e-300}});
  const auto record = test::json_lines(read_bytes(path)).at(0);
  CHECK(record["a"].get<double>() == third);
  CHECK(record["b"].is_null());
  CHECK(record["c"].is_null());
  CHECK(record["d"].is_null());
  CHECK(record["e"].get<double>() == 1e-300);
}

TEST_CASE("metrics log: a name that stands twice is a bug") {
  const TempFolder folder;
  MetricsLog log = MetricsLog::start(folder / "metrics.jsonl");
  CHECK_THROWS_WITH_AS(log.add(1, 2, {{"step", 3}}), doctest::Contains("\"step\" stands twice"),
                       Error);
  CHECK_THROWS_WITH_AS(log.add(1, 2, {{"loss", 3}, {"loss", 3}}),
                       doctest::Contains("\"loss\" stands twice"), Error);
}

TEST_CASE("metrics log: resuming keeps the records up to the step and goes on behind them") {
  const TempFolder folder;
  const auto path = folder / "metrics.jsonl";
  const std::string first = "{\"step\":10,\"time\":1.0,\"loss\":2.5}\n";
  const std::string second = "{ \"step\": 20, \"note\": \"kept byte for byte\" }\n";
  const std::string third = "{\"step\":30,\"time\":3.0,\"loss\":1.5}\n";
  const std::string added = "{\"step\":25,\"time\":4.0,\"loss\":0.5}\n";
  const auto resumed = [&](const std::string& old, std::int64_t step) {
    test::write_bytes(path, old);
    MetricsLog::resume(path, step).add(25, 4.0, {{"loss", 0.5}});
    CHECK(folder.count() == 1);
    return read_bytes(path);
  };
  CHECK(resumed(first + second + third, 20) == first + second + added);
  CHECK(resumed(first + second + third, 30) == first + second + third + added);
  CHECK(resumed(first + second + third, 19) == first + added);
  CHECK(resumed(first, 0) == added);
  CHECK(resumed("", 20) == added);

  // A kill in the middle of a record, at any byte of it.
  for (std::size_t cut = 0; cut + 1 < third.size(); ++cut) {
    CAPTURE(cut);
    CHECK(resumed(first + third.substr(0, cut), 20) == first + added);
  }
  // All of the record but its newline: it counts, and gets its newline.
  CHECK(resumed(first + second.substr(0, second.size() - 1), 20) == first + second + added);
  // A last line that a power cut filled with zeros.
  CHECK(resumed(first + std::string(10, '\0') + "\n", 20) == first + added);
}

TEST_CASE("metrics log: resuming without a log starts one") {
  const TempFolder folder;
  const auto path = folder / "metrics.jsonl";
  MetricsLog::resume(path, 7).add(8, 1.0, {});
  CHECK(read_bytes(path) == "{\"step\":8,\"time\":1.0}\n");
}

TEST_CASE("metrics log: a foreign line is refused and nothing is touched") {
  const TempFolder folder;
  const auto path = folder / "metrics.jsonl";
  const std::string good = "{\"step\":10}\n";
  for (const char* bad :
       {"hello", "", "[1]", "{\"loss\":1}", "{\"step\":1.5}", "{\"step\":\"1\"}"}) {
    CAPTURE(bad);
    const std::string log = good + bad + "\n" + good;
    test::write_bytes(path, log);
    CHECK_THROWS_WITH_AS(MetricsLog::resume(path, 5),
                         (path.string() + ":2: is no record of a metrics log, expected a JSON " +
                          "object with an integer \"step\"")
                             .c_str(),
                         Error);
    CHECK(read_bytes(path) == log);
  }
  CHECK_THROWS_AS(MetricsLog::resume(folder.path(), 5), Error);  // a folder
  CHECK_THROWS_AS(MetricsLog::start(folder / "no/metrics.jsonl"), Error);
}

TEST_CASE("metrics log: a full disk leaves whole records") {
  const TempFolder folder;
  const auto path = folder / "metrics.jsonl";
  const std::string message = test::message_on_full_disk(1000, [&] {
    MetricsLog log = MetricsLog::start(path);
    for (int step = 0; step < 100; ++step) log.add(step, 0.5, {{"loss", 1.5}});
  });
  CHECK(message.starts_with(path.string() + ": cannot append "));
  const std::string log = read_bytes(path);
  CHECK(log.ends_with("}\n"));
  CHECK(log.size() > 950);
  const auto all = test::json_lines(log);
  CHECK(all.back()["step"].get<std::size_t>() + 1 == all.size());
}

#include <doctest/doctest.h>

#include <limits>
#include <sstream>
#include <string>

#include "core/error.hpp"
#include "report/count_line.hpp"
#include "report/progress.hpp"

using namespace scimix;

namespace {

// A progress line whose clock and width the test sets.
struct Bench {
  explicit Bench(bool terminal, std::int64_t total = 1000)
      : progress(
            out, terminal, total, [this] { return now; }, [this] { return width; }) {}

  // What was written since the last call.
  std::string written() {
    std::string text = out.str();
    out.str("");
    return text;
  }

  double now = 5000;
  int width = 120;
  std::ostringstream out;
  Progress progress;
};

const std::string kClear = "\r\x1b[K";

}  // namespace

TEST_CASE("progress: durations") {
  CHECK(format_duration(0) == "0 s");
  CHECK(format_duration(12.4) == "12 s");
  CHECK(format_duration(59.4) == "59 s");
  CHECK(format_duration(59.6) == "1 min 00 s");
  CHECK(format_duration(200) == "3 min 20 s");
  CHECK(format_duration(725) == "12 min 05 s");
  CHECK(format_duration(3599.4) == "59 min 59 s");
  CHECK(format_duration(3599.6) == "1 h 00 min");
  CHECK(format_duration(3600 + 2 * 60 + 29) == "1 h 02 min");
  CHECK(format_duration(86400 - 31) == "23 h 59 min");
  CHECK(format_duration(86400 - 30) == "1 d 00 h");
  CHECK(format_duration(2 * 86400 + 3 * 3600) == "2 d 03 h");
  CHECK(format_duration(-1) == "?");
  CHECK(format_duration(std::numeric_limits<double>::quiet_NaN()) == "?");
  CHECK(format_duration(std::numeric_limits<double>::infinity()) == "?");
}

TEST_CASE("progress: rates") {
  CHECK(format_rate(0.01234) == "0.0123");
  CHECK(format_rate(3.207) == "3.21");
  CHECK(format_rate(32.14) == "32.1");
  CHECK(format_rate(99.94) == "99.9");
  CHECK(format_rate(99.96) == "100");
  CHECK(format_rate(2345.6) == "2346");
  CHECK(format_rate(123456.7) == "123457");
  CHECK(format_rate(std::numeric_limits<double>::infinity()) == "?");
}

TEST_CASE("progress: evaluations are left out of the speed, not out of the time left") {
  Bench bench(true);
  bench.progress.update(0, 0);
  bench.now += 2;
  bench.progress.update(10, 320);
  (void)bench.written();
  bench.now += 8;  // an evaluation
  bench.progress.exclude_pause();
  bench.now += 2;
  bench.progress.update(20, 640);
  // 10 steps in 2 s each time. A step and its share of the pause take 0.2 + 8 / 20 s: 980 are left.
  CHECK(bench.written() == kClear + "step 20/1000  160 images/s  9 min 48 s left");
}

TEST_CASE("progress: one line in place on a terminal") {
  Bench bench(true);
  bench.progress.update(100, 3200);
  CHECK(bench.written().empty());  // only the marks
  bench.now += 2;
  bench.progress.update(110, 3520, {{"loss", 1.23}, {"accuracy", 0.41}});
  CHECK(bench.written() ==
        kClear + "step 110/1000  160 images/s  loss 1.230  accuracy 0.4100  2 min 58 s left");
  bench.now += 0.05;
  bench.progress.update(111, 3552, {{"loss", 1.1}});
  CHECK(bench.written().empty());  // too soon
  bench.now += 0.05;
  bench.progress.update(112, 3584);
  CHECK(bench.written().starts_with(kClear + "step 112/1000"));
  bench.progress.finish();
  CHECK(bench.written() == kClear + "step 112/1000  183 images/s  loss 1.100  took 2 s\n");
  bench.progress.finish();
  CHECK(bench.written().empty());
  CHECK_THROWS_AS(bench.progress.update(113, 3616), Error);
}

TEST_CASE("progress: the line never reaches the last column") {
  const auto line_at = [](int width) {
    Bench bench(true);
    bench.width = width;
    bench.progress.update(0, 0);
    bench.now += 10;
    bench.progress.update(500, 5000, {{"loss", 1.5}, {"accuracy", 0.25}});
    return bench.written().substr(kClear.size());
  };
  const std::string whole = "step 500/1000  500 images/s  loss 1.500  accuracy 0.2500  10 s left";
  CHECK(line_at(static_cast<int>(whole.size()) + 1) == whole);
  CHECK(line_at(static_cast<int>(whole.size())) ==
        "step 500/1000  500 images/s  loss 1.500  10 s left");
  CHECK(line_at(45) == "step 500/1000  500 images/s  10 s left");
  CHECK(line_at(30) == "step 500/1000  10 s left");
  CHECK(line_at(10) == "step 500/");
  CHECK(line_at(1) == "s");
  CHECK(line_at(0) == "s");
  for (int width = 2; width < 80; ++width) {
    CHECK(line_at(width).size() <= static_cast<std::size_t>(width) - 1);
  }
}

TEST_CASE("progress: plain lines, seldom, in a log") {
  Bench bench(false);
  bench.width = 10;  // a log has no width
  bench.progress.update(0, 0);
  std::string log;
  for (int step = 1; step <= 100; ++step) {  // 50 seconds
    bench.now += 0.5;
    bench.progress.update(step, step * 32, {{"loss", 2.0}});
    log += bench.written();
  }
  CHECK(log ==
        "step 30/1000  64.0 images/s  loss 2.000  8 min 05 s left\n"
        "step 60/1000  64.0 images/s  loss 2.000  7 min 50 s left\n"
        "step 90/1000  64.0 images/s  loss 2.000  7 min 35 s left\n");
  bench.progress.finish();
  CHECK(bench.written() == "step 100/1000  64.0 images/s  loss 2.000  took 50 s\n");
}

TEST_CASE("progress: speed follows what happens now, and forgets") {
  const auto images_per_second = [](double seconds_at_new_speed) {
    Bench bench(true, 1'000'000);
    bench.progress.update(0, 0);
    for (int step = 1; step <= 1000; ++step) {
      bench.now += 0.1;  // 10 images/s for 100 s
      bench.progress.update(step, step);
    }
    const int steps = static_cast<int>(seconds_at_new_speed * 10);
    for (int step = 1; step <= steps; ++step) {
      bench.now += 0.1;  // then 30 images/s
      bench.written();
      bench.progress.update(1000 + step, 1000 + 3 * step);
    }
    bench.now += 1e-9;
    bench.progress.finish();
    const std::string line = bench.written();
    const std::size_t at = line.find("  ") + 2;
    return std::stod(line.substr(at));
  };
  // Weights e^(-age / 20 s): after 20 s of the new speed, 30 - 20 (e^-1 - e^-6) / (1 - e^-6)
  // = 22.7.
  CHECK(images_per_second(0.1) < 10.2);
  CHECK(images_per_second(20) == doctest::Approx(22.7).epsilon(0.01));
  CHECK(images_per_second(200) == doctest::Approx(30.0).epsilon(0.005));
}

TEST_CASE("progress: the pace of a resumed run is that of its own steps") {
  Bench bench(true);
  bench.progress.update(900, 1'000'000);
  bench.now += 10;
  bench.progress.update(910, 1'000'100);
  CHECK(bench.written() == kClear + "step 910/1000  10.0 images/s  1 min 30 s left");
}

TEST_CASE("progress: evaluations are no training time") {
  Bench bench(true);
  bench.progress.exclude_pause();  // before the first update there is nothing to leave out
  bench.progress.update(0, 0);
  for (int step = 1; step <= 40; ++step) {
    bench.now += 1;  // 32 images/s
    bench.progress.update(step, 32 * step);
    if (step % 10 != 0) continue;
    bench.now += 30;  // an evaluation
    bench.progress.exclude_pause();
    bench.written();
    bench.progress.update(step, 32 * step, {{"accuracy", 0.5}});
    bench.now += 0.2;
    bench.progress.exclude_pause();
    bench.progress.update(step, 32 * step);
    CHECK(bench.written().starts_with(kClear + "step " + std::to_string(step) +
                                      "/1000  32.0 images/s  accuracy 0.5000"));
  }
  // Each step left takes 1 s, and 3 s of evaluation: 960 * 4 s.
  bench.now += 1;
  bench.written();
  bench.progress.update(41, 32 * 41);
  CHECK(bench.written() ==
        kClear + "step 41/1000  32.0 images/s  accuracy 0.5000  1 h 03 min left");
  bench.progress.finish();
  CHECK(bench.written() ==
        kClear + "step 41/1000  32.0 images/s  accuracy 0.5000  took 2 min 42 s\n");
}

TEST_CASE("progress: messages and errors get a line of their own") {
  Bench bench(true);
  bench.progress.note("starting");
  CHECK(bench.written() == "starting\n");
  bench.progress.update(0, 0);
  bench.now += 1;
  bench.progress.update(1, 1);
  const std::string line = bench.written();
  bench.progress.note("checkpoint written");
  CHECK(bench.written() == kClear + "checkpoint written\n" + line);

  std::ostringstream out;
  {
    Progress progress(
        out, true, 10, [t = 0.0]() mutable { return t += 1; }, [] { return 80; });
    progress.update(0, 0);
    progress.update(1, 1);
  }
  CHECK(out.str().ends_with("left\n"));

  Bench log(false);
  log.progress.note("checkpoint written");
  log.progress.finish();
  CHECK(log.written() == "checkpoint written\n");
}

TEST_CASE("count line: the time left is that of the images, without what came before them") {
  double now = 5000;
  std::ostringstream out;
  CountLine line(out, /*terminal=*/false, "reading images", [&] { return now; });
  now += 8;  // the files were listed
  line.update(1, 1'000'001);
  CHECK(out.str() == "reading images 1/1000001\n");
  out.str("");
  now += 10;
  line.update(2000, 1'000'001);
  CHECK(out.str().empty());  // a line every 15 seconds
  now += 10;
  line.update(200'001, 1'000'001);
  CHECK(out.str() == "reading images 200001/1000001  1 min 20 s left\n");
}

TEST_CASE("count line: a short job shows nothing, and a terminal's line is removed at the end") {
  double now = 0;
  std::ostringstream out;
  {
    CountLine line(out, /*terminal=*/true, "reading images", [&] { return now; });
    line.update(1, 10);
    now = 1.9;
    line.update(5, 10);
    CHECK(out.str().empty());
    now = 2.4;
    line.update(9, 10);
    CHECK(out.str() == kClear + "reading images 9/10  0 s left");
  }
  CHECK(out.str() == kClear + "reading images 9/10  0 s left" + kClear);
}

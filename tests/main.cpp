// Runs the tests.
//
// Each test belongs to one tier. Its doctest suite says to which:
//   full             takes longer than a few seconds, mostly because it trains networks
//   data             reads real images, where SCIMIX_TEST_DATA names a folder with them
//   ranks            starts several processes by mpirun
//   any other, none  the tier "fast": a developer's loop, under two minutes on two cores
// `--tier=NAME,...` runs the tests of these tiers; without it, all tests run.
//
// A run ends with the times of its slowest tests, with the first failures of each test that failed,
// so that the end of a long log tells what went wrong, and with two plain lines:
//   N GPU checks skipped for want of a GPU
//   N passed, N failed, N skipped
// where `skipped` counts every visible skip and every test case that is switched off.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <iomanip>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/skip.hpp"

namespace scimix {
namespace {

// The tiers that have a suite. All other tests are the tier "fast".
constexpr std::array<std::string_view, 3> kSuites{"full", "data", "ranks"};

constexpr std::size_t kSlowestTests = 20;
constexpr double kLeastSeconds = 0.1;        // of a test whose time is printed
constexpr std::size_t kFailuresPerTest = 3;  // that are repeated at the end

struct TestTime {
  double seconds = 0.0;
  double cpu_seconds = 0.0;  // of all threads, and of programs that the test ran
  std::string name;
};

// What the run has seen. doctest constructs its listeners itself, so they share this.
struct Tally {
  std::mutex mutex;
  std::map<std::string, int, std::less<>> gpu_skips;    // reason -> how often
  std::map<std::string, int, std::less<>> other_skips;  // reason -> how often
  std::vector<TestTime> times;
  std::vector<std::string> failures;  // of all tests: file, line and values, or the exception
  std::vector<std::string> failures_in_case;
  std::string name;          // of the test that runs
  double cpu_seconds = 0.0;  // at its start
  int skips_in_case = 0;
  int switched_off = 0;
  int passed = 0;
  int failed = 0;
};

Tally& tally() {
  static Tally instance;
  return instance;
}

void count_skip(std::map<std::string, int, std::less<>>& skips, std::string_view reason) {
  const std::lock_guard lock(tally().mutex);
  ++skips[std::string(reason)];
  ++tally().skips_in_case;
}

// Prints the reasons. Returns how many checks were skipped for them.
int print_skips(const std::map<std::string, int, std::less<>>& skips) {
  int total = 0;
  for (const auto& [reason, count] : skips) {
    std::cout << "skipped (" << count << "): " << reason << '\n';
    total += count;
  }
  return total;
}

// Returns the processor time of this process and of its children that have ended.
double cpu_seconds() {
  double seconds = 0.0;
  for (const auto who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    ::getrusage(who, &usage);
    for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
      seconds += static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    }
  }
  return seconds;
}

// Prints the tests that took longest, the slowest first.
void print_slowest(std::vector<TestTime> times) {
  std::erase_if(times, [](const TestTime& test) { return test.seconds < kLeastSeconds; });
  std::sort(times.begin(), times.end(),
            [](const TestTime& a, const TestTime& b) { return a.seconds > b.seconds; });
  if (times.size() > kSlowestTests) times.resize(kSlowestTests);
  if (times.empty()) return;
  std::cout << "the slowest tests: seconds, processor seconds, name\n";
  for (const TestTime& test : times) {
    std::ostringstream line;
    line << std::fixed << std::setprecision(1) << std::setw(7) << test.seconds << std::setw(7)
         << test.cpu_seconds << "  " << test.name << '\n';
    std::cout << line.str();
  }
}

struct CountingListener : doctest::IReporter {
  explicit CountingListener(const doctest::ContextOptions&) {}

  void test_case_start(const doctest::TestCaseData& test) override {
    tally().name = test.m_name;
    tally().cpu_seconds = cpu_seconds();
    tally().skips_in_case = 0;
    tally().failures_in_case.clear();
  }

  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    tally().times.push_back({stats.seconds, cpu_seconds() - tally().cpu_seconds, tally().name});
    if (!stats.testCaseSuccess) {
      ++tally().failed;
      keep_failures();
    } else if (stats.numAssertsCurrentTest > 0 || tally().skips_in_case == 0) {
      ++tally().passed;  // a case that did nothing but skip is counted by its skips
    }
  }

  // doctest also calls this for tests that the command line filters out, which are no loss, and for
  // tests that other tests run in processes of their own (on_ranks.cpp, planted.hpp).
  void test_case_skipped(const doctest::TestCaseData& test) override {
    const std::string_view name = test.m_name;
    const bool elsewhere = name.starts_with("on ranks: ") ||
                           name.starts_with("on failing ranks: ") || name.starts_with("planted: ");
    tally().switched_off += test.m_skip && !elsewhere ? 1 : 0;
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException& exception) override {
    const std::lock_guard lock(tally().mutex);
    tally().failures_in_case.push_back("exception: " + std::string(exception.error_string.c_str()));
  }
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData& assertion) override {
    if (!assertion.m_failed) return;
    const char* found =
        assertion.m_threw ? assertion.m_exception.c_str() : assertion.m_decomp.c_str();
    note_failure(assertion.m_file, assertion.m_line,
                 std::string(assertion.m_expr) + ", found: " + found + context());
  }
  void log_message(const doctest::MessageData& message) override {
    if ((message.m_severity & doctest::assertType::is_warn) != 0) return;
    note_failure(message.m_file, message.m_line, message.m_string.c_str());
  }

 private:
  // Returns what CAPTURE and CHECK_MESSAGE have said about the assertion.
  static std::string context() {
    std::ostringstream text;
    for (int i = 0; i < get_num_active_contexts(); ++i) {
      text << "; ";
      get_active_contexts()[i]->stringify(&text);
    }
    return text.str();
  }

  // Assertions may fail in several threads at once.
  static void note_failure(const char* file, int line, const std::string& what) {
    const std::lock_guard lock(tally().mutex);
    tally().failures_in_case.push_back(std::string(file) + ':' + std::to_string(line) + ": " +
                                       what);
  }

  static void keep_failures() {
    Tally& seen = tally();
    seen.failures.push_back("failed: " + seen.name);
    for (std::size_t i = 0; i < std::min(kFailuresPerTest, seen.failures_in_case.size()); ++i) {
      seen.failures.push_back("    " + seen.failures_in_case[i]);
    }
    if (seen.failures_in_case.size() > kFailuresPerTest) {
      seen.failures.push_back("    and " +
                              std::to_string(seen.failures_in_case.size() - kFailuresPerTest) +
                              " more in this test");
    }
  }
};

REGISTER_LISTENER("counting", 1, CountingListener);

// Restricts the run to the tiers of `--tier=NAME,...`, if it is given. Returns what is wrong with
// it, or nothing.
std::string choose_tiers(doctest::Context& context, int argc, char** argv) {
  constexpr std::string_view kOption = "--tier=";
  std::set<std::string> wanted;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--tier") return "--tier: expected --tier=NAME,...";
    if (!argument.starts_with(kOption)) continue;
    std::istringstream names{std::string(argument.substr(kOption.size()))};
    for (std::string name; std::getline(names, name, ',');) wanted.insert(name);
    if (wanted.empty()) return "--tier: expected fast, full, data or ranks";
  }
  for (const std::string& name : wanted) {
    const bool known =
        name == "fast" || std::find(kSuites.begin(), kSuites.end(), name) != kSuites.end();
    if (!known) return "--tier=" + name + ": expected fast, full, data or ranks";
  }
  if (wanted.empty()) return {};
  // The tier "fast" has no suite to ask for, so the suites of the others are excluded.
  const bool fast = wanted.contains("fast");
  for (const std::string_view suite : kSuites) {
    const std::string name(suite);
    if (fast && !wanted.contains(name)) context.addFilter("test-suite-exclude", name.c_str());
    if (!fast && wanted.contains(name)) context.addFilter("test-suite", name.c_str());
  }
  return {};
}

}  // namespace

void skip_gpu_check(std::string_view reason) {
  count_skip(tally().gpu_skips, reason);
}
void skip_check(std::string_view reason) {
  count_skip(tally().other_skips, reason);
}

}  // namespace scimix

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  if (const std::string fault = scimix::choose_tiers(context, argc, argv); !fault.empty()) {
    std::cerr << fault << '\n';
    return 2;
  }
  const int result = context.run();
  if (context.shouldExit()) {
    return result;  // a query such as --list-test-cases: nothing ran
  }
  auto& seen = scimix::tally();
  const int other = scimix::print_skips(seen.other_skips) + seen.switched_off;
  const int gpu = scimix::print_skips(seen.gpu_skips);
  scimix::print_slowest(seen.times);
  for (const std::string& line : seen.failures) std::cout << line << '\n';
  std::cout << gpu << " GPU checks skipped for want of a GPU\n"
            << seen.passed << " passed, " << seen.failed << " failed, " << gpu + other
            << " skipped\n"
            << std::flush;
  return result;
}

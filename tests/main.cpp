// Runs the tests. The run closes with two plain lines:
//   N GPU checks skipped for want of a GPU
//   N passed, N failed, N skipped
// where `skipped` counts every visible skip and every test case that is switched off.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <iostream>
#include <map>
#include <mutex>
#include <string>

#include "tests/skip.hpp"

namespace scimix {
namespace {

// What the run has seen. doctest builds its listeners itself, so they share this.
struct Tally {
  std::mutex mutex;
  std::map<std::string, int, std::less<>> gpu_skips;    // reason -> how often
  std::map<std::string, int, std::less<>> other_skips;  // reason -> how often
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

// Prints the reasons, and returns how many checks were skipped for them.
int print_skips(const std::map<std::string, int, std::less<>>& skips) {
  int total = 0;
  for (const auto& [reason, count] : skips) {
    std::cout << "skipped (" << count << "): " << reason << '\n';
    total += count;
  }
  return total;
}

struct CountingListener : doctest::IReporter {
  explicit CountingListener(const doctest::ContextOptions&) {}

  void test_case_start(const doctest::TestCaseData&) override { tally().skips_in_case = 0; }

  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    if (!stats.testCaseSuccess) {
      ++tally().failed;
    } else if (stats.numAssertsCurrentTest > 0 || tally().skips_in_case == 0) {
      ++tally().passed;  // a case that did nothing but skip is counted by its skips
    }
  }

  // Also called for a case that the command line filtered out, which is nobody's loss, and for
  // those that run in processes which other cases start (on_ranks.cpp).
  void test_case_skipped(const doctest::TestCaseData& test) override {
    const std::string_view name = test.m_name;
    const bool elsewhere = name.starts_with("on ranks: ") || name.starts_with("on failing ranks: ");
    tally().switched_off += test.m_skip && !elsewhere ? 1 : 0;
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
};

REGISTER_LISTENER("counting", 1, CountingListener);

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
  const int result = context.run();
  if (context.shouldExit()) {
    return result;  // a query such as --list-test-cases: nothing ran
  }
  auto& seen = scimix::tally();
  const int other = scimix::print_skips(seen.other_skips) + seen.switched_off;
  const int gpu = scimix::print_skips(seen.gpu_skips);
  std::cout << gpu << " GPU checks skipped for want of a GPU\n"
            << seen.passed << " passed, " << seen.failed << " failed, " << gpu + other
            << " skipped\n"
            << std::flush;
  return result;
}

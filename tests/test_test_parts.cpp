// scripts/test_parts.py, which runs this test program in several processes.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "tests/paths.hpp"
#include "tests/program.hpp"

namespace scimix {
namespace {

// Runs the script with two processes and a test program of 30 tests that is a shell script.
test::ProgramResult run_parts(const std::string& answer) {
  const test::TempFolder folder;
  const std::filesystem::path program = folder / "fake_tests";
  test::write_bytes(program,
                    "#!/bin/sh\n"
                    "case \"$*\" in *--count*) echo '[doctest] unskipped test cases passing the "
                    "current filters: 30'; exit 0;; esac\n" +
                        answer);
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  return test::run_program(
      "python3", {(source_dir() / "scripts/test_parts.py").string(), "2", program.string()});
}

TEST_CASE("test_parts.py: the parts' ends are added up, and all tests run once") {
  const test::ProgramResult result = run_parts(
      "echo 'skipped (2): no GPU'\n"
      "echo 'the slowest tests: seconds, processor seconds, name'\n"
      "case \"$*\" in *--first=13*) echo '    9.5    1.5  a slow test';; *) echo '    0.3    0.2  "
      "another';; esac\n"
      "echo '2 GPU checks skipped for want of a GPU'\n"
      "first=${1#--first=} last=${2#--last=}\n"
      "echo \"$((last - first + 1)) passed, 0 failed, 3 skipped\"\n");
  CAPTURE(result.error);
  CHECK(result.exit_code == 0);
  CAPTURE(result.out);
  // Three parts: 1 to 12, 13 to 24, 25 to 30. Each part counts the one test that is switched off.
  test::check_has(result.out, {"skipped (6): no GPU\n",
                               "processor seconds, name\n    9.5    1.5  a slow test\n    0.3"});
  CHECK(result.out.ends_with(
      "6 GPU checks skipped for want of a GPU\n30 passed, 0 failed, 7 skipped\n"));
}

TEST_CASE("test_parts.py: a failure, and a part that crashes, are said and counted") {
  const test::ProgramResult result = run_parts(
      "case \"$*\" in\n"
      "*--first=1\\ *) echo 'what the part printed'; echo 'failed: a test'; echo '    a.cpp:3: 1 "
      "== 2';\n"
      "  echo '0 GPU checks skipped for want of a GPU'; echo '11 passed, 1 failed, 0 skipped'; "
      "exit 1;;\n"
      "*--first=13*) echo 'before the crash'; kill -SEGV $$;;\n"
      "esac\n"
      "echo '0 GPU checks skipped for want of a GPU'; echo '6 passed, 0 failed, 0 skipped'\n");
  CHECK(result.exit_code == 1);
  CAPTURE(result.out);
  test::check_has(result.out, {"what the part printed\n", "before the crash\n",
                               "failed: a test\n    a.cpp:3: 1 == 2\n",
                               "failed: the part of tests 13 to 24 ended with exit code -11"});
  CHECK(result.out.ends_with("17 passed, 2 failed, 0 skipped\n"));
}

TEST_CASE("test_parts.py: a part that fails after its last line, as by a leak, is a failure") {
  const test::ProgramResult result = run_parts(
      "echo '0 GPU checks skipped for want of a GPU'; echo '10 passed, 0 failed, 0 skipped'\n"
      "case \"$*\" in *--first=25*) echo 'a leak'; exit 23;; esac\n");
  CHECK(result.exit_code == 1);
  CAPTURE(result.out);
  test::check_has(result.out,
                  {"a leak\n", "failed: the part of tests 25 to 30 ended with exit code 23 after"});
  CHECK(result.out.ends_with("30 passed, 1 failed, 0 skipped\n"));
}

}  // namespace
}  // namespace scimix

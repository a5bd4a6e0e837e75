// scripts/kernel_report.sh: what it reads from the assembler's report.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <string>

#include "temp_folder.hpp"
#include "tests/paths.hpp"

using namespace scimix;

namespace {

struct Ended {
  int exit_code = -1;
  std::string out;
};

Ended run_report(const std::string& arguments) {
  const std::string command =
      source_dir().string() + "/scripts/kernel_report.sh " + arguments + " 2>&1";
  Ended ended;
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> part{};
  while (std::fgets(part.data(), static_cast<int>(part.size()), pipe) != nullptr) {
    ended.out += part.data();
  }
  ended.exit_code = WEXITSTATUS(pclose(pipe));
  return ended;
}

// As nvcc -Xptxas -v prints a kernel.
std::string kernel(const std::string& name, int registers, int stores) {
  const std::string number = std::to_string(stores);
  return "ptxas info    : Compiling entry function '" + name + "' for 'sm_90'\n" +
         "ptxas info    : Function properties for " + name + "\n" + "    8 bytes stack frame, " +
         number + " bytes spill stores, " + number + " bytes spill loads\n" +
         "ptxas info    : Used " + std::to_string(registers) + " registers, used 1 barriers\n";
}

}  // namespace

TEST_CASE("kernel report: kernels that spill are listed, and make it fail") {
  const test::TempFolder folder;
  const std::string log = (folder / "norm.cu.log").string();
  std::ofstream(log) << "ptxas info    : 0 bytes gmem\n"
                     << kernel("small", 32, 0) << kernel("large", 160, 0)
                     << kernel("spilling", 64, 24);
  const Ended ended = run_report("--log " + log);
  CAPTURE(ended.out);
  CHECK(ended.exit_code == 1);
  CHECK(ended.out.find("small") == std::string::npos);
  CHECK(ended.out.find("sm_90          160      8       0      0  norm.cu            large\n") !=
        std::string::npos);
  CHECK(ended.out.find("sm_90           64      8      24     24  norm.cu            spilling\n") !=
        std::string::npos);
  CHECK(ended.out.find("sm_90: 3 kernels, 1 with spills, at most 160 registers\n") !=
        std::string::npos);
  CHECK(run_report("--all --log " + log).out.find("small") != std::string::npos);
}

TEST_CASE("kernel report: without spills it succeeds") {
  const test::TempFolder folder;
  const std::string log = (folder / "norm.cu.log").string();
  std::ofstream(log) << kernel("small", 32, 0);
  CHECK(run_report("--log " + log).exit_code == 0);
}

TEST_CASE("kernel report: a mistake gets one line and exit code 2") {
  const test::TempFolder folder;
  const std::string log = (folder / "empty.log").string();
  std::ofstream{log};
  for (const std::string& arguments :
       {std::string("--nosuch"), std::string("sm_x"), std::string("--log"),
        "--log " + (folder / "missing.log").string(), "--log " + log}) {
    const Ended ended = run_report(arguments);
    CAPTURE(ended.out);
    CHECK(ended.exit_code == 2);
    CHECK(ended.out.starts_with("kernel_report.sh: "));
    CHECK(ended.out.find('\n') == ended.out.size() - 1);
  }
}

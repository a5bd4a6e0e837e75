// scripts/kernel_report.sh: what it reads from the assembler's report.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

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

namespace {

// As cuobjdump prints an instruction.
std::string instruction(int place, const std::string& words) {
  char address[16];  // NOLINT: for snprintf
  std::snprintf(address, sizeof(address), "%04x", static_cast<unsigned>(place));
  return "        /*" + std::string(address) + "*/                   " + words +
         " ;    /* 0x00000a00ff017b82 */\n                                   /* 0x000ff00000000800 "
         "*/\n";
}

std::string function(const std::string& name, const std::vector<std::string>& instructions) {
  std::string out = "\t\tFunction : " + name + "\n\t.headerflags\t@\"EF_CUDA_SM90\"\n";
  int place = 0;
  for (const std::string& words : instructions) {
    out += instruction(place, words);
    place += 16;
  }
  return out;
}

}  // namespace

TEST_CASE("kernel report: the assembly tells loads in flight, widths and local memory") {
  const test::TempFolder folder;
  const std::string log = (folder / "norm.sass").string();
  std::ofstream(log) << "\n\tcode for sm_90\n"
                     << function("batched",
                                 {"LDC R1, c[0x0][0x28]", "LDG.E.128 R4, desc[UR4][R2.64]",
                                  "@P0 LDG.E.128.CONSTANT R8, desc[UR4][R2.64+0x10]",
                                  "STG.E.128 desc[UR4][R2.64], R4",
                                  "STG.E.128 desc[UR4][R2.64+0x10], R8", "@P0 BRA 0x10", "EXIT",
                                  "BRA 0x70"})
                     << function("narrow", {"LDG.E.128 R4, desc[UR4][R2.64]", "STL [R1], R4",
                                            "STG.E desc[UR4][R2.64], R4",
                                            "STG.E.U16 desc[UR4][R2.64+0x4], R5", "EXIT"});
  const Ended ended = run_report("--sass-log " + log);
  CAPTURE(ended.out);
  CHECK(ended.exit_code == 0);
  // Five instructions for 4 x 16 bytes: those of the loop.
  CHECK(
      ended.out.find(
          "sm_90              8            2      0       128       128          1.2  batched\n") !=
      std::string::npos);
  CHECK(ended.out.find("sm_90              5            1      1       128     32-16") !=
        std::string::npos);
  CHECK(ended.out.find(
            "sm_90: 2 kernels, 1 use local memory, 1 load 128 bits at once and store less\n") !=
        std::string::npos);
}

TEST_CASE("kernel report: a mistake gets one line and exit code 2") {
  const test::TempFolder folder;
  const std::string log = (folder / "empty.log").string();
  std::ofstream{log};
  for (const std::string& arguments :
       {std::string("--nosuch"), std::string("sm_x"), std::string("--log"),
        "--log " + (folder / "missing.log").string(), "--log " + log, "--sass-log " + log}) {
    const Ended ended = run_report(arguments);
    CAPTURE(ended.out);
    CHECK(ended.exit_code == 2);
    CHECK(ended.out.starts_with("kernel_report.sh: "));
    CHECK(ended.out.find('\n') == ended.out.size() - 1);
  }
}

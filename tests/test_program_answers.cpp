// The options that every program has: --version, --man-page, --completion, --help.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "core/installed_files.hpp"
#include "settings/run_kinds.hpp"
#include "tests/paths.hpp"
#include "tests/test_data_support.hpp"

using namespace scimix;
using test::check_mistake;
using test::has;
using test::ProgramResult;
using test::run_program;

namespace {

// A build without ONNX's classes has no scimix_export.
bool has_export() {
  return std::filesystem::exists(program_dir() / "scimix_export");
}

std::vector<std::string> programs() {
  std::vector<std::string> names{"scimix_train", "scimix_eval", "scimix_mix", "scimix_bench"};
  if (has_export()) names.emplace_back("scimix_export");
  return names;
}

std::string answer(const std::string& program, const test::Words& arguments) {
  const ProgramResult result = run_program(program, arguments);
  CAPTURE(program);
  CHECK(result.exit_code == 0);
  CHECK(result.error == "");
  return result.out;
}

}  // namespace

TEST_CASE("--version of every program names version, backends and libraries") {
  for (const std::string& program : programs()) {
    const std::string version = answer(program, {"--version"});
    CHECK(version.starts_with(program + " 0."));
    CHECK(has(version, "\nbackends: cpu"));
    CHECK(has(version, "oneDNN "));
    CHECK(has(version, ", fmt "));
  }
}

TEST_CASE("man pages and completions have every option") {
  const std::string page = answer("scimix_train", {"--man-page"});
  const std::string bash = answer("scimix_train", {"--completion", "bash"});
  for (const RunKind* const kind : {&generator_kind(), &classifier_kind(), &auto_kind()}) {
    for (const Setting& setting : kind->settings) {
      std::string name = "--" + setting.name;
      CAPTURE(name);
      CHECK(has(bash, name));
      for (std::size_t at = 0; (at = name.find('-', at)) != std::string::npos; at += 2) {
        name.insert(at, "\\");
      }
      CHECK(has(page, "\\fB" + name + "\\fR"));
    }
  }
  CHECK(
      has(answer("scimix_eval", {"--man-page"}), "\\fB\\-\\-count\\fR \\fIN\\fR\nonly the first"));
  const std::string eval = answer("scimix_eval", {"--completion", "bash"});
  CHECK(has(eval, "    logits:--device) words='auto cpu cuda:0' ;;"));
  CHECK(has(eval, "    predict:--error-rate) return ;;"));
  CHECK(has(eval, "    predict:--sort-into) compopt"));
  CHECK(has(eval, "    predict:*) if [[ $word != -* ]]; then compopt"));  // images are files
  CHECK(
      has(answer("scimix_mix", {"--completion=zsh"}), "'--scene=[the images whose scene is kept"));
  CHECK(has(answer("scimix_mix", {"--man-page"}), "scimix_mix \\- put"));
  CHECK(has(answer("scimix_bench", {"--man-page"}), "\\fB\\-\\-suite\\fR"));
  if (has_export()) {
    CHECK(has(answer("scimix_export", {"--man-page"}), "\\fB\\-\\-input\\fR"));
  }
  for (const std::string& program : programs()) {
    check_mistake(program, {"--completion", "fish"}, {"--completion fish", "bash or zsh"});
  }
}

TEST_CASE("commands are listed, and a wrong one gets the nearest name") {
  const std::string usage = answer("scimix_eval", {"--help"});
  CHECK(has(usage, "usage: scimix_eval accuracy RUN [options]\n"));
  CHECK(has(usage, "\n       scimix_eval predict RUN IMAGES... [options]\n"));
  CHECK(has(usage, "\n       scimix_eval transfer --generator RUN [options]\n"));
  CHECK(has(usage, "\n  logits     what a classifier answers to each test image\n"));
  check_mistake("scimix_eval", {"acuracy"}, {"unknown command acuracy", "accuracy"});
  CHECK(run_program("scimix_eval", {}).exit_code == 2);
}

TEST_CASE("a preset that is in no place keeps the name that was typed") {
  CHECK(find_preset("configs/no-such.toml") == "configs/no-such.toml");
  const auto there = source_dir() / "configs/demo.toml";
  CHECK(find_preset(there) == there);
}

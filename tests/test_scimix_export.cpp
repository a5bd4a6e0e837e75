// The mistakes that scimix_export finds before it makes a model. (python/tests/test_onnx.py runs
// its models.)
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "command_line.hpp"
#include "skip.hpp"
#include "tests/paths.hpp"
#include "tests/tiny_generator.hpp"

using namespace scimix;
using test::TempFolder;
using test::Words;

TEST_CASE("scimix_export: mistakes are told before the model is made") {
  if (!std::filesystem::exists(program_dir() / "scimix_export")) {
    return skip_check("this build has no scimix_export");
  }
  const TempFolder folder;
  const auto path = [&](const char* name) { return (folder / name).string(); };
  test::save_generator(folder / "g.safetensors", test::tiny_networks(16));
  const auto mistake = [&](const std::string& out, const Words& more, const Words& words) {
    Words arguments{path("g.safetensors"), "--out", out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    test::check_mistake("scimix_export", arguments, words);
    CHECK(folder.count() == 1);  // no file is left
  };
  mistake(path("au.txt"), {}, {"--out " + path("au.txt"), "expected a name that ends in .onnx"});
  mistake("", {}, {"--out: is empty, expected a name"});
  mistake(path("a.onnx"), {"--part", "critic"},
          {"--part critic: expected auto, generator or classifier"});
  mistake(path("a.onnx"), {"--input", "f16"}, {"--input f16: expected u8 or float"});
  test::check_mistake("scimix_export", {"--out", path("a.onnx")},
                      {"run is required (run folder or checkpoint"});
  for (const char* const part : {"generator", "classifier"}) {
    const std::string out = path(part) + ".onnx";
    test::run_to_success("scimix_export", {path("g.safetensors"), "--out", out, "--part", part});
    CHECK(std::filesystem::file_size(out) > 1000);
  }
}

// A data set without its folder: every program names the data set and the option that is missing.
#include <doctest/doctest.h>

#include "command_line.hpp"
#include "data/dataset.hpp"
#include "tests/tiny_generator.hpp"

using namespace scimix;
using test::operator+;
using test::check_mistake;
using test::TempFolder;
using test::train;
using test::Words;
using test::words_of;

namespace {

std::vector<std::string> sets_with_folder() {
  std::vector<std::string> names;
  for (const std::string& name : dataset_names()) {
    if (name != "digits") names.push_back(name);
  }
  return names;
}

}  // namespace

TEST_CASE("a data set without --data-dir: scimix_train") {
  const TempFolder folder;
  const std::vector<std::string> sets = sets_with_folder();
  REQUIRE(sets.size() == 5);
  for (const std::string& set : sets) {
    for (const std::string command : {"classifier", "generator", "auto"}) {
      CAPTURE(command);
      check_mistake(
          "scimix_train",
          {command, "--dataset", set, "--device", "cpu", "--out", (folder / "run").string()},
          {"data set " + set + ": --data-dir is missing, expected its folder"});
    }
  }
  CHECK_FALSE(std::filesystem::exists(folder / "run"));
}

TEST_CASE("a data set without --data-dir: scimix_eval and scimix_mix") {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  train(words_of("classifier --digits-train 20 --digits-test 10 --image-size 16 --crop-pad 1 "
                 "--depth 10 --width 1 --batch 4 --steps 1 --device cpu") +
        Words{"--out", run});
  const std::string generator = (folder / "g.safetensors").string();
  test::save_generator(generator, test::tiny_networks(16));
  for (const std::string& set : sets_with_folder()) {
    const std::string expected = "data set " + set + ": --data-dir is missing, expected its folder";
    for (const std::string command : {"accuracy", "logits"}) {
      CAPTURE(command);
      check_mistake("scimix_eval", {command, run, "--dataset", set, "--device", "cpu"}, {expected});
    }
    check_mistake("scimix_eval",
                  {"transfer", "--generator", generator, "--dataset", set, "--oracle", run,
                   "--device", "cpu"},
                  {expected});
    if (set == "folder") continue;  // scimix_mix takes a folder by its path
    check_mistake("scimix_mix",
                  {"--generator", generator, "--content", set + ":test", "--scene", "digits:test",
                   "--out", (folder / "h.npy").string(), "--device", "cpu"},
                  {expected});
  }
}

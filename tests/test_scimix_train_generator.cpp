// scimix_train generator from outside: what it writes, what a kill leaves, what a mistake gets.
#include <doctest/doctest.h>

#include "command_line.hpp"
#include "core/safetensors.hpp"
#include "data/image_io.hpp"

using namespace scimix;
using test::operator+;
using test::check_mistake;
using test::train;
using test::Words;

namespace {

Words small_run(const std::string& out, const Words& more = {}) {
  return test::words_of(
             "generator --digits-train 200 --digits-test 40 --image-size 16 --depth 10 --width 1 "
             "--g-channels 8 --g-max-channels 8 --d-channels 8 --d-max-channels 8 --batch 4 "
             "--steps 24 --guide-steps 0 --r1-every 8 --log-every 5 --eval-every 12 "
             "--eval-pairs 20 --eval-batch 20 --sample-pairs 3 --checkpoint-every 4 "
             "--device cpu") +
         Words{"--out", out} + more;
}

}  // namespace

TEST_CASE("a generator run folder holds settings, numbers, sample grids and checkpoints") {
  const test::TempFolder folder;
  const std::string run = (folder / "run").string();
  const auto result = train(small_run(run));
  CHECK(result.out.find("200 training images of 16x16 (200 labelled)") != std::string::npos);
  CHECK(result.out.find("samples/step-00000024.png") != std::string::npos);
  CHECK(result.error.find("s_r ") != std::string::npos);

  const Image grid = read_image(run + "/samples/step-00000012.png");
  CHECK(grid.width == 4 * 16 * 3 + 3 * 2);   // x_c, x_r, reconstruction, hybrid at scale 3
  CHECK(grid.height == 3 * 16 * 3 + 2 * 2);  // 3 pairs
  const std::string config = test::config_of(run);
  CHECK(config.find("weight-rec=5") != std::string::npos);  // the preset's, resolved
  CHECK(config.find("variant=\"full\"") != std::string::npos);
  const std::string metrics = test::read_bytes(run + "/metrics.jsonl");
  for (const char* key : {"reconstruction", "class_plus", "cont_minus", "critic_hyb", "r1",
                          "own_s_c", "s_r", "test_accuracy"}) {
    CAPTURE(key);
    CHECK(metrics.find("\"" + std::string(key) + "\":") != std::string::npos);
  }
  const SafetensorsFile checkpoint(test::checkpoint(run, 24));
  CHECK(checkpoint.metadata().at("format") == "scimix-generator-2");
  CHECK(checkpoint.find("ema.g.blocks.0.conv1.weight") != nullptr);
  CHECK(checkpoint.find("model.d.fromrgb.weight") != nullptr);

  // The config it wrote describes the same run.
  const std::string again = (folder / "again").string();
  train({"generator", "--config", run + "/config.toml", "--out", again});
  CHECK(test::checkpoint_bytes(again, 24) == test::checkpoint_bytes(run, 24));
}

TEST_CASE("a killed generator run resumes bit for bit" * doctest::test_suite("full")) {
  const test::TempFolder folder;
  const std::string whole = (folder / "whole").string();
  train(small_run(whole, {"--labels", "40"}));
  const std::string killed = (folder / "killed").string();
  test::train_until_killed(small_run(killed, {"--labels", "40"}), killed, 8);
  train({"generator", "--resume", killed});
  CHECK(test::checkpoint_bytes(killed, 24) == test::checkpoint_bytes(whole, 24));
}

TEST_CASE("every variant and the paper's preset run" * doctest::test_suite("full")) {
  const test::TempFolder folder;
  for (const std::string variant : {"no-hyb", "basic-hyb", "unfrozen", "structural-zc"}) {
    CAPTURE(variant);
    const std::string run = (folder / variant).string();
    train(small_run(
        run, {"--variant", variant, "--steps", "3", "--preset", "paper", "--d-arch", "resnet",
              "--minibatch-std", "2", "--noise", "true", "--weight-adv", "0.5"}));
    const std::string config = test::config_of(run);
    CHECK(config.find("weight-rec=1\n") != std::string::npos);
    CHECK(config.find("weight-adv=0.5") != std::string::npos);  // given, not the preset's
  }
}

TEST_CASE("mistakes of scimix_train generator get one line and exit code 2") {
  const auto mistake = [](const Words& more, const Words& words) {
    const test::TempFolder folder;
    const std::string run = (folder / "run").string();
    check_mistake("scimix_train", small_run(run, more), words);
    CHECK_FALSE(std::filesystem::exists(run));
  };
  mistake({"--variant", "ful"}, {"--variant ful", "did you mean full?"});
  mistake({"--preset", "papers"}, {"--preset papers", "paper"});
  mistake({"--labels", "5"}, {"5", "10"});  // fewer than classes
  mistake({"--image-size", "36"}, {"36", "no number of stages fits"});
  mistake({"--encoder-grad", "2"}, {"--encoder-grad 2", "0 to 1"});
  mistake({"--weight-reconstruction", "2"}, {"--weight-rec"});
  mistake({"--minibatch-std", "3"}, {"--minibatch-std 3", "--batch 4"});
}

TEST_CASE("a run is resumed by the command that made it") {
  const test::TempFolder folder;
  const std::string run = (folder / "run").string();
  train(small_run(run, {"--steps", "2"}));
  check_mistake(
      "scimix_train", {"classifier", "--resume", run},
      {run, "a run of scimix_train generator", "expected one of scimix_train classifier"});
}

TEST_CASE("a diverging generator run keeps its last good checkpoint" *
          doctest::test_suite("full")) {
  const test::TempFolder folder;
  const std::string run = (folder / "run").string();
  check_mistake(
      "scimix_train", small_run(run, {"--checkpoint-every", "1", "--learning-rate", "1e30"}),
      {"step 2, phase critic", "critic_rec", "not a finite number", "checkpoint is kept"});
  CHECK(std::filesystem::exists(test::checkpoint(run, 1)));
  CHECK_FALSE(std::filesystem::exists(test::checkpoint(run, 2)));
}

TEST_CASE("a run that diverges before its first checkpoint does not speak of one" *
          doctest::test_suite("full")) {
  const test::TempFolder folder;
  const std::string run = (folder / "run").string();
  check_mistake("scimix_train",
                small_run(run, {"--checkpoint-every", "1000", "--learning-rate", "1e30"}),
                {"not a finite number", "there is no checkpoint yet"});
}

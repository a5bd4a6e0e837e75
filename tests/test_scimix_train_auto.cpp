// scimix_train auto from outside: a tiny job is trained, interrupted, and goes on.
#include <doctest/doctest.h>

#include <csignal>

#include "command_line.hpp"
#include "striped_picture.hpp"

using namespace scimix;
using test::operator+;
using test::check_mistake;
using test::has;
using test::ProgramResult;
using test::run_program;
using test::TempFolder;
using test::train;
using test::Words;
using test::write_picture;

namespace {

namespace fs = std::filesystem;

// 10 labelled pictures of each of two classes, of which two are held out, and 70 without a class.
struct Pictures {
  Pictures() {
    test::write_labeled_pictures(dir);
    for (int i = 0; i < 70; ++i) {
      write_picture(dir / "unlabeled" / (std::to_string(i) + ".png"), i % 2 == 0, 20 + i);
    }
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder / name).string(); }
  [[nodiscard]] Words job(const Words& more = {}) const {
    return Words{"auto", "--data-dir", dir.string(), "--device", "cpu", "--out", path("job")} +
           more;
  }

  TempFolder folder;
  fs::path dir = folder / "pictures";
};

const Words kTiny{"--image-size",  "16", "--depth",           "10", "--width", "1",
                  "--guide-steps", "2",  "--generator-steps", "12", "--steps", "2"};

std::string config_of(const Pictures& pictures, const std::string& run) {
  return test::read_bytes(pictures.path("job/" + run + "config.toml"));
}

}  // namespace

TEST_CASE("auto: a job is interrupted, goes on, and is not repeated") {
  const Pictures pictures;
  const Words command = pictures.job(kTiny);
  {
    const test::Program program(pictures.folder, "scimix_train", command);
    program.wait_for_checkpoint(pictures.path("job/generator"), 1);
    program.signal(SIGTERM);
    const ProgramResult stopped = program.wait();
    CAPTURE(stopped.error);
    REQUIRE(stopped.exit_code == 130);
    CHECK(has(stopped.out, "labelled: 16 images of 2 classes, 8 of each\n"));
    CHECK(has(stopped.out, "unlabelled: 70 images\n"));
    CHECK(has(stopped.out, "test: 4 images\n"));
    CHECK(has(stopped.out, "picture sizes: shorter side 16 pixels"));
    CHECK(has(stopped.out, "method: mean-teacher with hybrids"));
    CHECK(has(stopped.out, "[1 of 3] guide: 2 steps"));
    CHECK(has(stopped.out, "[2 of 3] generator: 12 steps"));
    CHECK(has(stopped.out, "interrupted; the same command goes on\n"));
    CHECK_FALSE(has(stopped.out, "[3 of 3]"));
  }
  const std::string guide =
      test::read_bytes(pictures.path("job/guide/checkpoints/step-00000002.safetensors"));

  const ProgramResult done = train(command);
  CHECK(has(done.out, "going on with its picks"));
  CHECK(has(done.out, "guide, resumed after step 2: the run is finished"));
  CHECK(has(done.out, "[3 of 3] classifier: 2 steps"));
  CHECK(has(done.out, "of 4 held-out images (95% interval "));
  CHECK(has(done.out, "\nnext: scimix_eval predict " + pictures.path("job/")));
  CHECK(test::read_bytes(pictures.path("job/guide/checkpoints/step-00000002.safetensors")) ==
        guide);
  CHECK(has(config_of(pictures, ""), "\ncrop-pad=2\n"));
  CHECK(has(config_of(pictures, ""), "\nscale=\"cpu\"\n"));
  CHECK(has(config_of(pictures, "guide/"), "\nmethod=\"fixmatch\"\n"));
  CHECK(has(config_of(pictures, "generator/"), "\nguide=\"" + pictures.path("job/guide") + "\"\n"));
  CHECK(has(config_of(pictures, "classifier/"), "\nmixer=\"scimix\"\n"));

  // Without its options, the job has the picks of its config.toml. Everything is finished.
  const std::string before = config_of(pictures, "");
  const ProgramResult again = train({"auto", "--resume", pictures.path("job")});
  CHECK(has(again.out, "classifier, resumed after step 2: the run is finished"));
  CHECK(config_of(pictures, "") == before);
  check_mistake("scimix_train", pictures.job({"--image-size", "32"}),
                {"--image-size 32", "keeps this setting", "16"});
  check_mistake("scimix_train", pictures.job({"--minutes", "5"}), {"--minutes 5", "30"});

  // The run is an ordinary one: the ordinary command repeats it to the same bits.
  train({"classifier", "--config", pictures.path("job/guide/config.toml"), "--out",
         pictures.path("guide")});
  CHECK(test::read_bytes(pictures.path("guide/checkpoints/step-00000002.safetensors")) == guide);
}

TEST_CASE("auto: with three seconds there is a classifier without hybrids") {
  const Pictures pictures;
  const ProgramResult result = train(pictures.job({"--minutes", "0.05", "--test", "none"}));
  CHECK(has(result.out, "hybrids: none, as 0.05 minutes do not suffice"));
  CHECK(has(result.out, "images and network: 16x16 pixels with WideResNet-10-1"));
  CHECK(has(result.out, "[1 of 1] classifier: "));
  CHECK(has(result.out, "too few for a good classifier"));
  CHECK(has(result.out, "no accuracy"));
  CHECK_FALSE(has(result.out, "held-out images"));
  CHECK_FALSE(fs::exists(pictures.path("job/guide")));
  CHECK(has(config_of(pictures, ""), "\ngenerator-steps=0\n"));
  CHECK(has(config_of(pictures, "classifier/"), "\nmethod=\"fixmatch\"\n"));
}

TEST_CASE("auto: mistakes are found before any work") {
  const Pictures pictures;
  const auto mistake = [&](const Words& more, const Words& words) {
    check_mistake("scimix_train", pictures.job(more), words);
    CHECK_FALSE(fs::exists(pictures.path("job")));
  };
  mistake({"--minutes", "0"}, {"--minutes 0", "more than 0"});
  mistake({"--steps", "0"}, {"--steps 0", "at least 1"});
  mistake({"--device", "abacus"}, {"abacus"});
  mistake({"--image-size", "18"}, {"--image-size 18", "a multiple of 4"});
  mistake({"--image-size", "128"}, {"--image-size 128", "100x100"});
  mistake({"--guide-steps", "5", "--generator-steps", "0"}, {"--guide-steps 5"});
  mistake({"--method", "fixmach"}, {"fixmach", "did you mean fixmatch?"});
  mistake({"--data-dir", pictures.path("missing")}, {"missing"});

  fs::remove_all(pictures.dir / "labeled/down");
  mistake({}, {"class"});  // one class
  fs::remove_all(pictures.dir / "labeled");
  mistake({}, {pictures.dir.string()});  // no labelled image
}

TEST_CASE("auto: a folder with other runs is refused") {
  const Pictures pictures;
  fs::create_directories(pictures.path("job/guide"));
  test::write_bytes(pictures.path("job/guide/config.toml"), "# scimix_train classifier\n");
  check_mistake("scimix_train", pictures.job(kTiny), {"job/guide: already holds a run"});
  test::write_bytes(pictures.path("job/config.toml"),
                    "# scimix_train classifier\n# format: 2\nsteps=5\n");
  check_mistake("scimix_train", pictures.job(kTiny),
                {"a run of scimix_train classifier, expected one of scimix_train auto"});
}

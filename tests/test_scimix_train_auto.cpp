// scimix_train auto from outside: a tiny job is trained, interrupted, and goes on.
#include <doctest/doctest.h>

#include <csignal>

#include "command_line.hpp"
#include "core/error.hpp"
#include "data/dataset.hpp"
#include "data/split.hpp"
#include "striped_picture.hpp"
#include "tools/auto/auto_data.hpp"

using namespace scimix;
using test::operator+;
using test::check_has;
using test::check_mistake;
using test::has;
using test::ProgramResult;
using test::train;
using test::Words;

namespace {

namespace fs = std::filesystem;

// 10 labelled pictures of each of two classes, of which two are held out, and 70 without a class.
struct Pictures : test::PictureFolder {
  Pictures() { test::write_unlabeled_pictures(dir, 70); }
  [[nodiscard]] Words job(const Words& more = {}) const {
    return Words{"auto", "--data-dir", dir.string(), "--device", "cpu", "--out", path("job")} +
           more;
  }
};

// After two steps the guide may be weak or not, so it is not judged.
const Words kTiny{"--image-size",           "16", "--depth",           "10", "--width", "1",
                  "--guide-steps",          "2",  "--generator-steps", "12", "--steps", "2",
                  "--least-guide-accuracy", "0"};

// Starts a job, sends it SIGTERM once its run in the folder `run` has a checkpoint, and returns
// what it printed.
ProgramResult stopped_in(const Pictures& pictures, const std::string& run, const Words& command) {
  const test::Program program(pictures.folder, "scimix_train", command);
  program.wait_for_checkpoint(pictures.path(run), 1);
  program.signal(SIGTERM);
  const ProgramResult stopped = program.wait();
  CAPTURE(stopped.error);
  REQUIRE(stopped.exit_code == 130);
  return stopped;
}

std::string config_of(const Pictures& pictures, const std::string& run) {
  return test::read_bytes(pictures.path("job/" + run + "config.toml"));
}

}  // namespace

TEST_CASE("auto: a job is interrupted, goes on, and is not repeated") {
  const Pictures pictures;
  const Words command = pictures.job(kTiny);
  {
    const ProgramResult stopped = stopped_in(pictures, "job/generator", command);
    check_has(stopped.out,
              {"labelled: 16 images of 2 classes, 8 of each\n", "unlabelled: 70 images\n",
               "test: 4 images\n", "picture sizes: shorter side 16 pixels",
               "method: fixmatch with hybrids", "[1 of 3] guide: 2 steps",
               "[2 of 3] generator: 12 steps", "interrupted; the same command goes on\n"});
    CHECK_FALSE(has(stopped.out, "[3 of 3]"));
  }
  const std::string guide =
      test::read_bytes(pictures.path("job/guide/checkpoints/step-00000002.safetensors"));

  const ProgramResult done = train(command);
  check_has(done.out,
            {"going on with its picks", "guide, resumed after step 2: the run is finished",
             "[3 of 3] classifier: 2 steps", "of 4 held-out images (95% interval ",
             "\ngenerator (its own classifier): ", "\nclassifier: ",
             "\nnext: scimix_eval predict " + pictures.path("job/")});
  CHECK(test::read_bytes(pictures.path("job/guide/checkpoints/step-00000002.safetensors")) ==
        guide);
  CHECK(has(done.out, "\nnext: scimix_eval predict " + pictures.path("job/best") + " PICTURES"));
  const std::string best = fs::read_symlink(pictures.path("job/best")).string();
  CHECK(has("guide generator classifier", best));
  CHECK(has(done.out, "use " + pictures.path("job/" + best)) == (best != "classifier"));
  check_has(config_of(pictures, ""), {"\ncrop-pad=2\n", "\nscale=\"cpu\"\n"});
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

  // The folder may be called by another name, and be moved.
  Words elsewhere = command;
  for (std::string& word : elsewhere) {
    if (word == pictures.path("job")) word = pictures.path("other/../job");
  }
  fs::create_directories(pictures.path("other"));
  CHECK(has(train(elsewhere).out, "classifier, resumed after step 2: the run is finished"));
  fs::rename(pictures.path("job"), pictures.path("moved"));
  CHECK(has(train({"auto", "--resume", pictures.path("moved")}).out,
            "classifier, resumed after step 2: the run is finished"));
  fs::rename(pictures.path("moved"), pictures.path("again"));
  CHECK(has(train({"auto", "--resume", pictures.path("again")}).out,
            "classifier, resumed after step 2: the run is finished"));
  fs::rename(pictures.path("again"), pictures.path("job"));

  // The options of a configuration file count as if they were typed.
  const std::string options = pictures.path("options.toml");
  test::write_bytes(options, "depth = 10\nwidth = 1\n");
  const Words by_file{"--config", options};
  CHECK(has(train(pictures.job(by_file)).out, "going on with its picks"));
  test::write_bytes(options, "depth = 16\n");
  check_mistake("scimix_train", pictures.job(by_file), {"--depth 16", "keeps this setting"});

  // The run is an ordinary one: the ordinary command repeats it to the same bits.
  train({"classifier", "--config", pictures.path("job/guide/config.toml"), "--out",
         pictures.path("guide")});
  CHECK(test::read_bytes(pictures.path("guide/checkpoints/step-00000002.safetensors")) == guide);

  // A finished job is refused if the pictures have changed.
  test::write_picture(pictures.dir / "unlabeled/another.png", true, 3);
  check_mistake("scimix_train", command,
                {"job/guide/split.json: made with other training images", "another --out"});
}

TEST_CASE("auto: with three seconds there is a classifier without hybrids") {
  const Pictures pictures;
  // The plan drops the guide that is asked for. The same command goes on all the same.
  const Words command =
      pictures.job({"--minutes", "0.05", "--test", "none", "--guide-steps", "90"});
  const ProgramResult result = train(command);
  CHECK(has(train(command).out, "classifier, resumed after step"));
  // The same holds if a configuration file asks for it.
  test::write_bytes(pictures.path("a.toml"), "guide-steps = 90\nmethod = \"auto\"\n");
  const Words by_file{"auto",
                      "--config",
                      pictures.path("a.toml"),
                      "--data-dir",
                      pictures.dir.string(),
                      "--device",
                      "cpu",
                      "--out",
                      pictures.path("job2"),
                      "--minutes",
                      "0.05",
                      "--test",
                      "none"};
  train(by_file);
  CHECK(has(train(by_file).out, "classifier, resumed after step"));
  test::write_bytes(pictures.path("a.toml"), "guide-steps = 91\nmethod = \"auto\"\n");
  check_mistake("scimix_train", by_file, {"keeps this setting"});
  // A job whose file leaves a pick open is not gone on with.
  std::string config = config_of(pictures, "");
  const std::size_t at = config.find("\ndepth=10\n");
  REQUIRE(at != std::string::npos);
  test::write_bytes(pictures.path("job/config.toml"), config.replace(at, 10, "\ndepth=0\n"));
  check_mistake("scimix_train", {"auto", "--resume", pictures.path("job")},
                {"config.toml: leaves settings open"});
  check_has(result.out, {"hybrids: none, as 0.05 minutes do not suffice",
                         "images and network: 16x16 pixels with WideResNet-10-1",
                         "[1 of 1] classifier: ", "too few for a good classifier", "no accuracy"});
  CHECK_FALSE(has(result.out, "held-out images"));
  CHECK_FALSE(fs::exists(pictures.path("job/guide")));
  CHECK(has(config_of(pictures, ""), "\ngenerator-steps=0\n"));
  CHECK(has(config_of(pictures, "classifier/"), "\nmethod=\"fixmatch\"\n"));
}

TEST_CASE("auto: a job from before there were plain classifiers goes on without one") {
  const Pictures pictures;
  const Words command = pictures.job({"--minutes", "0.05", "--test", "none"});
  train(command);
  std::istringstream lines(config_of(pictures, ""));
  std::string older;
  for (std::string line; std::getline(lines, line);) {
    const bool newer = line.starts_with("plain-") || line.starts_with("init-from") ||
                       line.starts_with("hybrid-use");
    if (!newer) older += line + "\n";
  }
  REQUIRE(older.size() < config_of(pictures, "").size());
  test::write_bytes(pictures.path("job/config.toml"), older);
  CHECK(has(train(command).out, "going on with its picks"));
}

TEST_CASE("auto: pictures that came while a run was trained are noticed") {
  const Pictures pictures;
  const auto load = [&] { return load_dataset("folder", pictures.dir, {.size = 16}); };
  const Dataset before = load();
  fs::create_directories(pictures.path("job/guide"));
  save_split(pictures.path("job/guide/split.json"), make_split(before, std::nullopt, 0));
  CHECK_NOTHROW(check_same_pictures(pictures.path("job"), before));
  test::write_picture(pictures.dir / "labeled/down/another.png", false, 3);
  CHECK_THROWS_WITH_AS(check_same_pictures(pictures.path("job"), load()),
                       doctest::Contains("made with other training images"), Error);
}

TEST_CASE("auto: another program's config.toml is no job") {
  const Pictures pictures;
  fs::create_directory(pictures.path("job"));
  test::write_bytes(pictures.path("job/config.toml"), "minutes = 0.02\n");
  check_mistake("scimix_train", pictures.job(), {"job: holds a config.toml that is no run"});
  CHECK(config_of(pictures, "") == "minutes = 0.02\n");
}

TEST_CASE("auto: after a weak guide there is a classifier without hybrids, also when resumed") {
  const Pictures pictures;
  // After one step the guide is right on all four pictures only by chance. Runs are reproducible,
  // so the test either always passes or always fails.
  const Words command =
      pictures.job({"--image-size", "16", "--depth", "10", "--width", "1", "--guide-steps", "1",
                    "--generator-steps", "12", "--steps", "2", "--least-guide-accuracy", "1",
                    "--plain-image-size", "32", "--plain-steps", "80"});
  {
    const ProgramResult stopped = stopped_in(pictures, "job/plain", command);
    check_has(stopped.out,
              {"if the guide is right on less than 100% of the held-out images: no generator",
               "[1 of 3] guide: 1 steps", "less than 100%: no generator is trained",
               "[2 of 2] plain: 80 steps", "interrupted; the same command goes on\n"});
  }
  const ProgramResult done = train(command);
  check_has(done.out,
            {"going on with its picks", "guide, resumed after step 1: the run is finished",
             "[2 of 2] plain: 80 steps", "\nguide: ", "\nplain (without hybrids): "});
  CHECK_FALSE(fs::exists(pictures.path("job/generator")));
  CHECK_FALSE(fs::exists(pictures.path("job/classifier")));
  check_has(config_of(pictures, "plain/"),
            {"\nmethod=\"fixmatch\"\n", "\nimage-size=32\n", "\ncrop-pad=4\n"});
  check_has(config_of(pictures, ""), {"\nplain-steps=80\n", "\nimage-size=16\n"});
}

TEST_CASE("auto: after a weak guide, the number of steps is picked again and recorded") {
  const Pictures pictures;
  const ProgramResult done = train(pictures.job(
      {"--minutes", "0.05", "--image-size", "16", "--depth", "10", "--width", "1", "--guide-steps",
       "1", "--generator-steps", "12", "--least-guide-accuracy", "1"}));
  check_has(done.out, {"less than 100%: no generator is trained",
                       "\nplanned again for the rest of the time: a fixmatch classifier without "
                       "hybrids, 16x16 pixels",
                       "[2 of 2] plain: "});
  const std::string job = config_of(pictures, "");
  const std::string key = "\nplain-steps=";
  const std::size_t at = job.find(key);
  REQUIRE(at != std::string::npos);
  const std::size_t begin = at + key.size();
  const std::string steps = job.substr(begin, job.find('\n', begin) - begin);
  CHECK(std::stoi(steps) >= 1);
  check_has(config_of(pictures, "plain/"), {"\nsteps=" + steps + "\n"});
  check_has(done.out, {"[2 of 2] plain: " + steps + " steps"});
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
  mistake({"--plain-image-size", "18"}, {"--plain-image-size 18", "a multiple of 4"});
  mistake({"--plain-image-size", "128"}, {"--plain-image-size 128", "100x100"});
  mistake({"--plain-depth", "11"}, {"--plain-depth 11", "6 n + 4"});
  mistake({"--plain-width", "300"}, {"--plain-width 300", "256"});
  mistake({"--width", "300"}, {"--width 300", "256"});
  mistake({"--least-guide-accuracy", "1.5"}, {"--least-guide-accuracy 1.5"});
  mistake({"--guide-steps", "5", "--generator-steps", "0"}, {"--guide-steps 5"});
  mistake({"--method", "fixmach"}, {"fixmach", "did you mean fixmatch?"});
  mistake({"--data-dir", pictures.path("missing")}, {"missing"});
  check_mistake("scimix_train",
                {"auto", "--data-dir", pictures.dir.string(), "--out",
                 (pictures.dir / "unlabeled/job").string()},
                {"unlabeled/job: in the folder of the images", "expected a folder outside"});
  check_mistake("scimix_train",
                {"auto", "--data-dir", pictures.dir.string(), "--out", "/proc/none/job"},
                {"/proc/none/job: cannot make this folder"});

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

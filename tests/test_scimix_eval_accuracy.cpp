// scimix_eval accuracy from outside, on tiny runs.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "command_line.hpp"
#include "core/error.hpp"
#include "data/image_io.hpp"
#include "report/interval.hpp"
#include "report/run_history.hpp"
#include "tests/markup_check.hpp"
#include "tests/tiny_generator.hpp"
#include "tools/eval/trained_classifier.hpp"
#include "trainers/evaluate.hpp"

using namespace scimix;
using test::operator+;
using test::has;
using test::TempFolder;
using test::train;
using test::Words;
using test::words_of;

namespace {

void check_mistake(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& words) {
  test::check_mistake("scimix_eval", arguments, words);
}

// A classifier's run of 4 steps, evaluated every other step.
struct ClassifierRun {
  ClassifierRun() {
    train(words_of("classifier --digits-train 40 --digits-test 30 --depth 10 --width 1 "
                   "--norm-eps 0.01 --norm-momentum 0.3 --ema-decay 0.5 --batch 8 --steps 4 "
                   "--eval-every 2 --checkpoint-every 4 --device cpu") +
          Words{"--out", run.string()});
  }
  TempFolder folder;
  std::filesystem::path run = folder / "run";
  std::filesystem::path checkpoint = run / "checkpoints" / "step-00000004.safetensors";
};

struct GeneratorFile {
  GeneratorFile() { test::save_generator(path, networks); }
  TempFolder folder;
  Autoencoder networks = test::tiny_networks(16);
  std::filesystem::path path = folder / "g.safetensors";
};

std::string evaluated(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "accuracy");
  arguments.insert(arguments.end(), {"--device", "cpu"});
  return test::run_to_success("scimix_eval", arguments).out;
}

// A copy of a checkpoint with other metadata; its tensors are of no interest.
void save_metadata(const std::filesystem::path& path, const CheckpointMetadata& metadata) {
  save_checkpoint(path, {{"ema.x", Tensor::zeros({1}, DType::f32, kCpu)}}, metadata);
}

// A data set of two classes with 16x16 images, whose grey values start at `first`.
void write_folder(const std::filesystem::path& path, int first = 0) {
  for (const char* const name : {"left", "right"}) {
    std::filesystem::create_directories(path / name);
    for (int i = 0; i < 5; ++i) {
      write_png(path / name / (std::to_string(i) + ".png"),
                {16, 16, std::vector<std::uint8_t>(768, static_cast<std::uint8_t>(first + i))});
    }
  }
}

}  // namespace

TEST_CASE("scimix_eval accuracy: a classifier's run, as its own log has it" *
          doctest::test_suite("full")) {
  const ClassifierRun f;
  const std::string json = (f.folder / "a.json").string();
  const std::string svg = (f.folder / "c.svg").string();
  const std::string out = evaluated({f.run.string(), "--json", json, "--confusion", svg});
  CHECK(has(out, f.checkpoint.string() + ": classifier of scimix_train classifier, step 4"));
  CHECK(has(out, "digits: 30 test images, 10 classes"));
  CHECK(has(out, "median of the run's last 2 evaluations"));
  CHECK(!has(out, "note:"));

  const auto found = nlohmann::json::parse(test::read_bytes(json));
  const RunHistory history = RunHistory::read(f.run / "metrics.jsonl");
  const Series& logged = *history.find("test_accuracy");
  CHECK(found["accuracy"]["share"].get<double>() == logged.points.back().value);
  CHECK(found["median_of_last_evaluations"]["evaluations"] == 2);
  CHECK(found["median_of_last_evaluations"]["accuracy"].get<double>() ==
        median_of_last(logged, 20));
  CHECK(found["trained_by"] == "classifier");
  CHECK(found["step"] == 4);
  CHECK(found["dataset"] == "digits");

  const ClassifierCheckpoint checkpoint = find_classifier(f.run);
  const ClassifierSettings settings = settings_of(checkpoint);
  CHECK(settings.encoder.norm_eps == 0.01);  // of config.toml
  CHECK(settings.data.digits_test == 30);
  const Dataset data = load_dataset("digits", "", {.digits_train = 40, .digits_test = 30});
  const Confusion expected = confusion_of(load_classifier(checkpoint, settings, kCpu),
                                          ResidentSet(data.test, kCpu), 7, DType::f32);
  CHECK(found["images"] == 30);
  CHECK(found["correct"] == expected.correct());
  const ShareInterval all = wilson_interval(expected.correct(), 30);
  CHECK(found["accuracy"]["low"].get<double>() == all.low);
  CHECK(found["accuracy"]["high"].get<double>() == all.high);
  REQUIRE(found["classes"].size() == 10);
  for (std::int64_t i = 0; i < 10; ++i) {
    const auto& shown = found["classes"][static_cast<std::size_t>(i)];
    CHECK(shown["name"] == std::to_string(i));
    CHECK(shown["images"] == 3);
    CHECK(shown["correct"] == expected.correct(i));
    CHECK(shown["accuracy"]["high"].get<double>() == wilson_interval(expected.correct(i), 3).high);
    for (std::int64_t p = 0; p < 10; ++p) {
      CHECK(found["confusion"][static_cast<std::size_t>(i)][static_cast<std::size_t>(p)] ==
            expected.count(i, p));
    }
  }
  const std::vector<Mistake> mistakes = frequent_mistakes(expected, 10);
  REQUIRE(!mistakes.empty());  // after four steps
  CHECK(has(out, "most frequent confusions"));
  CHECK(test::markup_fault(test::read_bytes(svg)) == "");
  CHECK(has(test::read_bytes(svg), "Confusion matrix of 10 classes"));

  // Its checkpoint alone is evaluated alike, but has no history.
  const std::string alone = evaluated({f.checkpoint.string(), "--batch", "7"});
  CHECK(!has(alone, "median"));
  CHECK(alone.substr(alone.find("\nclass ")) == out.substr(out.find("\nclass ")));
  // Elsewhere, other images are remarked on.
  const std::string other = evaluated({f.run.string(), "--data-seed", "9", "--digits-test", "20"});
  CHECK(has(other, "note: the classifier was trained on other images"));
  CHECK(has(other, "digits: 20 test images"));
}

TEST_CASE("scimix_eval accuracy: a generator's own classifier is E_c and C, averaged") {
  const GeneratorFile f;
  const std::string json = (f.folder / "a.json").string();
  const std::string out =
      evaluated({f.path.string(), "--digits-test", "30", "--digits-train", "40", "--json", json});
  CHECK(has(out, "classifier of scimix_train generator, step 0"));
  const auto found = nlohmann::json::parse(test::read_bytes(json));
  const Dataset data =
      load_dataset("digits", "", {.size = 16, .digits_train = 40, .digits_test = 30});
  const Confusion expected =
      confusion_of(f.networks.semantic_encoder(), ResidentSet(data.test, kCpu), 30, DType::f32);
  CHECK(found["correct"] == expected.correct());
  Confusion counts(10);
  std::int64_t label = 0;
  for (const auto& row : found["confusion"]) {
    for (std::size_t p = 0; p < row.size(); ++p) {
      counts.add(label, static_cast<std::int64_t>(p), row[p].get<std::int64_t>());
    }
    ++label;
  }
  CHECK(counts == expected);
  Confusion cells(10);
  for (const auto& cell : found["confusion_cells"]) cells.add(cell[0], cell[1], cell[2]);
  CHECK(cells == expected);
  CHECK(found["trained_by"] == "generator");
  CHECK(!found.contains("median_of_last_evaluations"));
}

TEST_CASE("scimix_eval accuracy: a run of scimix_train generator") {
  const TempFolder folder;
  const std::string run = (folder / "g").string();
  train(words_of("generator --digits-train 40 --digits-test 20 --image-size 16 --crop-pad 2 "
                 "--depth 10 --width 1 --g-channels 8 --g-max-channels 8 --d-channels 8 "
                 "--d-max-channels 8 --batch 4 --steps 2 --guide-steps 0 --eval-every 1 "
                 "--eval-pairs 4 --sample-pairs 2 --checkpoint-every 2 --device cpu") +
        Words{"--out", run});
  const std::string out = evaluated({run});
  CHECK(has(out, "classifier of scimix_train generator, step 2"));
  CHECK(has(out, "digits: 20 test images"));
  CHECK(has(out, "median of the run's last 2 evaluations"));
  CHECK(!has(out, "note:"));
}

TEST_CASE("scimix_eval accuracy: of a folder of one's own, all images are tested") {
  const TempFolder folder;
  const auto path = [&](const char* name) { return (folder / name).string(); };
  write_folder(folder / "own");
  write_folder(folder / "other", 100);
  write_folder(folder / "alone" / "test", 100);
  write_folder(folder / "split" / "train", 100);
  write_folder(folder / "split" / "test", 200);
  train({"classifier", "--dataset", "folder",   "--data-dir",   path("own"), "--depth",
         "10",         "--width",   "1",        "--image-size", "16",        "--crop-pad",
         "2",          "--batch",   "2",        "--steps",      "1",         "--device",
         "cpu",        "--out",     path("run")});
  const auto tested = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{path("run"), "--json", path("a.json")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const std::string out = evaluated(arguments);
    const auto found = nlohmann::json::parse(test::read_bytes(folder / "a.json"));
    CHECK(has(out, "folder: " + std::to_string(found["images"].get<int>()) + " test images"));
    return out;
  };
  const std::string own = tested({});
  CHECK(has(own, "2 test images (a fifth of " + path("own") + ", which was held out"));
  CHECK(!has(own, "note:"));
  CHECK(has(tested({"--data-dir", path("other")}),
            "10 test images (all images of " + path("other") + "), 2 classes"));
  CHECK(has(tested({"--data-dir", path("alone")}), "10 test images (all images of "));
  CHECK(has(tested({"--data-dir", path("split")}), "folder: 10 test images, 2 classes"));
  // The test folder has only the class "right". Its images are tested, and the table of results
  // still has both classes of the classifier.
  std::filesystem::create_directories(folder / "some/test");
  std::filesystem::copy(folder / "other/right", folder / "some/test/right");
  CHECK(has(tested({"--data-dir", path("some")}), "folder: 5 test images"));
  const auto some = nlohmann::json::parse(test::read_bytes(folder / "a.json"));
  REQUIRE(some["classes"].size() == 2);
  CHECK(some["classes"][0]["images"] == 0);
  CHECK(some["classes"][1]["images"] == 5);
  // In the run's own folder, training images must not pass as held-out ones.
  std::filesystem::copy(folder / "other/left/0.png", folder / "own/left/new.png");
  for (const char* const where : {"", "own"}) {
    std::vector<std::string> arguments{"accuracy", path("run")};
    if (*where != '\0') arguments.insert(arguments.end(), {"--data-dir", path(where)});
    check_mistake(arguments, {path("own") + ": has changed since the run was trained on it",
                              "--allow-training-images"});
  }
  CHECK(has(tested({"--allow-training-images"}), "2 test images"));
  std::filesystem::remove(folder / "own/left/new.png");
  // The folder of the run is known wherever it is.
  std::filesystem::rename(folder / "own", folder / "moved");
  CHECK(has(tested({"--data-dir", path("moved")}), "2 test images (a fifth of "));
  check_mistake({"accuracy", path("run"), "--data-dir", path("moved"), "--data-seed", "2"},
                {"--data-seed 2", "trained on", "expected the run's own seed, 1"});
}

TEST_CASE("scimix_eval accuracy: a part of the run's own pictures is no test, another folder is") {
  const TempFolder folder;
  const auto path = [&](const char* name) { return (folder / name).string(); };
  write_folder(folder / "own" / "labeled");
  write_folder(folder / "own" / "unlabeled", 50);
  train({"classifier", "--dataset", "folder",   "--data-dir",   path("own"), "--depth",
         "10",         "--width",   "1",        "--image-size", "16",        "--crop-pad",
         "2",          "--batch",   "2",        "--steps",      "1",         "--device",
         "cpu",        "--out",     path("run")});
  const auto tested = [&](const std::string& dir, const Words& more = {}) {
    return evaluated(Words{path("run"), "--data-dir", dir} + more);
  };
  // Eight of these ten pictures were trained on.
  check_mistake({"accuracy", path("run"), "--data-dir", path("own/labeled")},
                {path("own/labeled") + ": lies in " + path("own"), "--allow-training-images"});
  CHECK(has(tested(path("own/labeled"), {"--allow-training-images"}), "10 test images"));
  CHECK(has(tested(path("own")), "2 test images (a fifth of "));

  // Nothing of another folder was trained on, so all of its pictures with a class are tested.
  write_folder(folder / "next" / "labeled", 100);
  write_folder(folder / "next" / "unlabeled", 150);
  CHECK(has(tested(path("next")), "10 test images (all images with a class of " + path("next")));
  std::filesystem::create_directory(folder / "flat");
  for (int i = 1; i <= 5; ++i) {
    write_png(folder / "flat" / (std::to_string(i) + ".png"),
              {16, 16, std::vector<std::uint8_t>(768, static_cast<std::uint8_t>(200 + i))});
  }
  test::write_bytes(folder / "flat.csv", "1.png,left\n2.png,right\n3.png,left\n5.png,right\n");
  CHECK(has(tested(path("flat"), {"--labels-file", path("flat.csv")}),
            "4 test images (all images with a class of " + path("flat")));
}

TEST_CASE("scimix_eval accuracy: train/ alone is tested on what was held out from it") {
  const TempFolder folder;
  const auto path = [&](const char* name) { return (folder / name).string(); };
  write_folder(folder / "own/train");
  write_folder(folder / "other/train", 100);
  const auto train_run = [&](const char* name, const Words& more) {
    train(Words{"classifier", "--dataset", "folder",  "--data-dir",   path("own"), "--depth",
                "10",         "--width",   "1",       "--image-size", "16",        "--crop-pad",
                "2",          "--batch",   "2",       "--steps",      "1",         "--device",
                "cpu",        "--out",     path(name)} +
          more);
  };
  train_run("run", {});
  train_run("all", {"--test", "none"});
  CHECK(has(evaluated({path("run")}), "2 test images (a fifth of " + path("own")));
  CHECK(has(evaluated({path("run"), "--data-dir", path("other")}), "10 test images (all images"));
  check_mistake({"accuracy", path("all"), "--data-dir", path("own")},
                {"has no folder test/, and the run, which held out no images"});
  std::filesystem::copy(folder / "other/train/left/0.png", folder / "own/train/left/new.png");
  check_mistake({"accuracy", path("run")},
                {path("own") + ": has changed since the run was trained on it"});
}

TEST_CASE("scimix_eval accuracy: runs and checkpoints that are none") {
  const TempFolder folder;
  const auto path = [&](const char* name) { return (folder / name).string(); };
  check_mistake({"accuracy"}, {"run is required"});
  check_mistake({"accuracy", path("none")},
                {path("none"), "expected a run folder or a checkpoint"});
  check_mistake({"accuracy", folder.path().string()}, {"no run here", "config.toml"});
  test::write_bytes(folder / "config.toml", "depth=10\n");
  check_mistake({"accuracy", folder.path().string()}, {"no checkpoint in this run yet"});
  test::write_bytes(folder / "text", "hello");
  check_mistake({"accuracy", path("text")}, {path("text")});
  write_png(folder / "picture.png", {16, 16, std::vector<std::uint8_t>(768)});
  check_mistake({"accuracy", path("picture.png")},
                {path("picture.png") + ": not a safetensors file, as checkpoints are"});

  save_metadata(folder / "other", {{"format", "pt"}});
  check_mistake({"accuracy", path("other")},
                {"format \"pt\", expected a checkpoint of scimix_train classifier or generator"});
  save_metadata(folder / "bare", {});
  check_mistake({"accuracy", path("bare")}, {"format \"\""});
}

TEST_CASE("scimix_eval accuracy: the folder of a job of scimix_train auto") {
  const TempFolder folder;
  const std::string job = (folder / "job").string();
  std::filesystem::create_directory(job);
  test::write_bytes(job + "/config.toml", "# scimix_train auto\nminutes = 1\n");
  check_mistake({"accuracy", job}, {job + ": a job of scimix_train auto that has no run yet"});
  for (const std::string run : {"classifier", "guide"}) {
    std::filesystem::create_directory(job + "/" + run);
    test::write_bytes(job + "/" + run + "/config.toml", "# scimix_train classifier\ndepth = 10\n");
  }
  const std::string runs = job + "/classifier, " + job + "/guide";
  check_mistake({"accuracy", job}, {"expected one of its runs: " + runs});
  std::filesystem::create_directory_symlink("guide", job + "/best");
  const std::string all =
      job + ": a job of scimix_train auto, expected one of its runs: " + job + "/best, " + runs;
  check_mistake({"accuracy", job}, {all});
  check_mistake({"predict", job, job}, {all});
  check_mistake({"transfer", "--generator", job}, {all});
  test::check_mistake("scimix_mix",
                      {"--generator", job, "--content", "digits:test", "--scene", "digits:test",
                       "--out", (folder / "h.npy").string()},
                      {all});
  // A run that has not begun is no job.
  check_mistake({"accuracy", job + "/best"}, {"no checkpoint in this run yet"});
}

TEST_CASE("scimix_eval accuracy: damaged metadata") {
  const TempFolder folder;
  const std::string path = (folder / "c").string();
  const CheckpointMetadata classifier{{"format", "scimix-classifier-1"},
                                      {"depth", "10"},
                                      {"width", "1"},
                                      {"classes", "10"},
                                      {"class_names", "0,1,2,3,4,5,6,7,8,9"},
                                      {"dataset", "digits"},
                                      {"train_hash", "x"},
                                      {"step", "4"}};
  const auto check = [&](CheckpointMetadata metadata, const std::string& key,
                         const std::string& value, const std::vector<std::string>& words) {
    CAPTURE(key);
    metadata[key] = value;
    save_metadata(path, metadata);
    check_mistake({"accuracy", path, "--digits-test", "20", "--digits-train", "20"}, words);
  };
  check(classifier, "depth", "ten", {path + ": depth \"ten\", expected a number"});
  check(classifier, "depth", "", {"depth \"\", expected a number"});
  check(classifier, "depth", "11", {"11"});
  check(classifier, "width", "99999999", {"width 99999999, expected 1 to 1000"});
  check(classifier, "classes", "0", {"classes 0, expected 1 to"});
  check(classifier, "step", "-1", {"step -1, expected 0"});
  check(classifier, "seed", "0", {"no tensor ema.conv1.weight"});  // nothing damaged but weights
  check(classifier, "dataset", "cifar01", {"ema.conv1.weight"});

  CheckpointMetadata old = classifier;  // has the names separated by commas
  old["classes"] = "3";
  old["class_names"] = "a,b c,d";
  save_metadata(path, old);
  CHECK(class_names_of(find_classifier(path)) == std::vector<std::string>{"a", "b c", "d"});
  old["classes"] = "4";
  save_metadata(path, old);
  CHECK_THROWS_AS(static_cast<void>(class_names_of(find_classifier(path))), Error);

  CheckpointMetadata generator = describe_networks(test::tiny_networks().config(), {"a", "b"});
  generator["dataset"] = "digits";
  generator["step"] = "0";
  check(generator, "class_names", "a,b", {"class_names is no list of names"});
  check(generator, "class_names", "[]", {"class_names is no list of names"});
  check(generator, "norm_eps", "1e", {"norm_eps \"1e\", expected a number"});
  check(generator, "image_size", "0", {"image_size 0, expected 4 to 4096"});
  check(generator, "seed", "0", {"no tensor ema.e_c.conv1.weight"});
}

TEST_CASE("scimix_eval accuracy: data that do not fit") {
  const GeneratorFile f;
  write_folder(f.folder / "images");
  const std::vector<std::string> folder_data{"--dataset", "folder", "--data-dir",
                                             (f.folder / "images").string()};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all{"accuracy", f.path.string()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  std::vector<std::string> resized = folder_data;
  resized.emplace_back("--resize");
  check_mistake(with(folder_data), {"folder: 32x32 pixels, expected 16x16", "--resize"});
  check_mistake(with(resized),
                {"knows the classes [\"0\",", "are left,right; expected the classifier's"});
  check_mistake(with({"--dataset", "cifar01"}), {"unknown data set 'cifar01'", "cifar10"});
  check_mistake(with({"--confusion", "c.png"}), {"--confusion c.png", "ends in .svg"});
  check_mistake(with({"--confusio", "c.svg"}), {"did you mean --confusion?"});
  check_mistake(with({"--batch", "0"}), {"--batch"});
  check_mistake(with({"--digits-test", "20", "--digits-train", "20", "--json",
                      (f.folder / "none" / "a.json").string()}),
                {"none/a.json"});
}

// scimix_eval predict from outside: mistakes that it finds before it works, names of results that
// clash or do not fit, and a data set that was moved.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "command_line.hpp"
#include "core/error.hpp"
#include "striped_picture.hpp"
#include "tests/paths.hpp"
#include "tests/tiny_generator.hpp"
#include "tools/command_line/result_folder.hpp"
#include "tools/eval/prediction.hpp"

using namespace scimix;
using test::operator+;
using test::check_has;
using test::has;
using test::ProgramResult;
using test::TempFolder;
using test::Words;
using test::write_picture;

namespace {

namespace fs = std::filesystem;

// A generator whose own classifier predicts, and two pictures.
struct Fixture {
  Fixture() {
    test::save_generator(generator, test::tiny_networks(16));
    write_picture(dir / "a.png", true, 1);
    write_picture(dir / "b.png", false, 2);
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder / name).string(); }
  [[nodiscard]] Words arguments(const Words& more) const {
    return Words{"predict",          generator.string(), dir.string(),
                 "--no-calibration", "--device",         "cpu"} +
           more;
  }
  void predict(const Words& more) const { test::run_to_success("scimix_eval", arguments(more)); }
  void check_mistake(const Words& more, const Words& words) const {
    test::check_mistake("scimix_eval", arguments(more), words);
  }

  TempFolder folder;
  fs::path generator = folder / "generator.safetensors";
  fs::path dir = folder / "pictures";
};

// A generator whose classes have other names.
void save_with_classes(const fs::path& path, const std::vector<std::string>& names) {
  const Autoencoder networks = test::tiny_networks(16);
  CheckpointTensors tensors;
  append(tensors, "ema.", autoencoder_tensors(networks));
  CheckpointMetadata metadata = describe_networks(networks.config(), names);
  metadata["dataset"] = "digits";
  metadata["train_hash"] = "none";
  metadata["step"] = "0";
  save_checkpoint(path, tensors, metadata);
}

int files_below(const fs::path& dir) {
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) count += !entry.is_directory();
  return count;
}

std::string program() {
  return (program_dir() / "scimix_eval").string();
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("predict: the pictures are listed before the classifier is loaded") {
  const Fixture f;
  fs::create_directory(f.folder / "empty");
  fs::create_directory(f.folder / "mixed");
  fs::copy(f.dir / "a.png", f.folder / "mixed/a.png");
  test::write_bytes(f.folder / "mixed/notes.txt", "no picture");
  const auto check = [&](const std::string& name, const std::string& message) {
    const ProgramResult result =
        test::run_program("scimix_eval", {"predict", f.generator.string(), name});
    CAPTURE(result.error);
    CHECK(result.exit_code == 2);
    CHECK(result.out == "");  // nothing was loaded or calibrated
    CHECK(has(result.error, message));
  };
  check(f.path("nothere"), "nothere: no such file or folder");
  check(f.path("empty"), "empty: holds no images");
  check("", "an empty name, expected image files and folders");
  check(f.path("mixed"), "notes.txt");
}

TEST_CASE("predict: sorted copies do not lie among the pictures") {
  const Fixture f;
  f.check_mistake({"--sort-into", (f.dir / "sorted").string()},
                  {"--sort-into", "lies in the folder of images " + f.dir.string()});
  CHECK(files_below(f.dir) == 2);
}

TEST_CASE("predict: a file in which a person writes is not replaced by --out") {
  const Fixture f;
  for (const std::string heading :
       {"file,class,checked,probability,margin\n", "file,class,guess,probability,margin\n"}) {
    test::write_bytes(f.path("mine.csv"), heading + "a.png,across,yes,0.9,0.8\n");
    f.check_mistake({"--out", f.path("mine.csv")}, {"--out", "mine.csv"});
    CHECK(has(test::read_bytes(f.path("mine.csv")), "yes"));
  }
}

TEST_CASE("predict: results that would overwrite each other are refused") {
  const Fixture f;
  const std::string same = f.path("same.csv");
  f.check_mistake({"--out", same, "--to-check", same},
                  {"--to-check " + same + ": is also the name for --out"});
  f.check_mistake({"--to-label", f.path("x/../same.csv"), "--out", same},
                  {"--to-label", "is also the name for --out"});
  f.check_mistake({"--sort-into", f.path("same"), "--out", f.path("same")},
                  {"--sort-into", "is also the name for --out"});
  fs::create_directory(f.folder / "empty");
  f.check_mistake({"--sort-into", f.path("empty/"), "--out", f.path("empty/p.csv")},
                  {"--out", "lies in --sort-into"});
  CHECK(fs::is_empty(f.folder / "empty"));
  test::check_mistake(
      "scimix_eval",
      {"accuracy", f.generator.string(), "--json", f.path("c.svg"), "--confusion", f.path("c.svg")},
      {"--json", "is also the name for --confusion"});
  test::check_mistake("scimix_eval",
                      {"transfer", "--generator", f.generator.string(), "--json", f.path("t.png"),
                       "--grid", f.path("t.png")},
                      {"--grid", "is also the name for --json"});
}

TEST_CASE("predict: values of options are refused in the words of scimix_train") {
  const Fixture f;
  f.check_mistake({"--top", "0"}, {"--top 0: expected at least 1"});
  f.check_mistake({"--top", "1.5"}, {"--top 1.5: expected a whole number, at least 1"});
  f.check_mistake({"--top", "99999999999999999999"}, {": expected a whole number, at least 1"});
  f.check_mistake({"--error-rate", "nan"}, {"--error-rate nan: expected a number, 0 to 1"});
  f.check_mistake({"--error-rate", "1.5"}, {"--error-rate 1.5: expected 0 to 1"});
  f.check_mistake({"--threads", "-1"}, {"--threads -1: expected 0 to 4096"});
  f.check_mistake({"--out", ""}, {"--out: is empty, expected a name"});
  f.check_mistake({"--out"}, {"--out: no value follows, expected one"});
  test::check_mistake("scimix_eval", {"accuracy", f.generator.string(), "--data-seed", "-1"},
                      {"--data-seed -1: expected a whole number from 0"});
  // A leading zero does not make a number octal.
  f.predict({"--top", "010", "--out", f.path("p.csv")});
  CHECK(has(test::read_bytes(f.path("p.csv")), ",class_10,probability_10\n"));
}

TEST_CASE("predict: a name that begins with a dash") {
  const Fixture f;
  const std::string generator = f.generator.string();
  test::check_mistake("scimix_eval", {"predict", generator, "-dash.png"},
                      {"unknown option -dash.png",
                       "for a file of this name write ./-dash.png, or put it after --"});
  f.check_mistake({"-dash.png"}, {"unknown option -dash.png", "./-dash.png"});
  f.check_mistake({"--tob", "3"}, {"unknown option --tob; did you mean --top?"});
  test::check_mistake("scimix_eval", {"predict", generator}, {"images is required (image files"});
  fs::copy(f.dir / "a.png", f.dir / "--dash.png");
  const auto in_folder = [&](const std::string& name) {
    return test::run_program(
        "sh", {"-c", "cd \"$1\" && \"$2\" predict \"$3\" --no-calibration --device cpu " + name,
               "sh", f.dir.string(), program(), generator});
  };
  check_has(in_folder("--dash.png").error, {"(for a file of this name write ./--dash.png"});
  check_has(in_folder("-- --dash.png").out, {"1 images, 10 classes"});
}

TEST_CASE("predict: writes its files if nobody reads its output") {
  const Fixture f;
  const std::string csv = f.path("p.csv");
  // The sleep lets the reader end first.
  (void)test::run_program(
      "sh", {"-c",
             "{ sleep 0.3; \"$1\" predict \"$2\" \"$3\" --no-calibration --device cpu --out \"$4\""
             "; echo $? > \"$5\"; } | true",
             "sh", program(), f.generator.string(), f.dir.string(), csv, f.path("code")});
  CHECK(fs::exists(csv));
  CHECK(test::read_bytes(f.path("code")) == "0\n");
}

TEST_CASE("predict: classes that cannot be folders are refused before the work") {
  const Fixture f;
  std::vector<std::string> names = test::digit_names();
  for (const std::string& name : {std::string(".."), std::string("a/b"), std::string(256, 'x')}) {
    names[3] = name;
    save_with_classes(f.generator, names);
    const ProgramResult result =
        test::run_program("scimix_eval", f.arguments({"--sort-into", f.path("sorted")}));
    CAPTURE(result.error);
    CHECK(result.exit_code == 2);
    CHECK(result.out == "");
    CHECK(has(result.error, "is no name of a folder"));
    CHECK(!fs::exists(f.folder / "sorted"));
  }
  names[3] = std::string(255, 'x');
  save_with_classes(f.generator, names);
  f.predict({"--sort-into", f.path("sorted")});
}

TEST_CASE("predict: a second picture with a name of 255 bytes gets a shorter one") {
  const TempFolder folder;
  const std::string umlaut = "\xC3\xA4";
  const auto sorted = [&](const std::string& name, const std::string& expected) {
    fs::create_directories(folder / "a");
    fs::create_directories(folder / "b");
    std::vector<Prediction> predictions;
    for (const char* const of : {"a", "b"}) {
      const fs::path file = folder / of / name;
      test::write_bytes(file, of);
      predictions.push_back({file.string(), {{0, 0.9}, {1, 0.1}}});
    }
    const fs::path out = folder / "sorted";
    fs::remove_all(out);
    sort_images(out, predictions, std::vector<std::string>{"k", "l"}, /*link=*/false);
    CHECK(test::read_bytes(out / "k" / name) == "a");
    CHECK(test::read_bytes(out / "k" / expected) == "b");
  };
  // 249 bytes of the stem fit, of which the last would be half a letter.
  sorted(repeated(umlaut, 125) + "x.png", repeated(umlaut, 124) + "-2.png");
  sorted(std::string(251, 'x') + ".png", std::string(249, 'x') + "-2.png");
  // Bytes that are no UTF-8 are cut anywhere.
  sorted(std::string(251, '\xA4') + ".png", std::string(249, '\xA4') + "-2.png");
  sorted("x." + std::string(253, 'y'), "x." + std::string(251, 'y') + "-2");
}

TEST_CASE("predict: the folder of --sort-into is found, however it is written") {
  const Fixture f;
  f.predict({"--sort-into", f.path("new/.")});
  CHECK(files_below(f.folder / "new") == 2);
  fs::create_directory(f.folder / "empty");
  f.predict({"--sort-into", f.path("empty/./")});
  CHECK(files_below(f.folder / "empty") == 2);
  f.predict({"--sort-into", f.path("newe/../newf")});
  CHECK(files_below(f.folder / "newf") == 2);
  CHECK(!fs::exists(f.folder / "newe"));
  fs::create_directory(f.folder / "target");
  fs::create_directory_symlink("target", f.folder / "link");
  f.predict({"--sort-into", f.path("link/")});
  CHECK(fs::is_symlink(f.folder / "link"));
  CHECK(files_below(f.folder / "target") == 2);
  f.check_mistake({"--sort-into", "."}, {"--sort-into .: is the current folder"});
  CHECK(normal_folder("a/b/../c/.") == "a/c");
}

TEST_CASE("predict: the labels file of a data set that was moved" * doctest::test_suite("full")) {
  std::string labels = "file,class\n";
  for (const std::string kind : {"across", "down"}) {
    for (int i = 0; i < 10; ++i) {
      labels += "labeled/" + kind + "/" + std::to_string(i) + ".png," + kind + "\n";
    }
  }
  for (const bool inside : {true, false}) {
    CAPTURE(inside);
    const test::PictureFolder p;
    const std::string csv =
        inside ? (p.dir / "labels.csv").string() : (p.folder / "labels.csv").string();
    test::write_bytes(csv, labels);
    const std::string run = p.path("run");
    test::train(
        Words{"classifier", "--out", run, "--data-dir", p.dir.string(), "--labels-file", csv} +
        test::words_of("--dataset folder --image-size 16 --crop-pad 2 --depth 10 --width 1 "
                       "--norm-momentum 0.3 --batch 4 --steps 4 --eval-every 2 "
                       "--checkpoint-every 2 --device cpu"));
    const std::string moved = p.path("moved");
    fs::rename(p.dir, moved);
    const std::string held_out = "4 test images (a fifth of " + moved + ", which was held out";
    const ProgramResult predicted = test::run_to_success(
        "scimix_eval",
        {"predict", run, moved + "/labeled", "--data-dir", moved, "--device", "cpu"});
    check_has(predicted.out, {"Probabilities are calibrated on the run's " + held_out});
    const auto accuracy = [&](const std::string& data) {
      return test::run_to_success("scimix_eval",
                                  {"accuracy", run, "--data-dir", data, "--device", "cpu"})
          .out;
    };
    check_has(accuracy(moved), {held_out});
    // The labels file says nothing of another folder, whose folders are the classes.
    const fs::path other = p.folder / "other";
    for (int i = 0; i < 3; ++i) {
      write_picture(other / "across" / (std::to_string(i) + ".png"), true, 50 + i);
      write_picture(other / "down" / (std::to_string(i) + ".png"), false, 50 + i);
    }
    check_has(accuracy(other.string()), {"6 test images (all images of " + other.string()});
  }
}

// From a folder of pictures, of which some have a class, to sorted pictures: the programs from
// outside.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "command_line.hpp"
#include "core/error.hpp"
#include "data/csv.hpp"
#include "markup_check.hpp"
#include "report/run_history.hpp"
#include "settings/run_kinds.hpp"
#include "striped_picture.hpp"
#include "tools/eval/prediction.hpp"
#include "tools/train/needed_generator.hpp"

using namespace scimix;
using test::operator+;
using test::check_mistake;
using test::has;
using test::ProgramResult;
using test::train;
using test::Words;
using test::write_picture;

namespace {

namespace fs = std::filesystem;

// 10 labelled pictures of each class, and 30 without a class.
struct Pictures : test::PictureFolder {
  Pictures() {
    for (int i = 0; i < 30; ++i) {
      write_picture(dir / "unlabeled" / std::to_string(i % 3) / (std::to_string(i / 3) + ".png"),
                    i % 2 == 0, 20 + i);
    }
  }
  [[nodiscard]] Words data() const {
    return {"--dataset", "folder", "--data-dir",   dir.string(), "--image-size",       "16",
            "--device",  "cpu",    "--batch",      "4",          "--crop-pad",         "2",
            "--depth",   "10",     "--width",      "1",          "--norm-momentum",    "0.3",
            "--steps",   "6",      "--eval-every", "3",          "--checkpoint-every", "3"};
  }
};

const Words kTinyGenerator{"--g-channels",     "4", "--g-max-channels", "4", "--d-channels", "4",
                           "--d-max-channels", "4", "--sample-pairs",   "2", "--eval-pairs", "4"};

// The last checkpoint of a run, and the same after the second half of the run was made again.
void check_resumes(const std::string& kind, const std::string& run) {
  const fs::path last = test::checkpoint(run, 6);
  const std::string expected = test::read_bytes(last);
  fs::remove(last);
  fs::remove(fs::path(run) / "report.html");
  CHECK(has(train({kind, "--resume", run}).out, "resumed after step 3"));
  CHECK(test::read_bytes(last) == expected);
}

std::vector<CsvRow> rows_of(const std::string& csv) {
  return parse_csv(test::read_bytes(csv), csv);
}

ProgramResult predict(const Words& arguments) {
  return test::run_to_success("scimix_eval",
                              Words{"predict"} + arguments + Words{"--device", "cpu"});
}

int files_below(const fs::path& dir) {
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) count += !entry.is_directory();
  return count;
}

}  // namespace

TEST_CASE("own pictures: every method learns from unlabelled ones, and resumes" *
          doctest::test_suite("full")) {
  const Pictures p;
  for (const std::string method : {"supervised", "mean-teacher", "fixmatch"}) {
    CAPTURE(method);
    const std::string run = p.path(method);
    const std::string out =
        train(Words{"classifier", "--out", run, "--method", method} + p.data()).out;
    CHECK(has(out, "folder: 46 training images (16 labelled), 4 test images, 2 classes"));
    CHECK(has(out, "note: 4 of 20 labelled images are held out as test images (20% of each class"));
    const auto split = nlohmann::json::parse(test::read_bytes(run + "/split.json"));
    CHECK(split["labeled"].size() == 16);
    CHECK(split["labeled"].back() == 15);
    check_resumes("classifier", run);
  }
  // Another folder of pictures is not what the run was trained on.
  write_picture(p.dir / "unlabeled/new.png", true, 3);
  fs::remove(p.path("fixmatch") + "/report.html");
  check_mistake("scimix_train", {"classifier", "--resume", p.path("fixmatch")},
                {"split.json: made with other training images (folder, hash "});
  check_mistake("scimix_train",
                Words{"classifier", "--out", p.path("many"), "--labels", "40"} + p.data(),
                {"class across has 8 labelled images"});
  CHECK_FALSE(fs::exists(p.path("many")));
}

TEST_CASE("own pictures: other test pictures are noticed when a run is resumed") {
  const Pictures p;
  for (const char* kind : {"across", "down"}) {
    for (int i = 0; i < 2; ++i) {
      write_picture(p.dir / "test" / kind / (std::to_string(i) + ".png"), kind[0] == 'a', 90 + i);
    }
  }
  const std::string run = p.path("run");
  train(Words{"classifier", "--out", run, "--method", "supervised", "--steps", "1"} +
        Words{"--dataset", "folder", "--data-dir", p.dir.string(), "--image-size", "16"} +
        Words{"--crop-pad", "2", "--depth", "10", "--width", "1", "--batch", "4"});
  write_picture(p.dir / "test/down/1.png", false, 7);
  check_mistake("scimix_train", {"classifier", "--resume", run, "--steps", "2"},
                {"split.json: made with other test images (folder, hash "});
}

TEST_CASE("own pictures: what needs no pictures is checked before they are read") {
  const Pictures p;
  // Reading these pictures would end with another message.
  test::write_bytes(p.dir / "labeled/down/broken.png", "no picture");
  const auto mistake = [&](const Words& more, const std::string& message) {
    check_mistake("scimix_train", Words{"classifier", "--out", p.path("run")} + p.data() + more,
                  {message});
    CHECK_FALSE(fs::exists(p.path("run")));
  };
  mistake({"--depth", "11"}, "--depth 11: expected 6 n + 4");
  mistake({"--method", "mean-teacher", "--mixer", "scimix", "--generator", p.path("none")},
          p.path("none"));
  mistake({"--out", (p.dir / "labeled/run").string()}, "in the folder of the images");
  mistake({"--out", "/proc/none/run"}, "/proc/none/run: cannot make this folder");
  check_mistake("scimix_train",
                {"generator", "--guide", p.path("none"), "--out", p.path("generator"), "--dataset",
                 "folder", "--data-dir", p.dir.string()},
                {p.path("none") + ": no run here"});
}

TEST_CASE("own pictures: a run with its images on disk is the run with its images in memory" *
          doctest::test_suite("full")) {
  const Pictures p;
  const auto run = [&](const std::string& storage) {
    const std::string out = p.path(storage);
    const ProgramResult result = train(
        Words{"classifier", "--out", out, "--method", "fixmatch", "--image-storage", storage} +
        p.data());
    CHECK(has(result.out, "are in a file in " + p.path("image-cache")) == (storage == "disk"));
    return test::checkpoint_bytes(out, 6);
  };
  CHECK(run("disk") == run("memory"));
  CHECK(files_below(p.folder / "image-cache") == 0);
}

TEST_CASE("own pictures: a generator with its guide, and a classifier with its hybrids" *
          doctest::test_suite("full")) {
  const Pictures p;
  const std::string generator = p.path("generator");
  train(Words{"generator", "--out", generator, "--guide-steps", "0"} + kTinyGenerator + p.data());
  check_resumes("generator", generator);
  const std::string run = p.path("hybrids");
  train(Words{"classifier", "--out", run, "--method", "mean-teacher", "--mixer", "scimix",
              "--generator", generator} +
        p.data());
  check_resumes("classifier", run);

  // Its hybrids are measured, though most training images have no class.
  test::write_bytes(p.path("oracle.toml"),
                    "depth = 10\nwidth = 1\nsteps = 4\nbatch = 8\nnorm-momentum = 0.3\n");
  const ProgramResult measured = test::run_to_success(
      "scimix_eval",
      {"transfer", "--generator", generator, "--oracle", p.path("oracle"), "--oracle-config",
       p.path("oracle.toml"), "--json", p.path("t.json"), "--device", "cpu"});
  CHECK(has(measured.out, "4 pairs of test images"));
  CHECK(nlohmann::json::parse(test::read_bytes(p.path("t.json")))["methods"].size() == 4);

  // The same without test images.
  const std::string alone = p.path("alone");
  const std::string out =
      train(Words{"generator", "--out", alone, "--guide-steps", "3", "--test", "none"} +
            kTinyGenerator + p.data())
          .out;
  CHECK(has(out, "50 training images of 16x16 (20 labelled), 0 test images"));
  CHECK(has(out, "hybrids of training images: "));
  CHECK(has(test::read_bytes(alone + "/report.html"), "There are no test images"));
  train(Words{"classifier", "--out", p.path("last"), "--method", "fixmatch", "--mixer", "scimix",
              "--generator", alone, "--test", "none"} +
        p.data());
  check_mistake(
      "scimix_train",
      Words{"classifier", "--out", p.path("no"), "--mixer", "scimix", "--generator", alone} +
          p.data(),
      {"a generator of other training images"});
}

TEST_CASE("own pictures: without test images a run ends with a report, and measures no accuracy" *
          doctest::test_suite("full")) {
  const Pictures p;
  const std::string run = p.path("run");
  const Words none{"--test", "none"};
  const std::string out = train(Words{"classifier", "--out", run} + p.data() + none).out;
  CHECK(has(out, "folder: 50 training images (20 labelled), 0 test images"));
  CHECK(has(out, "trained for 6 steps. There are no test images (--test none)"));
  CHECK(!has(out, "test accuracy"));
  CHECK(has(test::read_bytes(run + "/report.html"), "There are no test images"));
  CHECK(RunHistory::read(run + "/metrics.jsonl").find("test_accuracy") == nullptr);
  check_resumes("classifier", run);
  CHECK(has(train({"classifier", "--resume", run}).out, "the run is finished"));
  const std::string seeds =
      train(Words{"classifier", "--out", p.path("seeds"), "--seeds", "0,1"} + p.data() + none).out;
  CHECK(has(seeds, "There are no test images"));
  check_mistake("scimix_eval", {"accuracy", run}, {"the run has no test images (--test none)"});
  check_mistake("scimix_eval", {"accuracy", run, "--data-dir", p.dir.string()},
                {"has no folder test/, and the run, which held out no images"});
  // Class folders alone.
  const std::string labeled = (p.dir / "labeled").string();
  Words alone = p.data();
  alone[3] = labeled;
  const std::string whole = p.path("whole");
  train(Words{"classifier", "--out", whole} + alone + none);
  check_mistake("scimix_eval", {"accuracy", whole, "--data-dir", labeled},
                {"the run was trained on all of these images"});
  const std::string unlabeled = (p.dir / "unlabeled").string();
  const std::string found = predict({run, unlabeled}).out;
  CHECK(has(found, "not calibrated, since the run has no test images"));
  CHECK(!has(found, "may be accepted unseen"));
  CHECK(!has(found, "--error-rate"));
  check_mistake("scimix_eval", {"predict", run, unlabeled, "--to-check", p.path("c.csv")},
                {"--to-check", "not calibrated, since the run has no test images"});
}

TEST_CASE("predict: classes, tables and sorted pictures" * doctest::test_suite("full")) {
  const Pictures p;
  for (int i = 0; i < 12; ++i) {
    write_picture(p.dir / "test/across" / (std::to_string(i) + ".png"), true, 50 + i);
    write_picture(p.dir / "test/down" / (std::to_string(i) + ".png"), false, 50 + i);
  }
  const std::string run = p.path("run");
  train(Words{"classifier", "--out", run, "--ema-decay", "0.5", "--learning-rate", "0.1"} +
        p.data());
  const std::string csv = p.path("p.csv");
  const std::string tests = (p.dir / "test").string();

  // As often right as scimix_eval accuracy says.
  const ProgramResult accuracy = test::run_program(
      "scimix_eval", {"accuracy", run, "--json", p.path("a.json"), "--device", "cpu"});
  REQUIRE(accuracy.exit_code == 0);
  const std::string out =
      predict({run, tests, tests + "/across/1.png", "--out", csv, "--top", "2", "--error-rate",
               "0.2", "--to-label", p.path("l.csv"), "--to-check", p.path("c.csv")})
          .out;
  CHECK(has(out, "Probabilities are calibrated on the run's 24 test images: temperature "));
  CHECK(has(out, "24 images, 2 classes"));
  std::vector<CsvRow> rows = rows_of(csv);
  REQUIRE(rows.size() == 25);  // the picture that was named twice counts once
  CHECK(rows[0].fields == std::vector<std::string>{"file", "class", "probability", "margin",
                                                   "class_2", "probability_2"});
  int correct = 0;
  std::vector<std::pair<double, std::string>> margins;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const auto& f = rows[i].fields;
    correct += f[0].find("/test/" + f[1] + "/") != std::string::npos ? 1 : 0;
    CHECK(std::stod(f[2]) - std::stod(f[5]) == doctest::Approx(std::stod(f[3])).epsilon(1e-4));
    CHECK(std::stod(f[2]) + std::stod(f[5]) == doctest::Approx(1));
    margins.emplace_back(std::stod(f[3]), f[0]);
  }
  const auto measured = nlohmann::json::parse(test::read_bytes(p.path("a.json")));
  CHECK(correct == measured["correct"].get<int>());

  // The list to label begins with the smallest margin.
  std::ranges::stable_sort(margins, {}, [](const auto& one) { return one.first; });
  rows = rows_of(p.path("l.csv"));
  REQUIRE(rows.size() == 25);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    CHECK(std::stod(rows[i].fields[4]) == margins[i - 1].first);
    CHECK(rows[i].fields[1].empty());
  }
  // The list to check has predictions and a column for a person's mark.
  const std::vector<CsvRow> to_check = rows_of(p.path("c.csv"));
  CHECK(to_check.at(0).fields ==
        std::vector<std::string>{"file", "class", "checked", "probability", "margin"});
  check_mistake("scimix_eval", {"predict", run, tests, "--to-label", p.path("l.csv")},
                {"l.csv: exists already and may hold labels"});
  check_mistake("scimix_eval", {"predict", run, tests, "--to-check", p.path("c.csv")},
                {"c.csv: exists already and may hold labels"});

  // Filled in, it is a labels file.
  std::string filled = "file,class,guess,probability,margin\n";
  for (std::size_t i = 1; i < 9; ++i) {
    const std::string& file = rows[i].fields[0];
    filled += file + "," + (i % 2 == 0 ? "a" : "b") + ",,,\n";
  }
  test::write_bytes(p.path("l.csv"), filled);
  Words other = p.data();
  other[3] = tests;
  CHECK(has(
      train(Words{"classifier", "--out", p.path("next"), "--labels-file", p.path("l.csv")} + other)
          .out,
      "folder: 22 training images (6 labelled), 2 test images"));

  // The report lists the first of the unlabelled pictures in the same order.
  const std::string unlabeled = (p.dir / "unlabeled").string();
  predict({run, unlabeled, "--to-label", p.path("report.csv")});
  rows = rows_of(p.path("report.csv"));
  REQUIRE(rows.size() == 31);
  const std::string report = test::read_bytes(run + "/report.html");
  CHECK(has(report, "It looked at all 30 unlabelled images."));
  CHECK(has(report, "are calibrated on the 24 test images"));
  std::size_t at = 0;
  for (std::size_t i = 1; i <= 24; ++i) {
    const std::string name = fs::path(rows[i].fields[0]).lexically_relative(p.dir).string();
    at = report.find("title=\"" + name + "\"", at);
    CHECK(at != std::string::npos);
  }
  CHECK(test::occurrences(report, "<div class=\"file\"") == 24);
  const std::string last = fs::path(rows[25].fields[0]).lexically_relative(p.dir).string();
  CHECK(!has(report, "title=\"" + last + "\""));

  // Two files of one name, copied and linked.
  const std::string sorted = p.path("new/sorted");
  predict({run, unlabeled, "--sort-into", sorted});
  CHECK(files_below(sorted) == 30);
  CHECK(files_below(unlabeled) == 30);
  check_mistake("scimix_eval", {"predict", run, unlabeled, "--sort-into", sorted},
                {"--sort-into", "the folder is not empty"});
  predict({run, unlabeled, "--sort-into", p.path("links"), "--link", "--no-calibration"});
  CHECK(files_below(p.path("links")) == 30);
  for (const auto& entry : fs::recursive_directory_iterator(p.path("links"))) {
    if (!entry.is_symlink()) continue;
    CHECK(fs::read_symlink(entry.path()).is_absolute());
    const fs::path copy = sorted / entry.path().lexically_relative(p.path("links"));
    CHECK(test::read_bytes(entry.path()) == test::read_bytes(copy));
  }
}

TEST_CASE("predict: mistakes are told before the work" * doctest::test_suite("full")) {
  const Pictures p;
  const std::string run = p.path("run");
  train(Words{"classifier", "--out", run} + p.data());
  const std::string unlabeled = (p.dir / "unlabeled").string();
  const auto mistake = [&](const Words& more, const std::vector<std::string>& words) {
    check_mistake("scimix_eval", Words{"predict", run} + more, words);
  };
  mistake({p.path("none")}, {"none: no such file or folder"});
  mistake({unlabeled, "--top", "3"}, {"--top 3: expected at most the 2 classes"});
  mistake({unlabeled, "--to-check", p.path("c.csv"), "--no-calibration"},
          {"--to-check with --no-calibration: only calibrated probabilities"});
  mistake({unlabeled, "--link"}, {"--link: expected only with --sort-into"});
  mistake({unlabeled, "--out", p.path("x/y.csv")}, {"--out", "there is no folder"});
  test::write_bytes(p.path("mine.csv"), "my own table\n");
  mistake({unlabeled, "--out", p.path("mine.csv")}, {"that this program did not write"});
  test::write_bytes(p.dir / "unlabeled/bad.png", "no image");
  mistake({unlabeled, "--no-calibration"}, {"bad.png: neither a PNG nor a JPEG file"});
  CHECK(has(predict({run, unlabeled, "--no-calibration", "--skip-unreadable"}).out,
            "note: 1 of 31 files cannot be used"));
  // The data set has changed since: nothing is calibrated on images that were trained on.
  fs::remove(p.dir / "unlabeled/bad.png");
  fs::remove(p.dir / "labeled/down/3.png");
  CHECK(has(predict({run, unlabeled}).out, "not calibrated, since the data set is not the one"));
  fs::remove_all(p.dir / "labeled");
  mistake({unlabeled}, {"the run's test images", "(--no-calibration does without)"});
}

TEST_CASE("a generator that is trained first reads the same own pictures as its classifier") {
  ClassifierConfig classifier;
  classifier.data.dataset = "folder";
  classifier.data.data_dir = "pictures";
  classifier.data.labels_file = "labels.csv";
  classifier.data.test = TestSet::none;
  classifier.data.test_share = 0.4;
  classifier.data.image_cache = false;
  const std::vector<SettingLayer> layers{generator_settings_by(classifier, false)};
  const DataSettings data = generator_table().config(resolve(generator_kind(), layers).values).data;
  CHECK(data.data_dir == "pictures");
  CHECK(data.labels_file == "labels.csv");
  CHECK(data.test == TestSet::none);
  CHECK(data.test_share == 0.4);
  CHECK(!data.image_cache);
}

TEST_CASE("predictions: the most probable classes, and names that are taken") {
  const std::vector<float> logits{1.0F, 3.0F, 3.0F, -200.0F};
  const auto ranked = rank_classes(logits, 2.0, 3);
  REQUIRE(ranked.size() == 3);
  CHECK(ranked[0].label == 1);
  // The result has memory for two classes, not for all 5,000: a caller keeps one for each image.
  CHECK(rank_classes(std::vector<float>(5000), 1.0, 2).capacity() == 2);
  CHECK(ranked[1].label == 2);
  CHECK(ranked[2].label == 0);
  const double sum = 2 * std::exp(1.5) + std::exp(0.5);
  CHECK(ranked[0].probability == doctest::Approx(std::exp(1.5) / sum));
  CHECK(ranked[2].probability == doctest::Approx(std::exp(0.5) / sum));

  const test::TempFolder folder;
  std::vector<Prediction> predictions;
  for (const char* name : {"a/x.png", "b/x.png", "c/x-2.png", "d/x.png"}) {
    fs::create_directories((folder / name).parent_path());
    test::write_bytes(folder / name, name);
    predictions.push_back({folder / name, {{0, 0.9}, {1, 0.1}}});
  }
  const std::vector<std::string> names{"k", "l"};
  const fs::path sorted = folder / "sorted";
  sort_images(sorted, predictions, names, /*link=*/false);
  CHECK(test::read_bytes(sorted / "k/x.png") == "a/x.png");
  CHECK(test::read_bytes(sorted / "k/x-2.png") == "b/x.png");
  CHECK(test::read_bytes(sorted / "k/x-2-2.png") == "c/x-2.png");
  CHECK(test::read_bytes(sorted / "k/x-3.png") == "d/x.png");
  CHECK_FALSE(fs::exists(sorted / "l"));
  CHECK_THROWS_AS(
      sort_images(folder / "other", predictions, std::vector<std::string>{"../k", "l"}, false),
      Error);
  CHECK_FALSE(fs::exists(folder / "other"));
}

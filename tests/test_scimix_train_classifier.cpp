// scimix_train classifier with everything a classifier can learn from, from outside: methods,
// hybrids, generators, several seeds, and runs that are scaled down.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "command_line.hpp"
#include "core/safetensors.hpp"
#include "data/dataset.hpp"
#include "data/image_io.hpp"
#include "json_lines.hpp"
#include "settings/run_kinds.hpp"
#include "tiny_generator.hpp"
#include "tools/train/train_command.hpp"

using namespace scimix;
using test::operator+;
using test::check_has;
using test::checkpoint_bytes;
using test::config_of;
using test::has;
using test::metrics_of;
using test::ProgramResult;
using test::train;
using test::Words;

namespace {

constexpr std::int64_t kTrain = 60;

// The data of every run here: 60 digits of 16x16 pixels, 20 of them labelled.
Words data_options() {
  return {"--dataset",     "digits", "--digits-train", std::to_string(kTrain),
          "--digits-test", "20",     "--image-size",   "16",
          "--labels",      "20"};
}

Words tiny_run(const std::string& out, const Words& more = {}) {
  return Words{"classifier", "--depth",
               "10",         "--width",
               "1",          "--batch",
               "3",          "--unlabeled-batch",
               "4",          "--steps",
               "6",          "--log-every",
               "2",          "--eval-every",
               "3",          "--eval-batch",
               "20",         "--checkpoint-every",
               "2",          "--out",
               out,          "--device",
               "cpu"} +
         data_options() + more;
}

// Files of one test, and a generator among them.
class Place {
 public:
  [[nodiscard]] std::string operator/(const std::string& name) const {
    return (folder_ / name).string();
  }
  [[nodiscard]] const test::TempFolder& folder() const { return folder_; }
  [[nodiscard]] int count() const { return folder_.count(); }

  // Random networks that say they were trained with 20 labels of split 0.
  [[nodiscard]] std::string generator() const {
    const Dataset data =
        load_dataset("digits", "", {.size = 16, .digits_train = kTrain, .digits_test = 20});
    const Autoencoder networks = test::tiny_networks(16);
    CheckpointTensors tensors;
    append(tensors, "ema.", autoencoder_tensors(networks));
    CheckpointMetadata metadata = describe_networks(networks.config(), test::digit_names());
    metadata["dataset"] = "digits";
    metadata["train_hash"] = content_hash(data.train);
    metadata["labels"] = "20";
    metadata["split_seed"] = "0";
    metadata["step"] = "0";
    save_checkpoint(folder_ / "g.safetensors", tensors, metadata);
    return (folder_ / "g.safetensors").string();
  }

 private:
  test::TempFolder folder_;
};

// The lines of a config.toml that set something.
std::string settings_of(const std::string& run) {
  std::istringstream lines(config_of(run));
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("#") && !line.starts_with("out=")) out += line + "\n";
  }
  return out;
}

std::set<std::string> keys_in_metrics(const std::string& run) {
  std::set<std::string> keys;
  for (const nlohmann::json& record : metrics_of(run)) {
    for (const auto& [key, value] : record.items()) keys.insert(key);
  }
  return keys;
}

// The accuracy that a run's metrics hold for its last evaluation, in percent, and the median of
// all.
struct Accuracies {
  double last;
  double median;
};

Accuracies accuracies_of(const std::string& run) {
  std::vector<double> all;
  for (const nlohmann::json& record : metrics_of(run)) {
    if (record.contains("test_accuracy")) {
      all.push_back(100 * record.at("test_accuracy").get<double>());
    }
  }
  REQUIRE(!all.empty());
  Accuracies out{.last = all.back(), .median = 0};
  std::sort(all.begin(), all.end());
  const std::size_t half = all.size() / 2;
  out.median = all.size() % 2 == 1 ? all[half] : (all[half - 1] + all[half]) / 2;
  return out;
}

// A value as the last line of --seeds prints it, behind this word.
double number_behind(const std::string& text, const std::string& word) {
  const auto at = text.rfind(word);
  REQUIRE(at != std::string::npos);
  return std::stod(text.substr(at + word.size()));
}

// Two digits behind the point are printed.
constexpr double kPrinted = 0.00501;

}  // namespace

TEST_CASE("each method with hybrids runs, says what it does and shows what it sees" *
          doctest::test_suite("full")) {
  const Place place;
  const std::string generator = place.generator();
  struct Case {
    std::string name;
    Words options;
    Words out;  // what it prints
    std::set<std::string> terms;
    bool strong;
  };
  const std::vector<Case> cases{
      {"a",
       {"--mixer", "scimix", "--generator", generator},
       {"supervised, hybrids by scimix (pseudo, weight 1)", "generator " + generator,
        "3 labelled and 0 unlabelled"},
       {"supervised", "hybrid", "hybrids_kept"},
       false},
      {"b",
       {"--method", "mean-teacher", "--mixer", "scimix", "--generator", generator, "--hybrid-use",
        "labeled"},
       {"mean-teacher (preset A), hybrids by scimix (labeled, weight 1)",
        "3 labelled and 4 unlabelled"},
       {"supervised", "consistency", "hybrid", "hybrids_kept"},
       false},
      {"c",
       {"--method", "fixmatch", "--mixer", "cutmix", "--hybrid-weight", "7"},
       {"fixmatch, hybrids by cutmix (contradict, weight 7)", "RandAugment"},
       {"supervised", "pseudo_label", "confident", "hybrid"},
       true}};
  const std::set<std::string> terms{"supervised", "consistency", "pseudo_label",
                                    "confident",  "hybrid",      "hybrids_kept"};
  for (const Case& one : cases) {
    CAPTURE(one.name);
    const std::string run = place / one.name;
    check_has(train(tiny_run(run, one.options)).out, one.out);
    const std::set<std::string> keys = keys_in_metrics(run);
    for (const std::string& term : terms) {
      CAPTURE(term);
      CHECK(keys.contains(term) == one.terms.contains(term));
    }
    CHECK(std::filesystem::exists(run + "/samples/strong.png") == one.strong);
    // Content, scene and hybrid stand beside each other, at twice their size.
    const Image hybrids = read_image(run + "/samples/hybrids.png");
    CHECK(hybrids.width / (16 * 2) == 12);
    CHECK(std::filesystem::exists(run + "/report.html"));
    // The config it wrote describes the same run.
    const std::string again = place / (one.name + "-again");
    train({"classifier", "--config", run + "/config.toml", "--out", again});
    CHECK(checkpoint_bytes(again, 6) == checkpoint_bytes(run, 6));
  }
}

TEST_CASE("a killed run with a generator's hybrids resumes bit for bit" *
          doctest::test_suite("full")) {
  const Place place;
  const Words options{"--method",    "mean-teacher",    "--mixer", "scimix",
                      "--generator", place.generator(), "--steps", "60"};
  const std::string whole = place / "whole";
  train(tiny_run(whole, options));
  const std::string killed = place / "killed";
  test::train_until_killed(tiny_run(killed, options), killed, 4);
  train({"classifier", "--resume", killed});
  CHECK(checkpoint_bytes(killed, 60) == checkpoint_bytes(whole, 60));
}

TEST_CASE("a resumed run finds its generator at another place, and takes no other generator") {
  const Place place;
  const std::filesystem::path generator = place.generator();
  const std::string run = place / "run";
  train(tiny_run(
      run, {"--method", "mean-teacher", "--mixer", "scimix", "--generator", generator.string()}));
  const std::string moved = place / "moved.safetensors";
  std::filesystem::rename(generator, moved);
  test::check_mistake("scimix_train", {"classifier", "--resume", run, "--steps", "8"},
                      {generator.filename().string()});
  train({"classifier", "--resume", run, "--steps", "8", "--generator", moved});
  std::string bytes = test::read_bytes(moved);
  bytes[bytes.size() - 3] ^= 1;  // a bit of the last parameter
  test::write_bytes(moved, bytes);
  test::check_mistake("scimix_train", {"classifier", "--resume", run, "--steps", "10"},
                      {moved, "not the generator with which"});
}

TEST_CASE("preset B fills in what neither the command line nor a file gives" *
          doctest::test_suite("full")) {
  const Place place;
  test::write_bytes(place / "b.toml",
                    "method = \"mean-teacher\"\npreset = \"B\"\nema-decay = 0.5\n");
  const std::string run = place / "run";
  Words arguments{"classifier",
                  "--config",
                  place / "b.toml",
                  "--out",
                  run,
                  "--depth",
                  "10",
                  "--width",
                  "1",
                  "--steps",
                  "2",
                  "--unlabeled-batch",
                  "5",
                  "--input-noise",
                  "0.25",
                  "--device",
                  "cpu"};
  train(arguments + data_options());
  check_has(config_of(run),
            {"optimizer=\"adam\"\n", "learning-rate=0.003\n", "batch=1\n",
             "supervised-weight=0.01\n", "norm-statistics=\"joint\"\n", "consistency-weight=1\n",
             "ramp-shape=\"sigmoid\"\n", "early-ema-decay=0.99\n", "crop-pad=2\n",
             // given
             "ema-decay=0.5\n", "steps=2\n", "unlabeled-batch=5\n", "input-noise=0.25\n"});
  // Preset A and other methods have nothing to do with it.
  const std::string plain = place / "plain";
  train(tiny_run(plain, {"--preset", "B", "--steps", "1"}));
  check_has(config_of(plain), {"optimizer=\"sgd\"\n", "learning-rate=0.03\n"});
}

TEST_CASE("with --scale cpu, preset B weighs the labelled images by their share of the batch") {
  const auto config = [](const Words& words) {
    return classifier_table().config(read_command(classifier_kind(), words).values);
  };
  const Words b{"--method", "mean-teacher", "--preset", "B"};
  CHECK(config(b).supervised_weight == 0.01);
  const ClassifierConfig scaled = config(b + Words{"--scale", "cpu"});
  CHECK(scaled.supervised_weight == static_cast<double>(scaled.batch) /
                                        static_cast<double>(scaled.batch + scaled.unlabeled_batch));
  CHECK(config({"--method", "mean-teacher", "--scale", "cpu"}).supervised_weight == 1);
}

TEST_CASE("mistakes about methods and hybrids get one line, exit code 2 and no run folder") {
  const Place place;
  const std::string generator = place.generator();
  const std::string run = place / "run";
  const int files = place.count();
  const auto mistake = [&](const Words& options, const Words& words) {
    CAPTURE(options.back());
    test::check_mistake("scimix_train", tiny_run(run, options), words);
    CHECK_FALSE(std::filesystem::exists(run));
    CHECK(place.count() == files);
  };
  mistake({"--method", "mean-teachr"}, {"--method mean-teachr", "did you mean mean-teacher?"});
  mistake({"--mixer", "cutmx"}, {"--mixer cutmx", "did you mean cutmix?"});
  mistake({"--hybrid-use", "pseudolabel"}, {"--hybrid-use pseudolabel", "did you mean pseudo?"});
  mistake({"--preset", "C"}, {"--preset C", "A, B"});
  mistake({"--scale", "gpu"}, {"--scale gpu", "full, cpu"});
  mistake({"--init-from", "teacher"}, {"--init-from teacher", "scratch, generator"});
  mistake({"--optimizer", "adamw"}, {"--optimizer adamw", "did you mean adam?"});
  mistake({"--ramp-shape", "cosine"}, {"--ramp-shape cosine", "linear, sigmoid"});
  mistake({"--norm-statistics", "batch"}, {"--norm-statistics batch", "joint, segments"});
  mistake({"--strong-table", "fixmach"}, {"fixmach", "fixmatch"});
  mistake({"--mixer", "mixup", "--alpha", "0.5"}, {"--alpha 0.5", "more than 0.5 and at most 1"});
  mistake({"--alpha", "1.01"}, {"--alpha 1.01", "at most 1"});
  mistake({"--alpha", "nan"}, {"--alpha nan", "at most 1"});
  mistake({"--mixup-alpha", "0"}, {"--mixup-alpha 0", "at least"});
  mistake({"--fda-band", "0.5"}, {"--fda-band 0.5", "0 to"});
  mistake({"--threshold", "1.5"}, {"--threshold 1.5", "0 to 1"});
  mistake({"--consistency-weight", "-1"}, {"--consistency-weight -1", "at least 0"});
  mistake({"--input-noise", "-0.1"}, {"--input-noise -0.1", "at least 0"});
  mistake({"--supervised-weight", "0"}, {"--supervised-weight 0", "no other loss"});
  mistake({"--method", "fixmatch", "--supervised-weight", "0", "--unlabeled-weight", "0"},
          {"--supervised-weight 0", "no other loss"});
  mistake({"--mixer", "scimix"}, {"--mixer scimix", "--generator RUN"});
  mistake({"--init-from", "generator"}, {"--init-from generator", "--generator RUN"});
  mistake({"--mixer", "scimix", "--generator", place / "nowhere"}, {"nowhere"});
  mistake({"--mixer", "scimix", "--generator", generator, "--labels", "30"},
          {generator, "20 labels by split seed 0", "expected 30 labels by split seed 0"});
  mistake({"--mixer", "scimix", "--generator", generator, "--split-seed", "1"},
          {"20 labels by split seed 0", "expected 20 labels by split seed 1"});
  mistake({"--mixer", "scimix", "--generator", generator, "--data-seed", "2"},
          {generator, "other training images"});
  mistake({"--mixer", "scimix", "--generator", generator, "--image-size", "32",
           "--allow-other-split", "true"},
          {generator, "16x16", "expected 32x32", "--image-size"});
  mistake({"--init-from", "generator", "--generator", generator, "--width", "2"},
          {"--init-from generator", "WideResNet-10-1", "--width 2"});
  mistake({"--labels", "70"}, {"70"});
  mistake({"--method", "mean-teacher", "--unlabeled-batch", "61"},
          {"digits: 60 unlabelled images", "the 61 of a step", "--unlabeled-batch"});
  mistake({"--method", "mean-teacher", "--unlabeled-batch", "41", "--unlabeled-includes-labeled",
           "false"},
          {"digits: 40 unlabelled images", "the 41 of a step"});
  for (const std::string seeds : {"0,1,", "0,0", "zero", "-1", "", "0;1"}) {
    mistake({"--seeds", seeds}, {"--seeds " + seeds, "whole numbers from 0"});
  }
  mistake({"--seeds", "0,1", "--seed", "3"},
          {"--seed 3: --seeds 0,1 sets", "expected either --seeds or --seed"});
  mistake({"--seeds", "0,1", "--split-seed", "3"},
          {"--split-seed 3: --seeds 0,1 sets", "either --seeds or --split-seed"});
  mistake({"--mixer", "scimix", "--seeds", "0,1"}, {"--mixer scimix: expected --generator RUN"});
  mistake({"--mixer", "scimix", "--generator", generator, "--seeds", "0,1"},
          {"--seeds 0,1: each seed has labelled images of its own", "{split}"});
  test::check_mistake("scimix_train", {"classifier", "--resume", run, "--seeds", "0"},
                      {"--seeds: a resumed run keeps its settings"});
}

TEST_CASE("a generator of another split is taken where that is permitted") {
  const Place place;
  const std::string generator = place.generator();
  train(tiny_run(place / "run", {"--mixer", "scimix", "--generator", generator, "--split-seed", "1",
                                 "--allow-other-split", "true", "--steps", "1"}));
}

TEST_CASE("a generator that no setting uses is named") {
  const Place place;
  const std::string generator = place.generator();
  check_has(train(tiny_run(place / "run", {"--generator", generator, "--steps", "1"})).out,
            {"note: --generator is not used, since --mixer is none and --init-from is scratch"});
}

TEST_CASE("a folder of pictures that drawn digits do not need is named") {
  const Place place;
  check_has(train(tiny_run(place / "run", {"--data-dir", place / "pictures", "--steps", "1"})).out,
            {"note: --data-dir is not used, since --dataset is digits"});
}

TEST_CASE("the report has the commands that changed a run's settings") {
  const Place place;
  const std::string run = place / "run";
  train(tiny_run(run, {"--steps", "1"}));
  train({"classifier", "--resume", run, "--steps", "2", "--learning-rate", "0.0125"});
  train({"classifier", "--resume", run, "--steps", "3"});
  const std::string report = test::read_bytes(run + "/report.html");
  const std::size_t began = report.find("--steps 1");
  const std::size_t changed = report.find("--steps 2 --learning-rate 0.0125");
  const std::size_t again = report.find("--steps 3");
  CHECK(began < changed);
  CHECK(changed < again);
  CHECK(again != std::string::npos);
}

TEST_CASE("several seeds: a folder that cannot hold its run is named before the first run") {
  const Place place;
  const std::string out = place / "all";
  std::filesystem::create_directories(out);
  test::write_bytes(std::filesystem::path(out) / "seed-3", "");  // a file
  test::check_mistake("scimix_train", tiny_run(out, {"--seeds", "0,3"}), {"seed-3"});
  CHECK_FALSE(std::filesystem::exists(out + "/seed-0"));
}

TEST_CASE("several seeds: a folder each, and a table of what they say together" *
          doctest::test_suite("full")) {
  const Place place;
  const std::string out = place / "all";
  const Words several =
      tiny_run(out, {"--method", "mean-teacher", "--mixer", "mixup", "--seeds", "0,3"});
  const ProgramResult result = train(several);
  check_has(result.out, {"seed 0 (1 of 2)", "seed 3 (2 of 2)", "of 2 seeds"});
  CHECK_FALSE(std::filesystem::exists(out + "/config.toml"));
  std::vector<Accuracies> found;
  for (const std::string seed : {"0", "3"}) {
    const std::string run = out + "/seed-" + seed;
    check_has(config_of(run), {"\nseed=" + seed + "\n", "split-seed=" + seed + "\n",
                               "out=\"" + run + "\"\n", "--seeds 0,3"});
    found.push_back(accuracies_of(run));
    std::ostringstream line;  // of the table
    line.precision(2);
    line << std::fixed << found.back().last;
    CHECK(has(result.out, line.str()));
  }
  // The runs are those of --seed and --split-seed.
  const std::string single = place / "single";
  train(tiny_run(single, {"--method", "mean-teacher", "--mixer", "mixup", "--seed", "3",
                          "--split-seed", "3"}));
  CHECK(checkpoint_bytes(single, 6) == checkpoint_bytes(out + "/seed-3", 6));

  // Of two values, the standard deviation is their distance over sqrt 2.
  const auto check_pair = [&](const std::string& word, double a, double b) {
    CHECK(std::abs(number_behind(result.out, word + " ") - (a + b) / 2) < kPrinted);
    const std::string behind = result.out.substr(result.out.rfind(word + " "));
    CHECK(std::abs(std::stod(behind.substr(behind.find("± ") + std::string("± ").size())) -
                   std::abs(a - b) / std::sqrt(2.0)) < kPrinted);
  };
  check_pair("seeds: last EMA", found[0].last, found[1].last);
  check_pair("median", found[0].median, found[1].median);

  // Finished runs stay as they are and are counted again.
  const std::string before = checkpoint_bytes(out + "/seed-0", 6);
  const auto last_line = [](const std::string& text) {
    return text.substr(text.rfind("test accuracy in %"));
  };
  CHECK(last_line(train(several).out) == last_line(result.out));
  CHECK(checkpoint_bytes(out + "/seed-0", 6) == before);

  // One that is missing is made again, the others are not; with more seeds too.
  std::filesystem::remove_all(out + "/seed-3");
  CHECK(last_line(train(several).out) == last_line(result.out));
  CHECK(has(train(several + Words{"--seeds", "0,3,1"}).out, "of 3 seeds"));

  // Runs of other settings are neither mixed up with these nor overwritten.
  test::check_mistake("scimix_train", several + Words{"--mixer", "cutmix"},
                      {out + "/seed-0", "other settings", "--out"});
  CHECK(checkpoint_bytes(out + "/seed-0", 6) == before);
}

TEST_CASE("several seeds go on where they were interrupted" * doctest::test_suite("full")) {
  const Place place;
  const Words options{"--seeds", "0,1", "--steps", "60"};
  const std::string whole = place / "whole";
  const std::string result = train(tiny_run(whole, options)).out;
  const std::string broken = place / "broken";
  {
    const test::Program program(place.folder(), "scimix_train", tiny_run(broken, options));
    program.wait_for_checkpoint(broken + "/seed-1", 2);
    program.signal(SIGTERM);
    const ProgramResult stopped = program.wait();
    CHECK(stopped.exit_code == 130);
    CHECK(has(stopped.out, "continue with --resume " + broken + "/seed-1"));
    CHECK_FALSE(has(stopped.out, "of 2 seeds:"));
  }
  const std::string rest = train(tiny_run(broken, options)).out;
  check_has(rest, {broken + "/seed-0, resumed after step 60", broken + "/seed-1, resumed after"});
  for (const std::string seed : {"/seed-0", "/seed-1"}) {
    CHECK(checkpoint_bytes(broken + seed, 60) == checkpoint_bytes(whole + seed, 60));
  }
  CHECK(rest.substr(rest.rfind("test accuracy in %")) ==
        result.substr(result.rfind("test accuracy in %")));
}

TEST_CASE("--scale cpu shrinks what the command line does not name, and says so" *
          doctest::test_suite("full")) {
  const Place place;
  test::write_bytes(place / "preset.toml",
                    "depth = 28\nwidth = 2\nsteps = 100000\nbatch = 64\nema-decay = 0.999\n"
                    "method = \"mean-teacher\"\nlearning-rate = 0.02\n");
  const std::string run = place / "run";
  const ProgramResult result =
      train(Words{"classifier", "--config", place / "preset.toml", "--scale", "cpu", "--steps", "2",
                  "--batch=5", "--out", run, "--device", "cpu"} +
            data_options());
  check_has(config_of(run),
            {"scale=\"cpu\"\n", "depth=10\n", "width=1\n", "ema-decay=0.99\n",
             "unlabeled-batch=32\n", "norm-momentum=0.05\n", "steps=2\n", "batch=5\n",  // named
             "learning-rate=0.02\n"});  // none of its business
  check_has(result.out, {"Scaled down", "--scale cpu", ", scaled down)"});
  const std::string report = test::read_bytes(run + "/report.html");
  check_has(report, {"Scaled down"});

  // The settings stay when the run goes on or is repeated: nothing shrinks twice.
  const std::string settings = settings_of(run);
  std::filesystem::remove(test::checkpoint(run, 2));
  train({"classifier", "--resume", run});
  CHECK(settings_of(run) == settings);
  const std::string again = place / "again";
  CHECK(has(train({"classifier", "--config", run + "/config.toml", "--out", again}).out,
            "Scaled down"));
  CHECK(settings_of(again) == settings);
  CHECK(checkpoint_bytes(again, 2) == checkpoint_bytes(run, 2));

  // A whole run says nothing of the kind.
  const std::string full = place / "full";
  const std::string out = train(tiny_run(full, {"--steps", "1"})).out;
  CHECK_FALSE(has(out, "caled down"));
  CHECK_FALSE(has(test::read_bytes(full + "/report.html"), "caled down"));
}

TEST_CASE("scaled runs get folders of their own, unless the command line names them" *
          doctest::test_suite("full")) {
  const auto folders = [](const Words& arguments) {
    const RunKind& kind = classifier_kind();
    const auto given = [&](const std::string& name, const std::string& value) {
      const int index = kind.index(name);
      return GivenSetting{index,
                          parse_value(kind.settings[static_cast<std::size_t>(index)], value, {})};
    };
    const SettingLayer file{given("out", "runs/a"), given("generator", "runs/g-{split}")};
    SettingLayer command;
    for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
      command.push_back(given(arguments[i].substr(2), arguments[i + 1]));
    }
    const ClassifierConfig config =
        classifier_table().config(resolve(kind, {file, command}).values);
    return Words{config.output.out, config.hybrids.generator};
  };
  CHECK(folders({}) == Words{"runs/a", "runs/g-{split}"});
  CHECK(folders({"--scale", "full"}) == Words{"runs/a", "runs/g-{split}"});
  CHECK(folders({"--scale", "cpu"}) == Words{"runs/a-cpu", "runs/g-{split}-cpu"});
  CHECK(folders({"--scale", "cpu", "--out", "mine"}) == Words{"mine", "runs/g-{split}-cpu"});
  CHECK(folders({"--scale", "cpu", "--generator", "mine"}) == Words{"runs/a-cpu", "mine"});
}

TEST_CASE("a missing generator is trained once for each split, and finished where it was not" *
          doctest::test_suite("full")) {
  const Place place;
  test::write_bytes(
      place / "g.toml",
      "depth = 10\nwidth = 1\ng-channels = 8\ng-max-channels = 8\nd-channels = 8\n"
      "d-max-channels = 8\nbatch = 4\nsteps = 4\nguide-steps = 0\nlog-every = 2\neval-every = 4\n"
      "eval-pairs = 10\neval-batch = 10\nsample-pairs = 2\ncheckpoint-every = 2\n");
  test::write_bytes(place / "c.toml",
                    "method = \"mean-teacher\"\nmixer = \"scimix\"\n"
                    "generator = \"" +
                        (place / "g-{split}") + "\"\ngenerator-config = \"" + (place / "g.toml") +
                        "\"\n");
  const auto command = [&](const std::string& out, const Words& more) {
    return tiny_run(place / out, Words{"--config", place / "c.toml"} + more);
  };
  const std::string first = train(command("both", {"--seeds", "0,2"})).out;
  for (const std::string split : {"0", "2"}) {
    const std::string run = place / ("g-" + split);
    check_has(first, {"no generator in " + run + ": training one"});
    check_has(config_of(run), {"# scimix_train generator\n", "# made by: scimix_train classifier ",
                               "labels=20\n", "split-seed=" + split + "\n",
                               "\nseed=" + split + "\n", "image-size=16\n", "digits-train=60\n"});
    check_has(config_of(place / ("both/seed-" + split)), {"generator=\"" + run + "\"\n"});
  }
  const std::string made = checkpoint_bytes(place / "g-2", 4);

  const std::string second = train(command("third", {"--split-seed", "2"})).out;
  CHECK_FALSE(has(second, "training one"));
  CHECK_FALSE(has(second, "going on"));
  check_has(second, {"generator " + test::checkpoint(place / "g-2", 4).string()});
  CHECK(checkpoint_bytes(place / "g-2", 4) == made);

  std::filesystem::remove(test::checkpoint(place / "g-2", 4));
  const std::string third = train(command("fourth", {"--split-seed", "2"})).out;
  check_has(third, {place / "g-2", "not finished yet, going on with it"});
  CHECK(checkpoint_bytes(place / "g-2", 4) == made);
  CHECK(checkpoint_bytes(place / "fourth", 6) == checkpoint_bytes(place / "third", 6));

  // A generator that was killed at its very start has a folder and no settings.
  std::filesystem::create_directories(place / "g-7/samples");
  check_has(train(command("sixth", {"--split-seed", "7"})).out,
            {"no generator in " + (place / "g-7") + ": training one"});
  // A folder that cannot be the classifier's is found before its generator is trained, and a
  // finished classifier needs none any more.
  test::check_mistake("scimix_train", command("sixth", {"--split-seed", "8"}),
                      {"already holds a run"});
  CHECK_FALSE(std::filesystem::exists(place / "g-8"));
  std::filesystem::remove_all(place / "g-7");
  check_has(train({"classifier", "--resume", place / "sixth"}).out, {"the run is finished"});
  CHECK_FALSE(std::filesystem::exists(place / "g-7"));

  // A generator that is not finished will have another checkpoint, so nothing is built on this one.
  train({"generator", "--resume", place / "g-2", "--steps", "6"});
  std::filesystem::remove(test::checkpoint(place / "g-2", 6));
  test::check_mistake(
      "scimix_train",
      tiny_run(place / "seventh", {"--method", "mean-teacher", "--mixer", "scimix", "--generator",
                                   place / "g-2", "--split-seed", "2"}),
      {place / "g-2", "has made 4 of 6 steps", "scimix_train generator --resume"});
  train({"generator", "--resume", place / "g-2"});

  // A generator that exists but is of other labels is refused, not trained over.
  test::check_mistake("scimix_train", command("fifth", {"--split-seed", "2", "--labels", "30"}),
                      {place / "g-2", "20 labels", "expected 30 labels"});
  CHECK_FALSE(std::filesystem::exists(place / "fifth"));
}

TEST_CASE("a generator's own file for --scale cpu keeps its steps, any other file is scaled down") {
  const Place place;
  const std::string few =
      "depth = 10\nwidth = 1\ng-channels = 8\ng-max-channels = 8\nd-channels = 8\n"
      "d-max-channels = 8\nbatch = 4\nsteps = 2\nguide-steps = 0\neval-pairs = 10\n";
  test::write_bytes(place / "cpu.toml", "scale = \"cpu\"\n" + few);
  test::write_bytes(place / "full.toml", few);
  const auto begin = [&](const std::string& file, const Words& more = {}) {
    return tiny_run(place / "run",
                    Words{"--mixer", "scimix", "--scale", "cpu", "--steps", "1", "--generator",
                          place / "g", "--generator-config", place / file} +
                        more);
  };
  const std::string out = train(begin("cpu.toml")).out;
  CHECK(has(out, "with the settings of " + (place / "cpu.toml") + "\n"));
  check_has(config_of(place / "g"), {"\nsteps=2\n", "\nguide-steps=0\n", "\nbatch=4\n"});
  std::filesystem::remove_all(place / "g");
  std::filesystem::remove_all(place / "run");
  const test::Program program(place.folder(), "scimix_train", begin("full.toml"));
  program.wait_for(place / "g/config.toml");
  program.signal(SIGTERM);
  check_has(program.wait().out,
            {"with the settings of " + (place / "full.toml") + ", scaled down by --scale cpu\n"});
  check_has(config_of(place / "g"), {"\nsteps=3000\n", "\nbatch=32\n"});
}

TEST_CASE("a mistake in the settings of a generator or its classifier trains neither") {
  const Place place;
  test::write_bytes(place / "g.toml", "stepps = 4\n");
  const int files = place.count();
  const Words options{"--mixer",       "scimix", "--generator", place / "g", "--generator-config",
                      place / "g.toml"};
  const auto mistake = [&](const Words& more, const Words& words) {
    test::check_mistake("scimix_train", tiny_run(place / "run", options + more), words);
    CHECK(place.count() == files);
  };
  mistake({}, {place / "g.toml", "stepps", "steps"});
  mistake({"--generator-config", place / "none.toml"}, {"none.toml"});
  test::write_bytes(place / "g.toml", "steps = 4\nguide-steps = 0\nbatch = 4\n");
  mistake({"--alpha", "0.4"}, {"--alpha 0.4"});
  mistake({"--generator-config", place / "g.toml", "--generator", ""}, {"--generator RUN"});
  mistake({"--labels", "33"}, {"33"});
}

TEST_CASE("a classifier that starts from a generator is trained on from its encoder" *
          doctest::test_suite("full")) {
  const Place place;
  const std::string generator = place.generator();
  const std::string run = place / "run";
  const Words options{"--init-from", "generator", "--generator", generator, "--steps", "1"};
  check_has(train(tiny_run(run, options)).out, {"started from the generator's encoder"});
  // At a learning rate of 0 a step leaves the weights as they were given.
  const std::string still = place / "still";
  train(tiny_run(still, options + Words{"--learning-rate", "0", "--ema-decay", "0"}));
  const std::string other = place / "other";
  train(tiny_run(other, {"--steps", "1", "--learning-rate", "0", "--ema-decay", "0"}));
  const SafetensorsFile found(test::checkpoint(still, 1));
  const SafetensorsFile scratch(test::checkpoint(other, 1));
  const SafetensorsFile expected(generator);
  const auto bytes = [](const SafetensorsFile& file, const std::string& name) {
    const auto found_bytes = file.entry(name).bytes;
    return std::vector<std::byte>(found_bytes.begin(), found_bytes.end());
  };
  for (const std::string name : {"conv1.weight", "blocks.1.conv2.weight", "fc.weight"}) {
    CAPTURE(name);
    CHECK(bytes(found, "ema." + name) == bytes(expected, "ema.e_c." + name));
    CHECK(bytes(scratch, "ema." + name) != bytes(expected, "ema.e_c." + name));
  }
}

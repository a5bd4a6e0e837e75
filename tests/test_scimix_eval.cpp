// The scimix_eval program from outside: its numbers against the measurement itself.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "command_line.hpp"
#include "data/image_io.hpp"
#include "data/image_source.hpp"
#include "report/interval.hpp"
#include "report/run_lock.hpp"
#include "striped_picture.hpp"
#include "tests/tiny_generator.hpp"
#include "tools/eval/oracle.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/mixers.hpp"

using namespace scimix;
using test::has;
using test::TempFolder;
using test::operator+;

namespace {

constexpr std::int64_t kSide = 16;

struct Fixture {
  Fixture() {
    data = load_dataset("digits", "", {.size = kSide, .digits_train = 40, .digits_test = 30});
    test::save_generator(generator, networks, content_hash(data.train));
    // A weak oracle does: the numbers are compared, not judged.
    test::write_bytes(folder / "oracle.toml",
                      "depth = 10\nwidth = 1\nsteps = 4\nbatch = 8\ncheckpoint-every = 2\n"
                      "keep-checkpoints = 5\nnorm-momentum = 0.3\nema-decay = 0.5\n");
  }

  [[nodiscard]] std::vector<std::string> arguments(
      const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all{"transfer",
                                 "--generator",
                                 generator.string(),
                                 "--digits-train",
                                 "40",
                                 "--digits-test",
                                 "30",
                                 "--device",
                                 "cpu",
                                 "--oracle",
                                 oracle.string(),
                                 "--oracle-config",
                                 (folder / "oracle.toml").string()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  test::ProgramResult eval(const std::vector<std::string>& more = {}) const {
    return test::run_to_success("scimix_eval", arguments(more));
  }

  TempFolder folder;
  std::filesystem::path generator = folder / "generator.safetensors";
  std::filesystem::path oracle = folder / "oracle";
  Autoencoder networks = test::tiny_networks(kSide);
  Dataset data;
};

void check_mistake(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& words) {
  test::check_mistake("scimix_eval", arguments, words);
}

}  // namespace

TEST_CASE("scimix_eval transfer: trains an oracle once, and reports what was measured" *
          doctest::test_suite("full")) {
  const Fixture f;
  const std::string json = (f.folder / "t.json").string();
  const std::string grid = (f.folder / "t.png").string();
  const auto first =
      f.eval({"--pairs", "50", "--seed", "3", "--json", json, "--grid", grid, "--grid-pairs", "4"});
  CHECK(has(first.out, "no oracle in " + f.oracle.string() + ": training one on all labels"));
  CHECK(has(first.out, "(40 labelled)"));
  CHECK(has(first.out, "50 pairs of test images"));
  // The only note: each of the 30 images is in several of 50 pairs.
  CHECK(has(first.out, "note: an image is in several of the 50 pairs of 30 images"));
  CHECK(first.out.find("note:") == first.out.rfind("note:"));

  const Oracle oracle = load_oracle(f.oracle, test::digit_names(), kSide, kCpu);
  CHECK(oracle.checkpoint.filename() == "step-00000004.safetensors");
  const ResidentSet images(f.data.test, kCpu);
  const Pairs pairs = make_pairs(50, 30, 3);
  const auto found = nlohmann::json::parse(test::read_bytes(json));
  const auto check = [&](const std::string& method, const Mixer& mixer) {
    CAPTURE(method);
    const Transfer t = measure_transfer(mixer, oracle.network, images, pairs, 250);
    const auto& shares = found["methods"][method];
    CHECK(shares["pairs"] == 50);
    CHECK(shares["s_c"]["share"].get<double>() == t.s_c());
    CHECK(shares["s_r"]["share"].get<double>() == t.s_r());
    CHECK(shares["s_c"]["low"].get<double>() == wilson_interval(t.class_kept, 50).low);
    CHECK(shares["s_r"]["high"].get<double>() == wilson_interval(t.scene_kept, 50).high);
    CHECK(has(first.out, method + " "));
  };
  check("SciMix", scimix_mixer(f.networks));
  check("MixUp", mixup_mixer(3));
  check("AdaIN", adain_mixer());
  check("FDA", fda_mixer(0.05));
  CHECK(found["methods"].size() == 4);
  CHECK(found["dataset"] == "digits");
  const Evaluation real = evaluate(oracle.network, images, 250, DType::f32);
  CHECK(found["oracle_accuracy"].get<double>() == real.accuracy);
  const Image picture = read_image(grid);
  CHECK(picture.width == 6 * 3 * kSide + 5 * 2);
  CHECK(picture.height == 4 * 3 * kSide + 3 * 2);

  const auto second = f.eval({"--pairs", "50", "--seed", "3"});
  CHECK(!has(second.out, "training one"));
  const auto table = [](const std::string& out) { return out.substr(out.find("s_c: ")); };
  CHECK(table(second.out) == table(first.out));
  // Every test image once by default; other training images are remarked on.
  const auto other = f.eval({"--data-seed", "9"});
  CHECK(has(other.out, "30 pairs of test images"));
  CHECK(has(other.out, "note: the generator was trained on other images"));
  CHECK(has(other.out, "note: the oracle was trained on other images"));
}

TEST_CASE("scimix_eval transfer: oracles that are none") {
  const Fixture f;
  f.eval();
  CHECK_THROWS_WITH_AS(static_cast<void>(load_oracle(f.oracle, test::digit_names(), 32, kCpu)),
                       doctest::Contains("expected an oracle for 32x32"), Error);
  const auto config = f.oracle / "config.toml";
  const std::string whole = test::read_bytes(config);
  const auto check_config = [&](const std::string& from, const std::string& to,
                                const std::vector<std::string>& words) {
    std::string text = whole;
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    test::write_bytes(config, text.replace(at, from.size(), to));
    check_mistake(f.arguments(), words);
    test::write_bytes(config, whole);
  };
  check_config("labels=\"all\"", "labels=\"20\"", {"--labels 20", "expected an oracle"});
  check_config("depth=10", "depth=16",
               {"ema.blocks.1.conv1.weight has shape [32,16,3,3], expected [16,16,3,3]"});
  const auto last = f.oracle / "checkpoints" / "step-00000004.safetensors";
  std::filesystem::rename(last, f.folder / "last");
  check_mistake(f.arguments(), {"stopped after step 2 of 4", "--resume " + f.oracle.string()});
  std::filesystem::copy(f.generator, last);
  check_mistake(f.arguments(), {"scimix-generator-2", "expected a run of scimix_train classifier"});
  std::filesystem::remove_all(f.oracle / "checkpoints");
  check_mistake(f.arguments(), {"was stopped before its first checkpoint", "remove the folder"});
  {
    const RunLock owner(f.oracle);  // as if this process trained it
    check_mistake(f.arguments(), {f.oracle.string() + ": is being trained by process"});
  }
  std::filesystem::remove(config);
  check_mistake(f.arguments(), {"config.toml"});
}

TEST_CASE(
    "scimix_eval transfer: a generator of a folder is tested on images it was not trained on" *
    doctest::test_suite("full")) {
  const TempFolder folder;
  const auto path = [&](const char* name) { return (folder / name).string(); };
  for (int i = 0; i < 10; ++i) {
    test::write_picture(folder / "own/a" / (std::to_string(i) + ".png"), true, i);
    test::write_picture(folder / "own/b" / (std::to_string(i) + ".png"), false, i);
  }
  test::train(test::words_of("generator --dataset folder --image-size 16 --crop-pad 2 --depth 10 "
                             "--width 1 --g-channels 8 --g-max-channels 8 --d-channels 8 "
                             "--d-max-channels 8 --batch 4 --steps 2 --guide-steps 0 "
                             "--eval-every 2 --eval-pairs 4 --sample-pairs 2 --checkpoint-every 2 "
                             "--device cpu") +
              test::Words{"--data-dir", path("own"), "--out", path("run")});
  test::write_bytes(folder / "oracle.toml",
                    "depth = 10\nwidth = 1\nsteps = 2\nbatch = 4\nnorm-momentum = 0.3\n");
  const auto transfer = [&](const std::string& generator, const test::Words& more = {}) {
    return test::Words{"transfer",          "--generator",  generator,
                       "--oracle",          path("oracle"), "--oracle-config",
                       path("oracle.toml"), "--device",     "cpu"} +
           more;
  };
  const auto whole = test::run_to_success("scimix_eval", transfer(path("run"))).out;
  CHECK(has(whole, "on 4 real test images"));
  CHECK(!has(whole, "note: the generator was trained on other images"));
  // A checkpoint in a run has the run's data.
  const auto file = test::run_to_success(
      "scimix_eval", transfer(path("run/checkpoints/step-00000002.safetensors")));
  CHECK(has(file.out, "on 4 real test images"));
  // With another picture, others are held out, and the generator has learnt from some of them.
  test::write_picture(folder / "own/a/new.png", true, 77);
  check_mistake(transfer(path("run")),
                {path("own") + ": has changed since the run was trained on it"});
  check_mistake(transfer(path("run"), {"--data-dir", path("own/a")}), {path("own/a")});
  CHECK(test::run_program("scimix_eval", transfer(path("run"), {"--allow-training-images"}))
            .exit_code == 0);
}

TEST_CASE("scimix_eval: mistakes") {
  const Fixture f;
  check_mistake({"tranfser"}, {"unknown command tranfser; did you mean transfer?"});
  check_mistake({"transfer"}, {"--generator"});
  check_mistake(f.arguments({"--fda-band", "0.5"}), {"--fda-band"});
  check_mistake(f.arguments({"--dataset", "cifar01"}), {"unknown data set 'cifar01'", "cifar10"});
  check_mistake(f.arguments({"--pears", "3"}), {"did you mean --pairs?"});
  check_mistake(f.arguments({"--pairs", "871"}),
                {"--pairs 871: 30 test images make 870 different pairs"});
  CHECK(!std::filesystem::exists(f.oracle));  // nothing was trained for nothing
}

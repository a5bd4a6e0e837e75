// scimix_train from outside: settings on the way from the command line to config.toml and back.
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "command_line.hpp"
#include "tests/test_data_support.hpp"

using namespace scimix;
using test::operator+;
using test::check_mistake;
using test::checkpoint_bytes;
using test::config_of;
using test::has;
using test::train;
using test::Words;

namespace {

// A run of seconds, without its length and its folder.
Words tiny_run() {
  return {"classifier", "--image-size", "8",  "--crop-pad",
          "1",          "--depth",      "10", "--width",
          "1",          "--batch",      "2",  "--device",
          "cpu",        "--eval-every", "2",  "--checkpoint-every",
          "2",          "--log-every",  "1"};
}

Words tiny_digits(const std::string& out, const Words& more = {}) {
  return tiny_run() +
         Words{"--digits-train", "40", "--digits-test", "20", "--steps", "4", "--out", out} + more;
}

// The config.toml of a program before format 2: true and false are 1 and 0, without comments.
void write_first_format(const std::string& run) {
  std::istringstream lines(config_of(run));
  std::string old = "# scimix_train classifier\n# made by: scimix_train classifier\n";
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    if (line.ends_with("=true")) line.replace(line.size() - 4, 4, "1");
    if (line.ends_with("=false")) line.replace(line.size() - 5, 5, "0");
    if (line == "preset=\"A\"") line = "preset='A'";
    old += line + '\n';
  }
  test::write_bytes(run + "/config.toml", old);
}

}  // namespace

TEST_CASE("--resume=RUN is --resume RUN, also for a run of an older program") {
  const test::TempFolder folder;
  const std::string a = (folder / "a").string();
  train(tiny_digits(a));
  for (const std::string copy : {"b", "c"}) {
    std::filesystem::copy(a, folder / copy, std::filesystem::copy_options::recursive);
  }
  const std::string b = (folder / "b").string();
  const std::string c = (folder / "c").string();
  write_first_format(c);
  train({"classifier", "--resume", a, "--steps", "6"});
  train({"classifier", "--resume=" + b, "--steps=6"});
  train({"classifier", "--resume=" + c, "--steps", "6"});
  CHECK(has(config_of(b), "\nbatch=2\n"));
  CHECK(checkpoint_bytes(a, 6) == checkpoint_bytes(b, 6));
  CHECK(checkpoint_bytes(a, 6) == checkpoint_bytes(c, 6));
}

TEST_CASE("a resumed run takes new values of what may change, records them, and refuses the rest") {
  const test::TempFolder folder;
  const std::string run = (folder / "run").string();
  train(tiny_digits(run));
  const std::string before = config_of(run);
  check_mistake("scimix_train", {"classifier", "--resume", run, "--batch", "4"},
                {"--batch 4", "keeps this setting, 2 in " + run + "/config.toml", "learning-rate"});
  check_mistake("scimix_train", {"classifier", "--resume", run, "--steps", "3"},
                {"--steps 3", "at least the 4 steps"});
  check_mistake("scimix_train", {"classifier", "--resume", run, "--config", run + "/config.toml"},
                {"--config", "settings of its folder"});
  CHECK(config_of(run) == before);
  train({"classifier", "--resume", run, "--batch", "2"});  // what it has already
  CHECK(config_of(run) == before);

  train({"classifier", "--resume", run, "--steps", "6", "--learning-rate", "0.01", "--eval-every",
         "3"});
  const std::string after = config_of(run);
  test::check_has(after, {"\nsteps=6\n", "\nlearning-rate=0.01\n", "\neval-every=3\n",
                          "\nbatch=2\n", "# made by: scimix_train classifier --image-size 8",
                          "# resumed by: scimix_train classifier --resume "});
  CHECK(std::filesystem::exists(test::checkpoint(run, 6)));
  train({"classifier", "--resume", run});
  CHECK(config_of(run) == after);

  // A finished run has no step left for which another learning rate could count.
  test::check_has(train({"classifier", "--resume", run, "--learning-rate", "0.5"}).out,
                  {"the run is finished, so these changed settings have no effect: "
                   "--learning-rate\n"});
  CHECK(config_of(run) == after);
}

TEST_CASE("a path of any bytes survives config.toml and resume") {
  for (const std::string name : {"set #2", "a#b", "a\nb", "it's \"x\"", "back\\slash", "caf\xE9",
                                 "\xC3\xA9", "[1, 2]", "{ percent-encoded = \"a\" }", "%41"}) {
    CAPTURE(name);
    const test::TempFolder folder;
    const std::string data = (folder / name).string();
    for (const std::string kind : {"train/x", "train/y", "test/x", "test/y"}) {
      for (const int value : {40, 90, 200}) {
        test::write_plain(folder / name / kind / (std::to_string(value) + ".png"), value);
      }
    }
    const std::string out = (folder / ("out " + name)).string();
    train(tiny_run() +
          Words{"--dataset", "folder", "--data-dir", data, "--steps", "2", "--out", out});
    const std::string whole = checkpoint_bytes(out, 2);
    std::filesystem::remove_all(std::filesystem::path(out) / "checkpoints");
    std::filesystem::create_directory(std::filesystem::path(out) / "checkpoints");
    train({"classifier", "--resume=" + out});
    CHECK(checkpoint_bytes(out, 2) == whole);
    const std::string again = (folder / "again").string();
    train({"classifier", "--config=" + out + "/config.toml", "--out", again});
    CHECK(checkpoint_bytes(again, 2) == whole);

    // The data may move; other images are refused by their hash.
    const std::string moved = (folder / "moved").string();
    std::filesystem::rename(data, moved);
    train({"classifier", "--resume=" + out, "--data-dir", moved, "--steps", "4"});
    CHECK(has(config_of(out), "data-dir=\"" + moved + "\"\n"));
    std::filesystem::remove(std::filesystem::path(moved) / "train/x/40.png");
    check_mistake("scimix_train", {"classifier", "--resume=" + out, "--steps", "5"},
                  {"made with other training images"});
  }
}

TEST_CASE("a relative data folder is recorded in full") {
  const test::TempFolder folder;
  for (const std::string kind : {"train/x", "train/y", "test/x", "test/y"}) {
    test::write_plain(folder / "images" / kind / "a.png", 40);
    test::write_plain(folder / "images" / kind / "b.png", 90);
  }
  const std::string out = (folder / "out").string();
  const auto relative = std::filesystem::relative(folder / "images").string();
  REQUIRE(relative != (folder / "images").string());
  train(tiny_run() +
        Words{"--dataset", "folder", "--data-dir", relative, "--steps", "1", "--out", out});
  CHECK(has(config_of(out), "data-dir=\"/"));
}

TEST_CASE("several seeds go on with what may change, and name what may not") {
  const test::TempFolder folder;
  const std::string out = (folder / "out").string();
  const Words several = tiny_digits(out, {"--seeds", "0,1"});
  train(several);
  train(several + Words{"--log-every", "2", "--steps", "5"});
  CHECK(has(config_of(out + "/seed-1"), "\nlog-every=2\n"));
  CHECK(has(config_of(out + "/seed-1"), "\nsteps=5\n"));
  check_mistake("scimix_train", several + Words{"--batch", "4", "--steps", "5"},
                {out + "/seed-0", "other settings", "--batch 2, here 4", "--out"});
  // The seeds are finished: with another learning rate, their old figures would be shown for it.
  check_mistake("scimix_train", several + Words{"--steps", "5", "--learning-rate", "0.5"},
                {out + "/seed-0", "other settings", "--learning-rate", "here 0.5", "--out"});
  check_mistake("scimix_train", several + Words{"--steps", "5", "--labels-file", out + "/l.csv"},
                {out + "/seed-0", "other settings", "--labels-file"});
}

TEST_CASE("completion of options and values in bash") {
  const std::string program = (program_dir() / "scimix_train").string();
  const auto completed = [&](const std::string& line) {
    const std::string script =
        "source <('" + program + "' --completion bash); COMP_WORDS=(" + line +
        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _scimix_train; echo \"${COMPREPLY[*]}\"";
    const test::ProgramResult result = test::run_program("bash", {"-c", script});
    CHECK(result.error == "");
    return result.out;
  };
  CHECK(completed("scimix_train cl") == "classifier\n");
  CHECK(completed("scimix_train classifier --method m") == "mean-teacher\n");
  CHECK(completed("scimix_train classifier --weight-d") == "--weight-decay\n");
  CHECK(completed("scimix_train generator --variant un") == "unfrozen\n");
  CHECK(completed("scimix_train generator --mixe") == "\n");  // a classifier's
  CHECK(completed("scimix_train classifier --config /etc/hostn") == "/etc/hostname\n");
  CHECK(has(test::run_program("scimix_train", {"--completion=zsh"}).out,
            "'--d-arch=[Architecture of StyleGAN2'\\''s discriminator\\: orig, or resnet with skip "
            "connections.]:value:(orig resnet)'"));
  check_mistake("scimix_train", {"--completion", "fish"}, {"--completion fish", "bash or zsh"});
}

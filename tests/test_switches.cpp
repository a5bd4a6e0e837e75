// Switches: options that are true or false, which all programs read alike.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "command_line.hpp"
#include "core/error.hpp"
#include "tools/command_line/cli.hpp"
#include "tools/command_line/switches.hpp"

using namespace scimix;
using test::check_mistake;
using test::has;
using test::Words;
using test::words_of;

namespace {

// The value of --flip, and the files, of a command that takes files.
struct Read {
  bool flip = false;
  std::string out;
  std::vector<std::string> files;
  friend bool operator==(const Read&, const Read&) = default;
};

Read read_with_files(const std::string& line) {
  Read read;
  CLI::App app("test", "program");
  use_setting_defaults(app);
  app.add_flag("--flip", read.flip, "mirrors images");
  app.add_option("--out", read.out, "result");
  app.add_option("files", read.files, "images");
  const bool done = parse(app, words_of(line)).has_value();
  CHECK(!done);
  return read;
}

std::string without_files(const std::string& line) {
  CLI::App app("test", "program");
  bool flip = false;
  bool crop = false;
  std::string out;
  app.add_flag("--flip", flip, "mirrors images");
  app.add_flag("--crop", crop, "cuts images");
  app.add_option("--out", out, "result");
  std::string joined;
  for (const std::string& word : with_switch_values(app, words_of(line))) {
    joined += (joined.empty() ? "" : " ") + word;
  }
  return joined;
}

}  // namespace

TEST_CASE("switches: with a value or without one, before options and files") {
  CHECK(read_with_files("a --flip b") == Read{true, "", {"a", "b"}});
  CHECK(read_with_files("--flip a b") == Read{true, "", {"a", "b"}});
  CHECK(read_with_files("--flip true a") == Read{true, "", {"a"}});
  CHECK(read_with_files("--flip false a") == Read{false, "", {"a"}});
  CHECK(read_with_files("--flip=false a") == Read{false, "", {"a"}});
  CHECK(read_with_files("--flip=off a") == Read{false, "", {"a"}});
  CHECK(read_with_files("--flip=1 a") == Read{true, "", {"a"}});
  CHECK(read_with_files("--flip --out x a") == Read{true, "x", {"a"}});
  CHECK(read_with_files("--flip --flip=false") == Read{false, "", {}});
  // A file may be called 1 or yes, and a file called true is written ./true.
  CHECK(read_with_files("--flip 1 yes") == Read{true, "", {"1", "yes"}});
  CHECK(read_with_files("--flip ./true") == Read{true, "", {"./true"}});
  CHECK(read_with_files("--flip -- true") == Read{true, "", {"true"}});
  CHECK(read_with_files("-- --flip") == Read{false, "", {"--flip"}});
  CHECK(read_with_files("--out true a") == Read{false, "true", {"a"}});

  CHECK(without_files("--flip no --crop yes --out x") == "--flip=false --crop=true --out x");
  CHECK(without_files("--flip --crop --out x") == "--flip=true --crop=true --out x");
  // The value of another option is no switch.
  CHECK(without_files("--out --flip --crop") == "--out --flip --crop=true");
  CHECK_THROWS_WITH_AS(without_files("--flip maybe"), "--flip maybe: expected true or false",
                       Error);
  CHECK_THROWS_WITH_AS(without_files("--flip="), "--flip : expected true or false", Error);
  CHECK_THROWS_WITH_AS(read_with_files("--flip=maybe"), "--flip maybe: expected true or false",
                       Error);
}

TEST_CASE("switches: every program reads them alike, and says how in its help") {
  // Each of these ends with a mistake that comes after the command line was read.
  const std::vector<Words> train{
      words_of("classifier --skip-unreadable --dataset svhn"),
      words_of("classifier --skip-unreadable true --dataset svhn"),
      words_of("classifier --skip-unreadable=false --dataset svhn"),
      words_of("classifier --dataset svhn --skip-unreadable"),
      words_of("generator --image-cache false --skip-unreadable --dataset svhn"),
      words_of("auto --skip-unreadable --dataset svhn")};
  for (const Words& words : train) check_mistake("scimix_train", words, {"svhn", "--data-dir"});
  for (const std::string value : {"", " true", " false", "=false", "=yes"}) {
    CAPTURE(value);
    check_mistake("scimix_eval", words_of("accuracy --skip-unreadable" + value + " /no/run"),
                  {"/no/run"});
    check_mistake("scimix_eval",
                  words_of("predict /no/run --skip-unreadable" + value + " --out p.csv a.png"),
                  {"/no/run"});
    check_mistake("scimix_mix",
                  words_of("--generator /no/g --content a --scene b --skip-unreadable" + value +
                           " --out x.png"),
                  {"/no/g"});
  }
  check_mistake("scimix_train", words_of("classifier --skip-unreadable maybe"),
                {"--skip-unreadable maybe: expected true or false"});
  check_mistake("scimix_eval", words_of("accuracy run --resize=maybe"),
                {"--resize maybe: expected true or false"});
  CHECK(has(test::run_program("scimix_eval", {"accuracy", "--help"}).out, "are switches"));
  CHECK(has(test::run_program("scimix_train", {"classifier", "--help-all"}).out,
            "--skip-unreadable [true|false]"));
}

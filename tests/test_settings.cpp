// The table of settings: what is written is what is read, which layer wins, and what a mistake
// gets.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>

#include "core/error.hpp"
#include "core/shell_word.hpp"
#include "core/utf8.hpp"
#include "program.hpp"
#include "settings/percent_encoding.hpp"
#include "settings/run_kinds.hpp"
#include "settings/settings_file.hpp"
#include "tests/paths.hpp"
#include "tools/command_line/run_settings.hpp"
#include "tools/command_line/settings_help.hpp"
#include "tools/train/train_command.hpp"
#include "user_errors.hpp"

using namespace scimix;

namespace {

using Generator64 = std::mt19937_64;

std::uint64_t below(Generator64& random, std::uint64_t n) {
  return random() % n;
}

// Any bytes that a path may have, half of the time none that UTF-8 has not.
std::string random_text(Generator64& random) {
  static const std::vector<std::string> pieces{"a",
                                               "Z",
                                               "0",
                                               " ",
                                               "#",
                                               "'",
                                               "\"",
                                               "\\",
                                               "\n",
                                               "\r",
                                               "\t",
                                               "\x01",
                                               "\x7f",
                                               "=",
                                               "[",
                                               "]",
                                               "{",
                                               "}",
                                               ",",
                                               "%",
                                               "$",
                                               "/",
                                               ".",
                                               "\\u0041",
                                               "\"\"\"",
                                               "'''",
                                               "\xC3\xA9",
                                               "\xE2\x82\xAC",
                                               "\xF0\x9F\x98\x80",
                                               "\xEF\xBB\xBF",
                                               "\xEF\xBF\xBE",
                                               "\xF4\x8F\xBF\xBF"};
  std::string text;
  const bool raw = below(random, 2) == 0;
  for (std::uint64_t n = below(random, 12); n > 0; --n) {
    if (raw) {
      text += static_cast<char>(1 + below(random, 255));
    } else {
      text += pieces[below(random, pieces.size())];
    }
  }
  return text;
}

double random_number(Generator64& random, const SettingRange& range) {
  const double share = static_cast<double>(random() >> 11U) * 0x1p-53;
  if (std::isfinite(range.least) && std::isfinite(range.most)) {
    return range.most - share * (range.most - range.least);  // never an excluded lower bound
  }
  double value = 0;
  do {  // any bits
    const std::uint64_t bits = random();
    std::memcpy(&value, &bits, sizeof value);
  } while (!std::isfinite(value));
  if (std::isfinite(range.least)) value = std::max(range.least, std::abs(value));
  return value;
}

SettingValue random_value(Generator64& random, const Setting& setting) {
  const SettingRange& range = setting.range;
  switch (setting.type) {
    case SettingType::boolean:
      return below(random, 2) == 0;
    case SettingType::whole: {
      const double least = std::max(range.least, -9e15);
      const double most = std::min(range.most, 9e15);
      return static_cast<std::int64_t>(random_number(random, {.least = least, .most = most}));
    }
    case SettingType::seed:
      return random() >> below(random, 64);
    case SettingType::number:
      return random_number(random, range);
    case SettingType::choice:
      return setting.choices[below(random, setting.choices.size())];
    case SettingType::labels:
      if (below(random, 2) == 0) return std::string("all");
      return std::to_string(below(random, 100'000));
    case SettingType::text:
    case SettingType::path:
      return random_text(random);
  }
  return {};
}

// Equal bit for bit: 0 and -0 differ.
bool same(const SettingValue& a, const SettingValue& b) {
  const auto* const x = std::get_if<double>(&a);
  const auto* const y = std::get_if<double>(&b);
  if (x != nullptr && y != nullptr) return std::memcmp(x, y, sizeof *x) == 0;
  return a == b;
}

template <class Table>
void check_round_trips(const RunKind& kind, const Table& table, int count) {
  const test::TempFolder folder;
  Generator64 random(2022);
  int unequal = 0;
  for (int i = 0; i < count; ++i) {
    SettingValues values;
    for (const Setting& setting : kind.settings) values.push_back(random_value(random, setting));
    // Through the structure too, as a run does.
    const SettingValues written = table.values(table.config(values));
    const std::string command =
        command_line(kind.name, std::vector<std::string>{random_text(random), "--out"});
    test::write_bytes(folder / "a.toml", config_text(kind, written, {"made by: " + command}));
    const SettingValues read = resolve(kind, read_settings_file(kind, folder / "a.toml")).values;
    for (std::size_t s = 0; s < values.size(); ++s) {
      if (same(values[s], read[s])) continue;
      if (++unequal == 1) {
        CAPTURE(kind.settings[s].name);
        CHECK(toml_value(read[s]) == toml_value(values[s]));
      }
    }
  }
  CHECK(unequal == 0);
}

// The message of the user error that reading this text as a classifier's file gives.
std::string message_of(const std::string& text) {
  const test::TempFolder folder;
  test::write_bytes(folder / "a.toml", text);
  std::string message = test::user_error_or_none(
      [&] { static_cast<void>(read_settings_file(classifier_kind(), folder / "a.toml")); });
  if (message.empty()) return "accepted";
  CHECK(message.find('\n') == std::string::npos);
  const std::string path = (folder / "a.toml").string();
  if (message.starts_with(path)) message.erase(0, path.size() + 1);
  return message;
}

ClassifierConfig read(const std::string& text) {
  const test::TempFolder folder;
  test::write_bytes(folder / "a.toml", text);
  return read_classifier_config(folder / "a.toml");
}

}  // namespace

TEST_CASE("settings: random ones, written to a file and read back, are equal") {
  check_round_trips(classifier_kind(), classifier_table(), 300);
  check_round_trips(generator_kind(), generator_table(), 300);
  check_round_trips(auto_kind(), auto_table(), 300);
}

TEST_CASE("settings: thousands of random ones are equal" * doctest::test_suite("full")) {
  check_round_trips(classifier_kind(), classifier_table(), 5'000);
  check_round_trips(generator_kind(), generator_table(), 5'000);
  check_round_trips(auto_kind(), auto_table(), 1'000);
}

TEST_CASE("settings: what the command line would say of a value reads back equal") {
  Generator64 random(7);
  for (int i = 0; i < 300; ++i) {
    for (const Setting& setting : generator_kind().settings) {
      const SettingValue value = random_value(random, setting);
      CHECK(same(parse_value(setting, text_of(value), {}), value));
    }
  }
}

TEST_CASE("settings: UTF-8 is told from other bytes") {
  for (const std::string good :
       {"", "a", "\x7f", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    CHECK(is_utf8(good));
  }
  for (const std::string bad :
       {"\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE2\x82"}) {
    CHECK_FALSE(is_utf8(bad));
    CHECK(percent_decoded(percent_encoded(bad)) == bad);
  }
  CHECK(percent_encoded("caf\xE9 10%") == "caf%E9 10%25");
  CHECK_FALSE(percent_decoded("%4").has_value());
  CHECK_FALSE(percent_decoded("%4g").has_value());
  CHECK_FALSE(percent_decoded("%").has_value());
}

TEST_CASE("settings: a value that is not what is expected is refused with line, key and type") {
  CHECK(message_of("learning-rate = 0,03\n").starts_with("1: learning-rate: not TOML: "));
  CHECK(message_of("\n# x\nlearning-rate = [0.1, 0.2]\n") ==
        "3: learning-rate [...]: found an array, expected a number, at least 0");
  CHECK(message_of("steps = 5.5\n") ==
        "1: steps 5.5: found a number, expected a whole number, 1 to 2000000000");
  CHECK(message_of("steps = 0\n") == "1: steps 0: expected 1 to 2000000000");
  CHECK(message_of("steps = \"5\"\n").find("found text, expected a whole number") !=
        std::string::npos);
  CHECK(message_of("hybrid-filter = 1\n") ==
        "1: hybrid-filter 1: found a whole number, expected true or false");
  CHECK(message_of("method = \"fixmach\"\n") ==
        "1: method fixmach: expected supervised, mean-teacher, fixmatch; did you mean fixmatch?");
  CHECK(message_of("method = true\n").find("found true or false") != std::string::npos);
  CHECK(message_of("alpha = 0.5\n") == "1: alpha 0.5: expected more than 0.5 and at most 1");
  CHECK(message_of("alpha = nan\n").find("expected a number") != std::string::npos);
  CHECK(message_of("hybrid-weight = inf\n").find("expected a number") != std::string::npos);
  CHECK(message_of("seed = -1\n").find("expected a whole number from 0") != std::string::npos);
  CHECK(message_of("labels = \"some\"\n") == "1: labels some: expected a whole number or all");
  CHECK(message_of("crop-pad = 3000000000\n")
            .find("crop-pad 3000000000: expected at most 2147483647") != std::string::npos);
  CHECK(message_of("data-dir = { percent-encoded = \"%4\" }\n").find("found a table") !=
        std::string::npos);
  CHECK(message_of("out = \"a\\u0000b\"\n").find("no byte of value 0") != std::string::npos);
  CHECK(message_of("steps = 1979-05-27\n").find("found a date or time") != std::string::npos);
  CHECK(message_of("steps = 5\nsteps = 6\n").starts_with("2: steps: not TOML: "));
  CHECK(message_of("learning-rat = 5\n") ==
        "1: unknown key learning-rat; did you mean learning-rate?");
  CHECK(message_of("steps = 5\nconfig = \"other.toml\"\n") ==
        "2: unknown key config: a configuration file cannot name another one with it; extends = "
        "[\"FILE\"] builds on other files");
  CHECK(message_of("resume = \"runs/a\"\n") ==
        "1: unknown key resume: expected only on the command line, as --resume");
  CHECK(message_of("[training]\nsteps = 5\n") ==
        "1: unknown table training; settings stand at the top of the file, in no table");
  CHECK(message_of("out = \"caf\xE9\"\n").starts_with("1: out: not TOML: "));
  CHECK(message_of("steps = 5\nlabels = [\n 1 ]\n[!").starts_with("4: not TOML: "));
  CHECK(message_of("[ \xC3\xA9 ]\nsteps = 5\n").starts_with("1: not TOML: "));
  CHECK(message_of("st\reps = 0\n").starts_with("1: st\\x0Deps: not TOML: "));
  CHECK(message_of("\"st\\neps\" = 0\n") == "1: unknown key st\\x0Aeps; did you mean steps?");
  CHECK(message_of("method = \"a\\rb\"\n") ==
        "1: method a\\x0Db: expected supervised, mean-teacher, fixmatch; did you mean fixmatch?");
  CHECK(message_of("\xC3\xA9 = 1\n").starts_with("1: "));
  CHECK(message_of("steps = 5 \xC3\xA9\n").starts_with("1: "));
}

TEST_CASE("settings: a byte-order mark is no part of a key") {
  CHECK(read("\xEF\xBB\xBFsteps = 7\n").steps == 7);
  CHECK(message_of("\xEF\xBB\xBFstepps = 7\n") == "1: unknown key stepps; did you mean steps?");
}

TEST_CASE("settings: a configuration file may be a device or a pipe") {
  const auto settings_in = [](const std::filesystem::path& path) {
    return resolve(classifier_kind(), read_settings_file(classifier_kind(), path)).values;
  };
  CHECK(settings_in("/dev/null") == classifier_kind().defaults);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const std::string text = "steps = 7\n";
  REQUIRE(::write(ends[1], text.data(), text.size()) == std::ssize(text));
  ::close(ends[1]);
  const SettingValues found = settings_in("/dev/fd/" + std::to_string(ends[0]));
  ::close(ends[0]);
  const auto steps = static_cast<std::size_t>(classifier_kind().index("steps"));
  CHECK(found[steps] == SettingValue(std::int64_t{7}));
  CHECK_THROWS_WITH_AS(static_cast<void>(read_settings_file(classifier_kind(), "/dev/zero")),
                       doctest::Contains("/dev/zero: more than 16 MiB"), Error);
}

TEST_CASE("settings: command line over files over preset over defaults") {
  const test::TempFolder folder;
  test::write_bytes(folder / "base.toml", "steps = 100\nbatch = 8\nema-decay = 0.5\n");
  test::write_bytes(folder / "a.toml",
                    "extends = \"base.toml\"\nbatch = 9\npreset = \"B\"\n"
                    "method = \"mean-teacher\"\n");
  test::write_bytes(folder / "b.toml", "ema-decay = 0.6\n");
  const auto config = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"--config", (folder / "a.toml").string(),
                                   "--config=" + (folder / "b.toml").string()};
    words.insert(words.end(), more.begin(), more.end());
    return classifier_table().config(read_command(classifier_kind(), words).values);
  };
  const ClassifierConfig c = config({"--input-noise", "0.25"});
  CHECK(c.steps == 100);           // base.toml, over the preset's 180,000
  CHECK(c.batch == 9);             // a.toml over base.toml
  CHECK(c.ema_decay == 0.6);       // b.toml over base.toml
  CHECK(c.unlabeled_batch == 99);  // the preset
  CHECK(c.input_noise == 0.25);    // the command line over the preset
  CHECK(c.seed == 0);              // the default
  CHECK(config({"--batch", "3", "--batch=4"}).batch == 4);
}

TEST_CASE("settings: a scale shrinks what weaker layers say, wherever it is written") {
  CHECK(read("scale = \"cpu\"\n").steps == 2000);
  CHECK(read("scale = \"cpu\"\n").model.depth == 10);
  CHECK(read("scale = \"cpu\"\nsteps = 7\n").steps == 7);
  CHECK(read("labels = \"020\"\n").data.labels == "20");
  CHECK(classifier_table()
            .config(read_command(classifier_kind(), {"--labels", "020"}).values)
            .data.labels == "20");
  CHECK(read("scale = \"cpu\"\nsteps = 7\n").model.depth == 10);
  const test::TempFolder folder;
  test::write_bytes(folder / "full.toml", "steps = 100000\nout = \"runs/x\"\n");
  test::write_bytes(folder / "small.toml", "extends = [\"full.toml\"]\nscale = \"cpu\"\n");
  const ClassifierConfig c = read_classifier_config(folder / "small.toml");
  CHECK(c.steps == 2000);
  CHECK(c.output.out == "runs/x-cpu");

  const auto guide_steps = [](std::vector<std::string> words) {
    words.insert(words.end(), {"--scale", "cpu"});
    return generator_table().config(read_command(generator_kind(), words).values).guide.steps;
  };
  CHECK(guide_steps({}) == 8000);
  CHECK(guide_steps({"--semantic-loss", "fixmatch"}) == 16000);
  CHECK(guide_steps({"--semantic-loss", "fixmatch", "--guide-steps", "5"}) == 5);
  CHECK(guide_steps({"--guide-steps", "0"}) == 0);
  CHECK(guide_steps({"--semantic-loss", "fixmatch", "--preset", "paper"}) == 0);

  const auto class_plus = [](const std::string& preset) {
    const std::vector<std::string> words{"--scale", "cpu", "--preset", preset};
    return generator_table()
        .config(read_command(generator_kind(), words).values)
        .weights.class_plus;
  };
  CHECK(class_plus("tuned") == 0.25);
  CHECK(class_plus("paper") == 1);  // as printed, at any scale
}

TEST_CASE("settings: hybrids of a generator are learnt by pseudo-labels, mixed images are not") {
  const auto use = [](const std::vector<std::string>& words) {
    return classifier_table().config(read_command(classifier_kind(), words).values).hybrids.use;
  };
  CHECK(use({}) == HybridUse::contradict);
  CHECK(use({"--mixer", "mixup"}) == HybridUse::contradict);
  CHECK(use({"--mixer", "scimix"}) == HybridUse::pseudo);
  CHECK(use({"--mixer", "scimix", "--method", "mean-teacher", "--preset", "B"}) ==
        HybridUse::pseudo);
  CHECK(use({"--mixer", "scimix", "--hybrid-use", "contradict"}) == HybridUse::contradict);
}

TEST_CASE("settings: the run of a program that had no guides has none, a user's file the default") {
  const test::TempFolder folder;
  const auto guide_steps = [&](const std::string& text) {
    test::write_bytes(folder / "a.toml", text);
    const auto words = std::vector<std::string>{"--config", (folder / "a.toml").string()};
    return generator_table().config(read_command(generator_kind(), words).values).guide.steps;
  };
  // Every config.toml that a run has written has these two settings.
  const std::string head = "# scimix_train generator\n";
  const std::string mark = head + "seed=0\nout=\"run\"\n";
  CHECK(guide_steps("steps = 3\n") == GeneratorRunConfig().guide.steps);
  CHECK(guide_steps(mark + "steps=3\n") == 0);  // the first format of config.toml
  CHECK(guide_steps(mark + "scale=\"cpu\"\n") == 0);
  CHECK(guide_steps(mark + "# format: 2\nsteps=3\n") == 0);
  CHECK(guide_steps(mark + "# format: 2\nguide-steps=7\n") == 7);
  // A person's file that begins with the name of the command.
  CHECK(guide_steps(head + "steps = 5  # five\n") == GeneratorRunConfig().guide.steps);
  test::write_bytes(folder / "base.toml", "guide-steps = 7\n");
  CHECK(guide_steps(mark + "# format: 2\nextends = \"base.toml\"\n") == 7);
  // A person's file that begins with the command to type.
  CHECK(guide_steps("# scimix_train generator --config a.toml\nsteps = 3  # a few\n") ==
        GeneratorRunConfig().guide.steps);
}

TEST_CASE("settings: files that extend each other, or nothing, are refused") {
  const test::TempFolder folder;
  const auto message = [&](const std::string& text) -> std::string {
    test::write_bytes(folder / "b.toml", text);
    test::write_bytes(folder / "a.toml", "steps = 5\nextends = [\"b.toml\"]\n");
    try {
      static_cast<void>(read_settings_file(classifier_kind(), folder / "a.toml"));
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK(message("batch = 3\n") == "accepted");
  CHECK(message("extends = \"a.toml\"\n")
            .find("b.toml:1: extends a.toml: these files extend each "
                  "other") != std::string::npos);
  CHECK(message("extends = \"c.toml\"\n").find("extends c.toml: no such file") !=
        std::string::npos);
  CHECK(message("extends = 3\n").find("expected a file or an array of files") != std::string::npos);
  CHECK(message("bach = 3\n").find("b.toml:1: unknown key bach") != std::string::npos);
}

TEST_CASE("settings: config.toml of the programs before format 2 is read as it was meant") {
  const ClassifierConfig c = read(
      "# scimix_train classifier\n# made by: scimix_train classifier --out 'a = b'\n"
      "method=\"mean-teacher\"\npreset='A'\nscale=\"full\"\ndata-dir=\"set #2\"\nlabels=20\n"
      "out='a\"b\\u0041'\nhybrid-filter=0\nallow-other-split=1\nlearning-rate=3e-3\n"
      "seed=18446744073709551615\ngenerator=\"\"\n");
  CHECK(c.method == Method::mean_teacher);
  CHECK(c.preset == MethodPreset::a);
  CHECK(c.data.data_dir == "set #2");
  CHECK(c.data.labels == "20");
  CHECK(c.output.out == "a\"b\\u0041");
  CHECK_FALSE(c.hybrids.filter);
  CHECK(c.hybrids.allow_other_split);
  CHECK(c.sgd.learning_rate == 0.003);
  CHECK(c.seed == 18446744073709551615ULL);
  const std::string own = "# scimix_train classifier\nseed=0\nout=\"\"\n";
  CHECK(message_of(own + "d=1\n").starts_with("4: unknown key d"));
  CHECK(message_of(own + "steps=many\n") ==
        "4: steps many: expected a whole number, 1 to 2000000000");
}

TEST_CASE("settings: docs/settings.md is what the tables say") {
  CHECK(test::read_bytes(source_dir() / "docs" / "settings.md") == settings_document());
}

TEST_CASE("settings: each has a help of its own, and about a dozen are everyday ones") {
  for (const RunKind* const kind : {&classifier_kind(), &generator_kind()}) {
    int everyday = 0;
    for (const Setting& setting : kind->settings) {
      CAPTURE(setting.name);
      CHECK(setting.help.size() > 20);
      CHECK(setting.help.ends_with('.'));
      everyday += setting.tier == Tier::everyday ? 1 : 0;
      const auto at = static_cast<std::size_t>(kind->index(setting.name));
      CHECK_NOTHROW(check_value(setting, kind->defaults[at], {}));
    }
    CHECK(everyday <= 14);
    const std::string few = help_text(*kind, false);
    CHECK(few.find("--weight-decay") == std::string::npos);
    CHECK(help_text(*kind, true).find("--weight-decay") != std::string::npos);
  }
}

TEST_CASE("settings: words of a command are quoted as a shell reads them") {
  CHECK(shell_word("a/b-1.5") == "a/b-1.5");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("it's #1") == "'it'\\''s #1'");
  CHECK(shell_word("a\nb'\xE9") == "$'a\\x0Ab\\'\\xE9'");
}

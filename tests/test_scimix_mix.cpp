// The scimix_mix program from outside: every form of output against the networks themselves.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <sstream>

#include "autograd/tape.hpp"
#include "core/safetensors.hpp"
#include "data/digits.hpp"
#include "data/image_io.hpp"
#include "data/image_source.hpp"
#include "data/npy.hpp"
#include "data/resize.hpp"
#include "program.hpp"
#include "tests/tiny_generator.hpp"
#include "tools/mix/mix_output.hpp"
#include "trainers/mixers.hpp"
#include "trainers/pixels.hpp"
#include "trainers/resident_set.hpp"
#include "user_errors.hpp"

using namespace scimix;
using test::run_program;
using test::run_to_success;
using test::TempFolder;

namespace {

constexpr std::int64_t kSide = 16;
constexpr std::size_t kBytes = kSide * kSide * 3;
constexpr std::int64_t kDigits = 30;

// What the program is to find: digits at 16x16, their hybrids, and what C sees in them.
class Expected {
 public:
  Expected() {
    const Dataset digits =
        load_dataset("digits", "", {.size = kSide, .digits_train = 10, .digits_test = kDigits});
    test_ = digits.test;
    for (const std::int32_t label : test_.labels) labels_.push_back(label);
  }

  [[nodiscard]] std::vector<std::uint8_t> image(std::int64_t index) const {
    const auto pixels = test_.image(index);
    return {pixels.begin(), pixels.end()};
  }
  [[nodiscard]] std::vector<std::uint8_t> hybrid(std::int32_t content, std::int32_t scene) const {
    return to_pixels(mix(content, scene));
  }
  // The class that C sees in a hybrid.
  [[nodiscard]] std::int32_t seen(std::int32_t content, std::int32_t scene) const {
    return argmax(mix(content, scene));
  }
  [[nodiscard]] std::int32_t seen_in_image(std::int32_t index) const {
    return argmax(tensor(index));
  }
  [[nodiscard]] std::int32_t label(std::int32_t index) const {
    return labels_[static_cast<std::size_t>(index)];
  }
  [[nodiscard]] const Autoencoder& networks() const { return networks_; }

 private:
  [[nodiscard]] Tensor tensor(std::int32_t index) const {
    const std::vector<std::int32_t> one{index};
    return ResidentSet(test_, kCpu).plain(one, DType::f32).images.value();
  }
  [[nodiscard]] Tensor mix(std::int32_t content, std::int32_t scene) const {
    return scimix_mixer(networks_)(tensor(content), tensor(scene), 0);
  }
  [[nodiscard]] std::int32_t argmax(const Tensor& image) const {
    const NoGrad no_grad;
    const auto logits = networks_.encode_semantic(Variable(image), {.mode = NormMode::eval})
                            .logits.value()
                            .to_doubles();
    return static_cast<std::int32_t>(std::ranges::max_element(logits) - logits.begin());
  }

  ImageSet test_;
  std::vector<std::int32_t> labels_;
  Autoencoder networks_ = test::tiny_networks(kSide);
};

// One process's work is slow to repeat: made once.
const Expected& expected() {
  static const Expected one;
  return one;
}

// Batches may round differently from single images.
void check_near(const std::vector<std::uint8_t>& found, const std::vector<std::uint8_t>& wanted) {
  REQUIRE(found.size() == wanted.size());
  int largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::abs(int{found[i]} - int{wanted[i]}));
  }
  CHECK(largest <= 1);
}

struct Fixture {
  Fixture() { test::save_generator(generator, expected().networks()); }

  [[nodiscard]] std::vector<std::string> arguments(const std::string& out,
                                                   const std::vector<std::string>& more) const {
    std::vector<std::string> all{"--generator",
                                 generator.string(),
                                 "--content",
                                 "digits:test",
                                 "--scene",
                                 "digits:test",
                                 "--resize",
                                 "--digits-test",
                                 "30",
                                 "--device",
                                 "cpu",
                                 "--out",
                                 (folder / out).string()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  test::ProgramResult mix(const std::string& out, const std::vector<std::string>& more = {}) const {
    return run_to_success("scimix_mix", arguments(out, more));
  }

  TempFolder folder;
  std::filesystem::path generator = folder / "generator.safetensors";
};

template <class T>
std::vector<T> values(const SafetensorsFile& file, const std::string& name) {
  const auto bytes = file.entry(name).bytes;
  std::vector<T> out(bytes.size() / sizeof(T));
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

std::vector<std::vector<std::string>> read_table(const std::filesystem::path& path) {
  std::istringstream lines(test::read_bytes(path));
  std::vector<std::vector<std::string>> table;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    table.emplace_back();
    for (std::string word; std::getline(words, word, '\t');) table.back().push_back(word);
  }
  return table;
}

void check_mistake(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& words) {
  test::check_mistake("scimix_mix", arguments, words);
}

}  // namespace

TEST_CASE("scimix_mix: a safetensors file holds the hybrids and where they come from") {
  const Fixture f;
  f.mix("a.safetensors");
  const SafetensorsFile file(f.folder / "a.safetensors");
  CHECK(file.metadata().at("format") == "scimix-hybrids-1");
  CHECK(file.entry("image").shape == std::vector<std::int64_t>{kDigits, kSide, kSide, 3});
  const auto pixels = values<std::uint8_t>(file, "image");
  const auto label = values<std::int32_t>(file, "label");
  const auto predicted = values<std::int32_t>(file, "predicted");
  const auto content = values<std::int32_t>(file, "content");
  const auto scene = values<std::int32_t>(file, "scene");
  for (std::size_t i = 0; i < 6; ++i) {
    check_near({pixels.begin() + static_cast<std::ptrdiff_t>(i * kBytes),
                pixels.begin() + static_cast<std::ptrdiff_t>((i + 1) * kBytes)},
               expected().hybrid(content[i], scene[i]));
    CHECK(predicted[i] == expected().seen(content[i], scene[i]));
  }
  for (std::size_t i = 0; i < label.size(); ++i) {
    CHECK(content[i] == static_cast<std::int32_t>(i));
    CHECK(scene[i] != content[i]);
    CHECK(label[i] == expected().label(content[i]));
  }
}

TEST_CASE("scimix_mix: the npy file holds the same") {
  const Fixture f;
  f.mix("a.safetensors", {"--count", "13", "--batch", "5"});
  f.mix("a.npy", {"--count", "13"});
  const SafetensorsFile tensors(f.folder / "a.safetensors");
  const std::string file = test::read_bytes(f.folder / "a.npy");
  const auto header = static_cast<std::size_t>(static_cast<unsigned char>(file[8])) +
                      256U * static_cast<std::size_t>(static_cast<unsigned char>(file[9]));
  CHECK(file.find("'descr': [('image', '|u1', (16, 16, 3)), ('label', '<i4'), ('predicted', "
                  "'<i4'), ('content', '<i4'), ('scene', '<i4')]") != std::string::npos);
  const std::size_t record = kBytes + 16;
  REQUIRE(file.size() == 10 + header + 13 * record);
  const auto images = values<std::uint8_t>(tensors, "image");
  for (std::size_t i = 0; i < 13; ++i) {
    const std::string one = file.substr(10 + header + i * record, record);
    const auto from = images.begin() + static_cast<std::ptrdiff_t>(i * kBytes);
    check_near({one.begin(), one.begin() + kBytes}, {from, from + kBytes});
    std::int32_t numbers[4];  // NOLINT
    std::memcpy(numbers, one.data() + kBytes, sizeof(numbers));
    int field = 0;
    for (const char* name : {"label", "predicted", "content", "scene"}) {
      CHECK(numbers[field++] == values<std::int32_t>(tensors, name)[i]);
    }
  }
}

TEST_CASE("scimix_mix: a folder of images is a data set again") {
  const Fixture f;
  f.mix("hybrids", {"--count", "12"});
  const auto table = read_table(f.folder / "hybrids.tsv");
  REQUIRE(table.size() == 13);
  CHECK(table[0] == std::vector<std::string>{"file", "class", "predicted", "content", "scene"});
  for (std::size_t i = 1; i < table.size(); ++i) {
    const std::int32_t content = std::stoi(table[i][3]);
    const std::int32_t scene = std::stoi(table[i][4]);
    CHECK(content == static_cast<std::int32_t>(i) - 1);
    CHECK(table[i][1] == std::to_string(content % 10));
    CHECK(table[i][0].starts_with(table[i][1] + "/"));
    const Image image = read_image(f.folder / "hybrids" / table[i][0]);
    CHECK(image.width == kSide);
    check_near(image.pixels, expected().hybrid(content, scene));
  }
  // The folder serves as a source, and so does one of its classes, without labels.
  const std::string hybrids = (f.folder / "hybrids").string();
  std::filesystem::create_directory(f.folder / "empty");
  run_to_success("scimix_mix",
                 {"--generator", f.generator.string(), "--content", hybrids, "--scene",
                  hybrids + "/1", "--pairing", "in-order", "--out", (f.folder / "empty").string()});
  const auto second = read_table(f.folder / "empty.tsv");
  REQUIRE(second.size() == 13);
  CHECK(second[1][3] == "0/000000.png");
  CHECK(second[1][4] == "000001.png");
  const auto flat =
      run_program("scimix_mix", {"--generator", f.generator.string(), "--content", hybrids + "/1",
                                 "--scene", hybrids + "/0", "--out", (f.folder / "flat").string()});
  CHECK(flat.exit_code == 0);
  CHECK(std::filesystem::exists(f.folder / "flat" / "000001.png"));
  CHECK(read_table(f.folder / "flat.tsv")[1][1] == "?");
}

TEST_CASE("scimix_mix: pictures show the parents") {
  const Fixture f;
  // A table of 3 x 3: scenes on top, contents on the left, twice the size, 2 pixels between.
  f.mix("all.png", {"--pairing", "all", "--digits-test", "10"});
  const Image table = read_image(f.folder / "all.png");
  CHECK(table.width == 11 * 2 * kSide + 10 * 2);
  CHECK(table.height == table.width);
  const auto cell = [&](const Image& picture, std::int64_t row, std::int64_t column) {
    std::vector<std::uint8_t> pixels;
    for (std::int64_t y = 0; y < kSide; ++y) {
      for (std::int64_t x = 0; x < kSide; ++x) {
        const std::int64_t py = row * (2 * kSide + 2) + 2 * y;
        const std::int64_t px = column * (2 * kSide + 2) + 2 * x;
        for (std::int64_t c = 0; c < 3; ++c) {
          pixels.push_back(
              picture.pixels[static_cast<std::size_t>((py * picture.width + px) * 3 + c)]);
        }
      }
    }
    return pixels;
  };
  CHECK(cell(table, 0, 0) == std::vector<std::uint8_t>(kBytes));
  CHECK(cell(table, 0, 4) == expected().image(3));
  CHECK(cell(table, 6, 0) == expected().image(5));
  check_near(cell(table, 6, 4), expected().hybrid(5, 3));
  check_near(cell(table, 10, 1), expected().hybrid(9, 0));

  // Triples: content, scene, hybrid; here two in a row.
  f.mix("some.png", {"--pairing", "in-order", "--count", "11"});
  const Image triples = read_image(f.folder / "some.png");
  CHECK(triples.width == 7 * 2 * kSide + 6 * 2);
  CHECK(triples.height == 6 * 2 * kSide + 5 * 2);
  CHECK(cell(triples, 0, 0) == expected().image(0));
  CHECK(cell(triples, 1, 4) == expected().image(3));
  CHECK(cell(triples, 1, 5) == expected().image(3));
  CHECK(cell(triples, 1, 3) == std::vector<std::uint8_t>(kBytes));
  check_near(cell(triples, 1, 6), expected().hybrid(3, 3));
}

TEST_CASE("scimix_mix: the filter keeps hybrids in which the class is seen") {
  const Fixture f;
  const auto result = f.mix("kept.safetensors", {"--keep-agreeing", "--pairing", "all"});
  f.mix("all.safetensors", {"--pairing", "all"});
  const SafetensorsFile kept(f.folder / "kept.safetensors");
  const SafetensorsFile all(f.folder / "all.safetensors");
  const auto label = values<std::int32_t>(all, "label");
  const auto predicted = values<std::int32_t>(all, "predicted");
  const auto content = values<std::int32_t>(all, "content");
  std::vector<std::int32_t> wanted;
  for (std::size_t i = 0; i < label.size(); ++i) {
    if (label[i] == predicted[i]) wanted.push_back(content[i]);
  }
  CHECK(!wanted.empty());
  CHECK(wanted.size() < label.size());
  CHECK(values<std::int32_t>(kept, "content") == wanted);
  CHECK(values<std::int32_t>(kept, "label") == values<std::int32_t>(kept, "predicted"));
  CHECK(result.out.find("kept " + std::to_string(wanted.size()) + " of 900 hybrids") !=
        std::string::npos);
}

TEST_CASE("scimix_mix: without labels the filter asks what C sees in the content") {
  const Fixture f;
  const auto flat = f.folder / "flat";
  std::filesystem::create_directory(flat);
  for (std::int32_t i = 0; i < kDigits; ++i) {
    const std::string name = std::to_string(100 + i) + ".png";
    write_png(flat / name, {kSide, kSide, expected().image(i)});
  }
  run_to_success("scimix_mix",
                 {"--generator", f.generator.string(), "--content", flat.string(), "--scene",
                  flat.string(), "--pairing", "in-order", "--keep-agreeing", "--out",
                  (f.folder / "kept.safetensors").string()});
  const SafetensorsFile kept(f.folder / "kept.safetensors");
  std::vector<std::int32_t> wanted;
  for (std::int32_t i = 0; i < kDigits; ++i) {
    if (expected().seen(i, i) == expected().seen_in_image(i)) wanted.push_back(i);
  }
  CHECK(values<std::int32_t>(kept, "content") == wanted);
  CHECK(values<std::int32_t>(kept, "label") ==
        std::vector<std::int32_t>(wanted.size(), kUnknownLabel));
}

TEST_CASE("scimix_mix: what it did not write is never replaced, what it wrote is") {
  const Fixture f;
  const std::string digits = "digits:test";
  for (const char* const name : {"a.npy", "a.png", "a.safetensors"}) {
    CAPTURE(name);
    test::write_bytes(f.folder / name, "mine");
    check_mistake(f.arguments(name, {}), {name, "did not write"});
    CHECK(test::read_bytes(f.folder / name) == "mine");
    std::filesystem::remove(f.folder / name);
    f.mix(name);
    const std::string first = test::read_bytes(f.folder / name);
    f.mix(name, {"--seed", "9"});
    CHECK(test::read_bytes(f.folder / name) != first);
  }
  // Records of logits, which scimix_eval writes, are none of hybrids.
  const std::vector<std::int32_t> label{3};
  const std::array logits{npy_field("label", {}, label), npy_field("predicted", {}, label)};
  write_npy(f.folder / "logits.npy", 1, logits);
  check_mistake(f.arguments("logits.npy", {}), {"logits.npy", "did not write"});
  test::write_bytes(f.folder / "h.tsv", "mine");
  check_mistake(f.arguments("h", {}), {"h.tsv", "did not write"});
  CHECK(test::read_bytes(f.folder / "h.tsv") == "mine");
  CHECK_FALSE(std::filesystem::exists(f.folder / "h"));
  std::filesystem::remove(f.folder / "h.tsv");
  CHECK(f.mix("h/").out.find("h, listed in " + (f.folder / "h.tsv").string()) != std::string::npos);
  std::filesystem::remove_all(f.folder / "h");
  f.mix("h");  // its list is one of ours
  std::filesystem::remove_all(f.folder / "h");
  f.mix("x/../h/.");
  CHECK(std::filesystem::exists(f.folder / "h"));
  CHECK_FALSE(std::filesystem::exists(f.folder / "x"));
}

TEST_CASE("scimix_mix: mistakes") {
  const Fixture f;
  const std::string digits = "digits:test";
  const auto with = [&](const std::string& content, const std::string& out,
                        const std::vector<std::string>& more = {}) {
    std::vector<std::string> all{
        "--generator", f.generator.string(),     "--content", content, "--scene", digits,
        "--out",       (f.folder / out).string()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  check_mistake(with(digits, "a.png"),
                {"digits:test: 32x32 pixels, expected 16x16", "--resize brings"});
  check_mistake(with("digts:test", "a.png"), {"digts:test: no such folder", "did you mean"});
  check_mistake(with(digits, "a.jpg"), {"a.jpg: expected a name that ends in .npy"});
  check_mistake(with(digits, "a.png", {"--pairing", "oll"}),
                {"--pairing oll", "did you mean all?"});
  check_mistake(with(digits, "a.png", {"--pearing", "all"}), {"did you mean --pairing?"});
  check_mistake(with(digits, "a.png", {"--resize", "--count", "2501"}), {"2501 hybrids in one"});
  // As many as the images give, by default or as --count says: refused before anything is loaded.
  check_mistake(
      with(digits, "a.png", {"--resize", "--digits-test", "60", "--pairing", "all"}),
      {"3600 hybrids in one picture, expected at most 2500", "choose fewer with --count"});
  check_mistake({"--generator", "/no/generator", "--content", "/no/a", "--scene", "/no/b",
                 "--count", "20000", "--out", "x.png"},
                {"x.png: 20000 hybrids in one picture, expected at most 2500"});
  check_mistake({"--content", digits, "--scene", digits, "--out", "a.png"}, {"--generator"});
  check_mistake(with(digits, "a.png", {"--count", "-1"}), {"--count -1: expected at least 0"});
  check_mistake(with(digits, "a.png", {"--seed", "x"}),
                {"--seed x: expected a whole number from 0"});
  check_mistake(
      {"--generator", "/no/generator", "--content", "/no/a", "--scene", "/no/b", "--out", ""},
      {"--out: is empty, expected a name"});
  // A class whose name is too long for a folder is refused before the hybrids are made.
  const std::vector<std::string> names{"a", std::string(256, 'x')};
  CHECK(test::user_error_of([&] {
          check_class_names("hybrids", names);
        }).find("has a name of 256 bytes") != std::string::npos);
  check_class_names("hybrids.npy", names);

  std::filesystem::create_directories(f.folder / "birds" / "auk");
  write_png(f.folder / "birds" / "auk" / "1.png", {kSide, kSide, expected().image(0)});
  check_mistake(with((f.folder / "birds").string(), "a.png", {"--resize"}), {"no class auk"});
  check_mistake(with(digits, "birds"), {"birds: the folder is not empty"});

  write_safetensors(f.folder / "other.safetensors", {}, {{"format", "scimix-classifier-1"}});
  auto other = with(digits, "a.png");
  other[1] = (f.folder / "other.safetensors").string();
  check_mistake(other, {"scimix-classifier-1", "expected \"scimix-generator-2\""});
  CHECK(!std::filesystem::exists(f.folder / "a.png"));
}

// scimix_eval logits, augment and restore from outside.
#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <sstream>

#include "autograd/tape.hpp"
#include "command_line.hpp"
#include "core/safetensors.hpp"
#include "data/image_io.hpp"
#include "tests/tiny_generator.hpp"
#include "tools/eval/trained_classifier.hpp"
#include "trainers/resident_set.hpp"

using namespace scimix;
using test::operator+;
using test::TempFolder;
using test::train;
using test::Words;
using test::words_of;

namespace {

// Runs scimix_eval, which must succeed, and returns what it prints.
std::string printed(const Words& arguments) {
  return test::run_to_success("scimix_eval", arguments).out;
}

void check_mistake(const Words& arguments, const Words& words) {
  test::check_mistake("scimix_eval", arguments, words);
}

std::string tiny_run(const TempFolder& folder, const std::string& command, const Words& more = {}) {
  const std::string run = (folder / command).string();
  train(Words{command} +
        words_of("--dataset digits --digits-train 40 --digits-test 20 --image-size 8 --crop-pad 1 "
                 "--depth 10 --width 1 --batch 4 --device cpu --steps 4 --eval-every 4 "
                 "--checkpoint-every 2") +
        Words{"--out", run} + more);
  return run;
}

// What another library makes of a checkpoint: the tensors without the metadata.
void drop_metadata(const std::filesystem::path& path) {
  std::vector<std::vector<std::byte>> storage;
  std::vector<TensorEntry> entries;
  {
    const SafetensorsFile file(path);
    storage.reserve(file.entries().size());
    for (const TensorEntry& entry : file.entries()) {
      storage.emplace_back(entry.bytes.begin(), entry.bytes.end());
      entries.push_back({entry.name, entry.dtype, entry.shape, storage.back()});
    }
  }
  write_safetensors(path, entries, {});
}

}  // namespace

TEST_CASE("scimix_eval logits: those that the network computes, image by image") {
  const TempFolder folder;
  const std::string run = tiny_run(folder, "classifier");
  const std::string out = (folder / "l.safetensors").string();
  CHECK(printed({"logits", run, "--device", "cpu", "--out", out}).find("logits of 20 images in ") !=
        std::string::npos);

  const ClassifierCheckpoint checkpoint = find_classifier(run);
  const ClassifierSettings settings = settings_of(checkpoint);
  const WideResNet network = load_classifier(checkpoint, settings, kCpu);
  const Dataset data =
      load_dataset("digits", "", {.size = 8, .digits_train = 40, .digits_test = 20});
  const ResidentSet images(data.test, kCpu);
  const SafetensorsFile file(out);
  const auto all = file.entry("logits").bytes;
  REQUIRE(all.size() == std::size_t{20} * 10 * sizeof(float));
  const NoGrad no_grad;
  for (std::int32_t i = 0; i < 20; ++i) {  // one by one: no batch in common with the program
    const std::array index{i};
    const Batch batch = images.plain(index, DType::f32);
    const auto expected =
        network.forward(batch.images, {.mode = NormMode::eval}).logits.value().to_host<float>();
    for (std::size_t c = 0; c < 10; ++c) {
      float found = 0;
      std::memcpy(&found, &all[(static_cast<std::size_t>(i) * 10 + c) * sizeof(float)],
                  sizeof(float));
      CHECK(found == doctest::Approx(expected[c]).epsilon(1e-4));
    }
  }

  std::istringstream table(printed({"logits", run, "--device", "cpu", "--count", "3"}));
  std::vector<std::string> lines;
  for (std::string line; std::getline(table, line);) lines.push_back(line);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].starts_with("image\tclass\tpredicted\t0\t1\t"));
  CHECK(lines[3].starts_with("2\t2\t"));  // digits come in the order of their classes

  test::write_bytes(folder / "mine.npy", "mine");
  check_mistake({"logits", run, "--out", (folder / "mine.npy").string()},
                {"mine.npy", "did not write"});
  check_mistake({"logits", run, "--out", "l.txt"}, {"--out l.txt", ".npy or .safetensors"});
}

TEST_CASE("scimix_eval augment: one operation on a picture") {
  const TempFolder folder;
  const std::string picture = (folder / "p.png").string();
  const std::string out = (folder / "o.png").string();
  std::vector<std::uint8_t> pixels(std::size_t{4} * 3 * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(7 * i);
  write_png(picture, {4, 3, pixels});
  const auto apply = [&](const Words& more) {
    Words arguments{"augment", picture, "--out", out, "--device", "cpu"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    (void)printed(arguments);
    return read_image(out).pixels;
  };
  CHECK(apply({"--operation", "identity"}) == pixels);
  std::vector<std::uint8_t> inverted = pixels;
  for (std::uint8_t& value : inverted) value = value >= 100 ? 255 - value : value;
  CHECK(apply({"--operation", "solarize", "--argument", "100"}) == inverted);
  std::vector<std::uint8_t> coarse = pixels;
  for (std::uint8_t& value : coarse) value &= 0xC0U;
  CHECK(apply({"--operation", "posterize", "--argument", "2"}) == coarse);
  // Each pixel looks one to the right; beyond the edge there is the fill.
  std::vector<std::uint8_t> moved(pixels.size(), 9);
  for (std::size_t y = 0; y < 4; ++y) std::copy_n(&pixels[y * 9 + 3], 6, &moved[y * 9]);
  CHECK(apply({"--operation", "translate-x", "--argument", "1", "--fill", "9"}) == moved);
  CHECK(apply({"--operation", "rotate", "--argument", "90", "--size", "2"}).size() == 12);

  const auto mistake = [&](const Words& more, const Words& words) {
    Words arguments{"augment", picture, "--out", out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    check_mistake(arguments, words);
  };
  mistake({"--operation", "rotat"}, {"--operation rotat", "did you mean rotate?"});
  mistake({"--operation", "rotate"}, {"--argument is missing", "degrees"});
  mistake({"--operation", "equalize", "--argument", "1"}, {"--argument: equalize has none"});
  mistake({"--operation", "posterize", "--argument", "9"}, {"--argument 9", "1 to 8"});
  test::write_bytes(out, "mine");
  mistake({"--operation", "equalize"}, {"o.png", "did not write"});
}

TEST_CASE("scimix_eval restore: a checkpoint that another library has saved works again") {
  const TempFolder folder;
  const std::filesystem::path run = tiny_run(folder, "classifier");
  const auto newest = run / "checkpoints/step-00000004.safetensors";
  const auto before = run / "checkpoints/step-00000002.safetensors";
  const std::string whole = test::read_bytes(newest);
  drop_metadata(newest);
  const Words told{"step-00000004.safetensors", "scimix_eval restore"};
  check_mistake({"accuracy", run.string()}, told);
  check_mistake({"accuracy", newest.string()}, told);
  test::check_mistake("scimix_train", {"classifier", "--resume", run.string(), "--steps", "6"},
                      told);
  check_mistake({"restore", newest.string(), "--like", newest.string()}, {"has no metadata"});
  const std::string out = printed({"restore", newest.string(), "--like", before.string()});
  CHECK(out.find("step 4") != std::string::npos);  // by the file's name, not that of the other
  CHECK(test::read_bytes(newest) == whole);
  // A checkpoint of ours is replaced by --out, another program's is not.
  const std::string copy = (folder / "copy.safetensors").string();
  test::write_bytes(copy, whole);
  CHECK(printed({"restore", newest.string(), "--like", before.string(), "--out", copy})
            .find("step 4") != std::string::npos);
  test::write_bytes(copy, std::string(R"(........{"__metadata__":{"format":"pt"}})"));
  check_mistake({"restore", newest.string(), "--like", before.string(), "--out", copy},
                {"copy.safetensors", "did not write"});
}

TEST_CASE("a generator's checkpoint without metadata is named with what helps") {
  const TempFolder folder;
  const std::filesystem::path run =
      tiny_run(folder, "generator",
               {"--guide-steps", "0", "--minibatch-std", "2", "--g-channels", "4",
                "--g-max-channels", "4", "--d-channels", "4", "--d-max-channels", "4"});
  drop_metadata(run / "checkpoints/step-00000004.safetensors");
  test::check_mistake("scimix_mix",
                      {"--generator", run.string(), "--content", "digits:test", "--scene",
                       "digits:test", "--out", (folder / "h.npy").string()},
                      {"step-00000004.safetensors", "scimix_eval restore"});
}

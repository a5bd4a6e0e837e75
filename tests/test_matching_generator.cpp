// A classifier takes the hybrids of a generator that saw the same data and the same labels.
#include <doctest/doctest.h>

#include "program.hpp"
#include "temp_folder.hpp"
#include "trainers/classifier_trainer.hpp"
#include "trainers/matching_generator.hpp"
#include "user_errors.hpp"

using namespace scimix;
using test::check_has;

namespace {

constexpr std::int64_t kTrain = 80;

Dataset draw(std::int64_t size = 16, std::uint64_t data_seed = 1) {
  return load_dataset(
      "digits", "",
      {.size = size, .digits_train = kTrain, .digits_test = 40, .data_seed = data_seed});
}

const Dataset& digits() {
  static const Dataset set = draw();
  return set;
}

// What a generator's checkpoint says, right for `digits` with 20 labels by split seed 3.
struct Made {
  std::vector<std::string> classes = digits().class_names;
  std::int64_t image_size = 16;
  int depth = 10;
  int width = 1;
  std::string labels = "20";
  std::string split_seed = "3";
  std::string hash = content_hash(digits().train);
};

Autoencoder networks_of(const Made& made) {
  AutoencoderConfig config;
  config.encoder = {
      .depth = made.depth, .width = made.width, .classes = static_cast<int>(made.classes.size())};
  config.generator = {.image_size = made.image_size, .base_channels = 4, .max_channels = 4};
  return {config, /*seed=*/5, kCpu};
}

void save(const std::filesystem::path& path, const Autoencoder& networks, const Made& made) {
  CheckpointTensors tensors;
  append(tensors, "ema.", autoencoder_tensors(networks));
  CheckpointMetadata metadata = describe_networks(networks.config(), made.classes);
  metadata["dataset"] = "digits";
  metadata["train_hash"] = made.hash;
  metadata["labels"] = made.labels;
  metadata["split_seed"] = made.split_seed;
  metadata["step"] = "0";
  save_checkpoint(path, tensors, metadata);
}

class Folder {
 public:
  // Of a generator made so, for a classifier with `labels` by split seed `seed`.
  TrainedGenerator load(const Made& made, std::optional<std::int64_t> labels = 20,
                        std::uint64_t seed = 3) {
    const auto path = folder_ / "generator.safetensors";
    save(path, networks_of(made), made);
    config.hybrids.generator = path.string();
    return load_matching_generator(config, digits(), make_split(digits(), labels, seed), kCpu);
  }

  // The one line it is refused with; the file's name stands in it.
  std::string refusal(const Made& made, std::optional<std::int64_t> labels = 20,
                      std::uint64_t seed = 3) {
    return test::user_error_of([&] { static_cast<void>(load(made, labels, seed)); });
  }

  ClassifierConfig config = [] {
    ClassifierConfig c;
    c.model.depth = 10;
    c.model.width = 1;
    c.hybrids.mixer = MixerKind::scimix;
    c.method = Method::mean_teacher;
    c.batch = 4;
    return c;
  }();

 private:
  test::TempFolder folder_;
};

}  // namespace

TEST_CASE("a generator of the same data, labels and split is taken") {
  Folder folder;
  const TrainedGenerator found = folder.load({});
  CHECK(found.class_names == digits().class_names);
  const Autoencoder expected = networks_of({});
  CHECK(found.networks.generator().parameters().parameter_slab().flat().to_doubles() ==
        expected.generator().parameters().parameter_slab().flat().to_doubles());
}

TEST_CASE("a generator of other classes or another size is refused, whatever is allowed") {
  Folder folder;
  for (const bool allowed : {false, true}) {
    folder.config.hybrids.allow_other_split = allowed;
    Made made;
    made.classes = {"cat", "dog", "2", "3", "4", "5", "6", "7", "8", "9"};
    check_has(folder.refusal(made), {"generator.safetensors", "cat,dog,2,3,4,5,6,7,8,9",
                                     "expected those of digits: 0,1,2,3,4,5,6,7,8,9"});
    made.classes = {"0", "1"};
    check_has(folder.refusal(made), {"the classes 0,1,", "0,1,2,3,4,5,6,7,8,9"});
    check_has(folder.refusal({.image_size = 32}),
              {"generator.safetensors", "32x32", "expected 16x16", "--image-size"});
  }
}

TEST_CASE("a generator of other images or labels is refused unless that is allowed") {
  Folder folder;
  const std::string hash = content_hash(digits().train);
  const Dataset others = draw(16, /*data_seed=*/2);
  const std::string other_hash = content_hash(others.train);
  REQUIRE(other_hash != hash);
  struct Case {
    Made made;
    std::vector<std::string> words;
  };
  const std::vector<Case> cases{
      {{.labels = "40"},
       {"trained with 40 labels by split seed 3", "expected 20 labels by split seed 3"}},
      {{.labels = "all"}, {"trained with all labels", "expected 20 labels by split seed 3"}},
      {{.split_seed = "4"},
       {"trained with 20 labels by split seed 4", "expected 20 labels by split seed 3"}},
      {{.hash = other_hash}, {"other training images", other_hash, "expected " + hash}}};
  for (const Case& one : cases) {
    folder.config.hybrids.allow_other_split = false;
    const std::string message = folder.refusal(one.made);
    check_has(message, one.words);
    check_has(message, {"generator.safetensors", "leak", "--allow-other-split"});
    folder.config.hybrids.allow_other_split = true;
    CHECK_NOTHROW(static_cast<void>(folder.load(one.made)));
  }
}

TEST_CASE("with all labels the split seed says nothing") {
  Folder folder;
  const Made all{.labels = "all", .split_seed = "4"};
  CHECK_NOTHROW(static_cast<void>(folder.load(all, std::nullopt)));
  // As many labels as images are all of them, however they were asked for.
  CHECK_NOTHROW(static_cast<void>(folder.load(all, kTrain)));
  CHECK_NOTHROW(static_cast<void>(
      folder.load({.labels = std::to_string(kTrain), .split_seed = "4"}, std::nullopt)));
  check_has(folder.refusal({}, std::nullopt),
            {"trained with 20 labels by split seed 3", "expected all labels"});
}

TEST_CASE("an encoder of another shape gives no first weights, but hybrids") {
  Folder folder;
  for (const Made& made : {Made{.depth = 16}, Made{.width = 2}}) {
    folder.config.init_from = InitFrom::scratch;
    CHECK_NOTHROW(static_cast<void>(folder.load(made)));
    folder.config.init_from = InitFrom::generator;
    check_has(folder.refusal(made),
              {"--init-from generator",
               "WideResNet-" + std::to_string(made.depth) + "-" + std::to_string(made.width),
               "expected the classifier's --depth 10 --width 1"});
  }
}

TEST_CASE("an encoder with another epsilon of its batch norm gives no first weights") {
  Folder folder;
  folder.config.model.norm_eps *= 2;
  CHECK_NOTHROW(static_cast<void>(folder.load({})));
  folder.config.init_from = InitFrom::generator;
  check_has(folder.refusal({}), {"--init-from generator", "expected the classifier's --norm-eps"});
}

TEST_CASE("a classifier started from the generator is its E_c and C") {
  Folder folder;
  folder.config.init_from = InitFrom::generator;
  // Running statistics that are not those of a new network.
  const Autoencoder trained = networks_of({});
  const auto index = std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6, 7};
  const ResidentSet images(digits().train, kCpu);
  for (int i = 0; i < 2000; i += 100) {
    static_cast<void>(trained.semantic_encoder().forward(images.plain(index, DType::f32).images,
                                                         {.mode = NormMode::train}));
  }
  const test::TempFolder place;
  save(place / "g.safetensors", trained, {});
  folder.config.hybrids.generator = (place / "g.safetensors").string();
  const Split split = make_split(digits(), 20, 3);
  const TrainedGenerator generator = load_matching_generator(folder.config, digits(), split, kCpu);

  ClassifierTrainer started(folder.config, digits(), split, kCpu, &generator.networks);
  const ResidentSet test_images(digits().test, kCpu);
  const Evaluation expected = evaluate(trained.semantic_encoder(), test_images,
                                       folder.config.output.eval_batch, DType::f32);
  const Evaluation found = started.evaluate_ema();
  CHECK(found.loss == expected.loss);
  CHECK(found.accuracy == expected.accuracy);
  CHECK(found.images == 40);

  // From scratch it is not.
  folder.config.init_from = InitFrom::scratch;
  ClassifierTrainer fresh(folder.config, digits(), split, kCpu, &generator.networks);
  CHECK(fresh.evaluate_ema().loss != expected.loss);
  // Nor is its first step the same as that of a network that only copied the parameters.
  CHECK(started.model().parameters().buffers()[0].value().to_doubles() ==
        trained.semantic_encoder().parameters().buffers()[0].value().to_doubles());
}

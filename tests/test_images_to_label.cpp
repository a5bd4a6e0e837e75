// Which unlabelled images the end of a classifier's run finds to be labelled next.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "data/image_io.hpp"
#include "trainers/classifier_logits.hpp"
#include "trainers/find_images_to_label.hpp"
#include "trainers/run_inputs.hpp"

using namespace scimix;

namespace {

constexpr std::int64_t kClasses = 3;

// Noise. The first 6 images have classes. The files do not exist.
Dataset noise(std::int64_t train, std::int64_t test) {
  std::mt19937 random(7);
  Dataset dataset;
  dataset.name = "folder";
  dataset.class_names = {"a", "b", "c"};
  const auto fill = [&](ImageSet& images, std::int64_t count, std::int64_t labeled) {
    images.count = count;
    images.height = 8;
    images.width = 8;
    allocate_images(images, "noise");
    for (std::int64_t i = 0; i < count; ++i) {
      const auto level = static_cast<unsigned>(random() % 256);
      for (std::int64_t p = 0; p < images.image_bytes(); ++p) {
        images.pixels[static_cast<std::size_t>(i * images.image_bytes() + p)] =
            static_cast<std::uint8_t>((level + random() % 64) % 256);
      }
      images.labels[static_cast<std::size_t>(i)] =
          i < labeled ? static_cast<std::int32_t>(i % kClasses) : kUnknownLabel;
    }
  };
  fill(dataset.train, train, 6);
  fill(dataset.test, test, test);
  dataset.train_files.folders = {"/missing/pictures/unlabeled"};
  for (std::int64_t i = 0; i < train; ++i) {
    dataset.train_files.files.push_back({0, std::to_string(i) + ".png", kUnknownLabel});
  }
  return dataset;
}

struct Trained {
  explicit Trained(Dataset images)
      : dataset(std::move(images)),
        network(encoder_config({.depth = 10, .width = 1}, kClasses), /*seed=*/3, kCpu),
        train(dataset.train, kCpu),
        test(dataset.test, kCpu) {}
  [[nodiscard]] std::optional<ImagesToLabel> find() const {
    return find_images_to_label({.network = network,
                                 .dataset = dataset,
                                 .train = train,
                                 .test = test,
                                 .data_dir = "/missing/pictures",
                                 .batch = 64});
  }

  Dataset dataset;
  WideResNet network;
  ResidentSet train;
  ResidentSet test;
};

// The difference between the two largest values of softmax(logits).
double margin_of(const float* logits) {
  std::vector<double> p;
  double sum = 0;
  for (std::int64_t c = 0; c < kClasses; ++c) sum += std::exp(static_cast<double>(logits[c]));
  for (std::int64_t c = 0; c < kClasses; ++c) {
    p.push_back(std::exp(static_cast<double>(logits[c])) / sum);
  }
  std::ranges::sort(p, std::ranges::greater{});
  return p[0] - p[1];
}

}  // namespace

TEST_CASE("images to label: those with the smallest margins of all unlabelled ones") {
  const Trained trained(noise(106, 0));
  const std::optional<ImagesToLabel> found = trained.find();
  REQUIRE(found);
  CHECK(found->unlabeled == 100);
  CHECK(found->looked_at == 100);
  CHECK(!found->calibrated);
  REQUIRE(std::ssize(found->images) == kMostListed);
  const Logits all = compute_logits(trained.network, trained.train, 106, 32, DType::f32);
  std::vector<double> margins;
  for (std::size_t i = 6; i < 106; ++i) margins.push_back(margin_of(&all.logits[i * kClasses]));
  std::vector<double> sorted = margins;
  std::ranges::sort(sorted);
  CHECK(sorted.front() < 0.5 * sorted.back());
  for (std::size_t i = 0; i < found->images.size(); ++i) {
    const Prediction& one = found->images[i].prediction;
    CHECK(one.margin() == doctest::Approx(sorted[i]).epsilon(1e-4));
    const std::filesystem::path file = one.file;
    CHECK(file.parent_path() == "unlabeled");
    const std::size_t index = std::stoul(file.stem().string());
    CHECK(margins.at(index - 6) == doctest::Approx(sorted[i]).epsilon(1e-4));
    const Image picture = decode_image("png", found->images[i].png);
    CHECK(picture.width == 96);
  }
  REQUIRE(found->efforts.size() == 4);
  for (const CheckingEffort& effort : found->efforts) CHECK(effort.accepted <= 100);
}

TEST_CASE("images to label: at most 5,000 of many are looked at" * doctest::test_suite("full")) {
  const Trained trained(noise(5206, 30));
  const std::optional<ImagesToLabel> found = trained.find();
  REQUIRE(found);
  CHECK(found->unlabeled == 5200);
  CHECK(found->looked_at == 5000);
  REQUIRE(found->calibrated);
  CHECK(found->calibrated->images == 30);
  for (std::size_t i = 1; i < found->images.size(); ++i) {
    CHECK(found->images[i].prediction.margin() >= found->images[i - 1].prediction.margin());
  }
}

TEST_CASE("images to label: none where every image has a class, or outputs are not finite") {
  CHECK(!Trained(noise(6, 3)).find());
  Dataset unnamed = noise(20, 3);
  unnamed.train_files = {};
  CHECK(!Trained(std::move(unnamed)).find());
  Trained broken(noise(20, 3));
  auto named = broken.network.parameters().parameters();
  named.front().change([](Tensor& values) {
    const std::vector<double> nan(static_cast<std::size_t>(values.numel()), NAN);
    values.copy_(Tensor::from(nan, values.shape(), values.dtype()));
  });
  CHECK(!broken.find());
}

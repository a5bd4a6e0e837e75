// Hybrids of a training step: who is mixed with whom, what comes out, and what it is to be seen as.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/random.hpp"
#include "differences.hpp"
#include "kernels/image/mixing.hpp"
#include "tiny_generator.hpp"
#include "trainers/hybrid_maker.hpp"

using namespace scimix;

namespace {

constexpr std::int64_t kLabeled = 5;
constexpr std::int64_t kRows = 12;
constexpr std::int64_t kSize = 16;
constexpr std::int64_t kClasses = 10;
constexpr std::int64_t kPixels = kSize * kSize * 3;

const std::vector<std::int32_t> kLabels{7, 2, 0, 9, 4};

Tensor floats(const std::vector<float>& values, const Shape& shape) {
  return Tensor::from_host(std::span<const float>(values), shape);
}

HybridParents make_parents() {
  Random random(6, Purpose::test, 0, 0);
  std::vector<float> pixels(kRows * kPixels);
  for (float& value : pixels) value = random.uniform(-1, 1);
  std::vector<float> predictions;
  for (std::int64_t i = 0; i < kRows; ++i) {
    std::vector<float> row(kClasses);
    for (float& p : row) p = random.uniform();
    const float sum = std::accumulate(row.begin(), row.end(), 0.0F);
    for (const float p : row) predictions.push_back(p / sum);
  }
  return {.images = floats(pixels, {kRows, kSize, kSize, 3}),
          .labels = Tensor::from_host(std::span<const std::int32_t>(kLabels), {kLabeled}),
          .predictions = floats(predictions, {kRows, kClasses})};
}

ClassifierConfig config_of(const std::string& mixer, const std::string& use = "contradict") {
  ClassifierConfig config;
  config.method = Method::mean_teacher;
  config.hybrids.mixer = choice_of<MixerKind>(mixer);
  config.hybrids.use = choice_of<HybridUse>(use);
  config.hybrids.alpha = 0.8;
  config.seed = 9;
  return config;
}

// Random weights, and running statistics that are not those of a new network.
const Autoencoder& networks() {
  static const Autoencoder made = [] {
    Autoencoder networks = test::tiny_networks(kSize);
    const NoGrad constant;
    for (int i = 0; i < 3; ++i) {
      const Variable images(make_parents().images);
      static_cast<void>(networks.encode_semantic(images, {.mode = NormMode::train}));
      static_cast<void>(networks.encode_scene(images, {.mode = NormMode::train}));
    }
    return networks;
  }();
  return made;
}

Hybrids make(const ClassifierConfig& config, std::int64_t step = 0) {
  const bool by_generator = config.hybrids.mixer == MixerKind::scimix;
  return HybridMaker(config, by_generator ? &networks() : nullptr).make(make_parents(), step);
}

std::vector<std::int32_t> scenes_of(const Hybrids& hybrids) {
  return hybrids.scenes.to_host<std::int32_t>();
}

std::vector<double> image_of(const Tensor& images, std::int64_t row) {
  return images.rows(row, row + 1).to_doubles();
}

Tensor image(std::int64_t row) {
  return make_parents().images.rows(row, row + 1);
}

std::size_t argmax(const std::vector<double>& values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

std::vector<double> clamped(std::vector<double> values) {
  for (double& value : values) value = std::clamp(value, -1.0, 1.0);
  return values;
}

void check_close(const std::vector<double>& found, const std::vector<double>& expected,
                 double tolerance) {
  CHECK(test::largest_difference(found, expected) <= tolerance);
}

// Every mixer, so that a new one is tested as well.
const std::vector<std::string> kMixers = [] {
  std::vector<std::string> names = choice_names<MixerKind>();
  std::erase(names, "none");
  return names;
}();

// One pair by itself, with running statistics.
struct ByHand {
  std::vector<double> image;           // clamped
  std::vector<double> content;         // C(E_c(x_c))
  std::vector<double> of_hybrid = {};  // C(E_c(x_h))
};

ByHand generate(std::int64_t content, std::int64_t scene) {
  const NoGrad constant;
  const NormPass pass{.mode = NormMode::eval};
  const SemanticCode code = networks().encode_semantic(Variable(image(content)), pass);
  const Variable made =
      networks().generate(code.z_c, networks().encode_scene(Variable(image(scene)), pass));
  ByHand out{.image = clamped(made.value().to_doubles()),
             .content = code.logits.value().to_doubles()};
  const Variable hybrid(Tensor::from(out.image, made.shape(), DType::f32));
  out.of_hybrid = networks().encode_semantic(hybrid, pass).logits.value().to_doubles();
  return out;
}

std::vector<double> buffers() {
  std::vector<double> all;
  for (const WideResNet* encoder : {&networks().semantic_encoder(), &networks().scene_encoder()}) {
    for (const auto& buffer : encoder->parameters().buffers()) {
      for (const double value : buffer.value().to_doubles()) all.push_back(value);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("pairs are the batch and a permutation of all of it, a function of seed and step") {
  for (const std::string& mixer : kMixers) {
    CAPTURE(mixer);
    const ClassifierConfig config = config_of(mixer);
    const Hybrids first = make(config, 3);
    std::vector<std::int32_t> sorted = scenes_of(first);
    std::sort(sorted.begin(), sorted.end());
    std::vector<std::int32_t> all(kRows);
    std::iota(all.begin(), all.end(), 0);
    CHECK(sorted == all);
    CHECK(first.images.dim(0) == kRows);

    const Hybrids again = make(config, 3);
    CHECK(scenes_of(again) == scenes_of(first));
    CHECK(again.images.value().to_doubles() == first.images.value().to_doubles());
    CHECK(again.share.to_doubles() == first.share.to_doubles());
    CHECK(scenes_of(make(config, 4)) != scenes_of(first));
    ClassifierConfig other_seed = config;
    other_seed.seed = 10;
    CHECK(scenes_of(make(other_seed, 3)) != scenes_of(first));
  }
}

TEST_CASE("permutations of many steps are uniform") {
  // In 600 steps, image 0 gets each of 12 scenes 50 times. Chi-squared with 11 degrees of freedom
  // exceeds 35 with probability 2.5e-4.
  std::vector<int> counts(kRows);
  const ClassifierConfig config = config_of("mixup");
  for (int step = 0; step < 600; ++step) {
    ++counts[static_cast<std::size_t>(scenes_of(make(config, step))[0])];
  }
  double chi_squared = 0;
  for (const int count : counts) chi_squared += (count - 50.0) * (count - 50.0) / 50.0;
  CHECK(chi_squared < 35);
}

TEST_CASE("the predictions of a hybrid are those of its two parents") {
  for (const std::string& mixer : kMixers) {
    for (const std::string use : {"contradict", "labeled"}) {
      CAPTURE(mixer);
      CAPTURE(use);
      const Hybrids made = make(config_of(mixer, use));
      const std::vector<double> all = make_parents().predictions.to_doubles();
      const auto row = [&](std::int64_t i) {
        return std::vector<double>(all.begin() + i * kClasses, all.begin() + (i + 1) * kClasses);
      };
      const std::vector<std::int32_t> scenes = scenes_of(made);
      REQUIRE(std::ssize(scenes) == (use == "labeled" ? kLabeled : kRows));
      for (std::int64_t i = 0; i < std::ssize(scenes); ++i) {
        CHECK(made.p_c.rows(i, i + 1).to_doubles() == row(i));
        CHECK(made.p_r.rows(i, i + 1).to_doubles() == row(scenes[static_cast<std::size_t>(i)]));
      }
    }
  }
}

TEST_CASE("scimix: a hybrid is G's of the content's code and the scene's, each by itself") {
  // The hand-made pair is a batch of one: no image may depend on its neighbours. In f32 the order
  // of sums may still differ with the batch: some hundred roundings of numbers near 1.
  const Hybrids made = make(config_of("scimix"));
  const std::vector<std::int32_t> scenes = scenes_of(made);
  for (std::int64_t i = 0; i < kRows; ++i) {
    const ByHand expected = generate(i, scenes[static_cast<std::size_t>(i)]);
    check_close(image_of(made.images.value(), i), expected.image, 2e-5);
  }
}

TEST_CASE("scimix: labels are the images', then C's; the filter drops what C sees otherwise") {
  int kept = 0;
  int dropped = 0;
  for (std::int64_t step = 0; step < 6; ++step) {
    ClassifierConfig config = config_of("scimix");
    const Hybrids made = make(config, step);
    const std::vector<std::int32_t> labels = made.labels.to_host<std::int32_t>();
    REQUIRE(made.kept.defined());
    const std::vector<double> found = made.kept.to_doubles();
    for (std::size_t i = 0; i < kRows; ++i) {
      const ByHand expected = generate(static_cast<std::int64_t>(i), scenes_of(made)[i]);
      const auto label =
          i < kLabeled ? kLabels[i] : static_cast<std::int32_t>(argmax(expected.content));
      CHECK(labels[i] == label);
      const bool agrees = static_cast<std::int32_t>(argmax(expected.of_hybrid)) == label;
      CHECK(found[i] == (agrees ? 1.0 : 0.0));
      kept += agrees ? 1 : 0;
      dropped += agrees ? 0 : 1;
    }
    config.hybrids.filter = false;
    const Hybrids all = make(config, step);
    CHECK_FALSE(all.kept.defined());
    CHECK(all.labels.to_host<std::int32_t>() == labels);
    CHECK(all.images.value().to_doubles() == made.images.value().to_doubles());
  }
  CHECK(kept > 0);
  CHECK(dropped > 0);
}

TEST_CASE("scimix: the generator is only looked at") {
  const std::vector<double> before = buffers();
  const auto slab = [](const ParameterStore& store) {
    return store.parameter_slab().flat().to_doubles();
  };
  const std::vector<double> g = slab(networks().generator().parameters());
  const Hybrids made = make(config_of("scimix"));
  CHECK(buffers() == before);
  CHECK(slab(networks().generator().parameters()) == g);
  CHECK_FALSE(made.images.requires_grad());
}

TEST_CASE("no hybrid carries a gradient") {
  for (const std::string& mixer : kMixers) {
    CAPTURE(mixer);
    const Hybrids made = make(config_of(mixer));
    CHECK_FALSE(made.images.requires_grad());
    CHECK(made.images.is_leaf());
    const std::vector<double> pixels = made.images.value().to_doubles();
    CHECK(std::all_of(pixels.begin(), pixels.end(), [](double x) { return x >= -1 && x <= 1; }));
  }
}

TEST_CASE("the share of the content: alpha, 1 for consistency, the mixer's own") {
  const auto shares = [](const std::string& mixer, const std::string& use) {
    return make(config_of(mixer, use)).share.to_doubles();
  };
  for (const std::string mixer : {"scimix", "adain", "fda"}) {
    CAPTURE(mixer);
    CHECK(shares(mixer, "contradict") == std::vector<double>(kRows, static_cast<double>(0.8F)));
    CHECK(shares(mixer, "consistency") == std::vector<double>(kRows, 1.0));
  }
  for (const std::string mixer : {"mixup", "cutmix"}) {
    CAPTURE(mixer);
    std::vector<double> drawn = shares(mixer, "contradict");
    CHECK(shares(mixer, "consistency") == drawn);
    CHECK(std::all_of(drawn.begin(), drawn.end(), [](double x) { return x >= 0 && x <= 1; }));
    std::sort(drawn.begin(), drawn.end());
    CHECK(drawn.back() - drawn.front() > 0.2);  // every pair draws its own
  }
}

TEST_CASE("without a generator labels are the images', then the predictions'; all are kept") {
  for (const std::string& mixer : kMixers) {
    if (mixer == "scimix") continue;
    CAPTURE(mixer);
    const Hybrids made = make(config_of(mixer));
    CHECK_FALSE(made.kept.defined());
    const std::vector<std::int32_t> labels = made.labels.to_host<std::int32_t>();
    for (std::size_t i = 0; i < kRows; ++i) {
      const auto row = static_cast<std::int64_t>(i);
      const std::vector<double> p = make_parents().predictions.rows(row, row + 1).to_doubles();
      CHECK(labels[i] == (i < kLabeled ? kLabels[i] : static_cast<std::int32_t>(argmax(p))));
    }
  }
}

TEST_CASE("labeled: contents are the labelled images, scenes come from the whole batch") {
  for (const std::string& mixer : kMixers) {
    CAPTURE(mixer);
    bool other_scene = false;
    for (std::int64_t step = 0; step < 4; ++step) {
      const Hybrids made = make(config_of(mixer, "labeled"), step);
      CHECK(made.images.dim(0) == kLabeled);
      CHECK(made.share.numel() == kLabeled);
      CHECK(made.labels.to_host<std::int32_t>() == kLabels);
      const Hybrids whole = make(config_of(mixer), step);
      const std::vector<std::int32_t> scenes = scenes_of(made);
      const std::vector<std::int32_t> of_whole = scenes_of(whole);
      CHECK(std::equal(scenes.begin(), scenes.end(), of_whole.begin()));
      other_scene |= std::any_of(scenes.begin(), scenes.end(),
                                 [](std::int32_t scene) { return scene >= kLabeled; });
      // The same images as among all hybrids; only the batch of the networks is smaller.
      check_close(made.images.value().to_doubles(),
                  whole.images.value().rows(0, kLabeled).to_doubles(), 2e-5);
    }
    CHECK(other_scene);
  }
}

TEST_CASE("mixup: each pixel is the shared mean of the two parents'") {
  const Hybrids made = make(config_of("mixup"));
  const std::vector<double> share = made.share.to_doubles();
  for (std::int64_t i = 0; i < kRows; ++i) {
    const auto at = static_cast<std::size_t>(i);
    std::vector<double> expected = image(i).to_doubles();
    const std::vector<double> scene = image(scenes_of(made)[at]).to_doubles();
    for (std::size_t k = 0; k < expected.size(); ++k) {
      expected[k] = share[at] * expected[k] + (1 - share[at]) * scene[k];
    }
    check_close(image_of(made.images.value(), i), expected, 3e-7);  // roundings of numbers up to 1
  }
}

TEST_CASE("mixup: shares follow Beta(a, a) of --mixup-alpha") {
  for (const double a : {0.1, 1.0, 4.0}) {
    CAPTURE(a);
    ClassifierConfig config = config_of("mixup");
    config.hybrids.mixup_alpha = a;
    double sum = 0;
    double squares = 0;
    const int steps = 150;
    for (int step = 0; step < steps; ++step) {
      for (const double share : make(config, step).share.to_doubles()) {
        sum += share;
        squares += (share - 0.5) * (share - 0.5);
      }
    }
    const double n = static_cast<double>(steps) * kRows;
    const double variance = 1 / (4 * (2 * a + 1));
    const double kurtosis = 3 - 6 / (2 * a + 3);
    CHECK(std::abs(sum / n - 0.5) < 5 * std::sqrt(variance / n));
    CHECK(std::abs(squares / n - variance) < 5 * variance * std::sqrt((kurtosis - 1) / n));
  }
}

TEST_CASE("cutmix: a rectangle of the scene, whose area is missing in the share") {
  bool some_box = false;
  for (std::int64_t step = 0; step < 5; ++step) {
    const Hybrids made = make(config_of("cutmix"), step);
    const std::vector<double> share = made.share.to_doubles();
    for (std::int64_t i = 0; i < kRows; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (scenes_of(made)[at] == i) continue;  // mixed with itself
      const std::vector<double> found = image_of(made.images.value(), i);
      const std::vector<double> content = image(i).to_doubles();
      const std::vector<double> scene = image(scenes_of(made)[at]).to_doubles();
      std::int64_t top = kSize;
      std::int64_t left = kSize;
      std::int64_t bottom = 0;
      std::int64_t right = 0;
      std::int64_t replaced = 0;
      for (std::int64_t y = 0; y < kSize; ++y) {
        for (std::int64_t x = 0; x < kSize; ++x) {
          const auto pixel = static_cast<std::ptrdiff_t>((y * kSize + x) * 3);
          const auto is = [&](const std::vector<double>& parent) {
            return std::equal(found.begin() + pixel, found.begin() + pixel + 3,
                              parent.begin() + pixel);
          };
          REQUIRE((is(content) || is(scene)));
          if (is(content)) continue;
          ++replaced;
          top = std::min(top, y);
          left = std::min(left, x);
          bottom = std::max(bottom, y + 1);
          right = std::max(right, x + 1);
        }
      }
      if (replaced > 0) CHECK(replaced == (bottom - top) * (right - left));
      CHECK(share[at] ==
            doctest::Approx(1 - static_cast<double>(replaced) / (kSize * kSize)).epsilon(1e-6));
      some_box |= replaced > 0;
    }
  }
  CHECK(some_box);
}

TEST_CASE("adain and fda: the kernels' images of each pair, in the range of images") {
  for (const std::string mixer : {"adain", "fda"}) {
    CAPTURE(mixer);
    ClassifierConfig config = config_of(mixer);
    config.hybrids.fda_band = 0.1;  // of 16 pixels: frequencies -1..1
    const Hybrids made = make(config);
    bool left_range = false;
    for (std::int64_t i = 0; i < kRows; ++i) {
      const std::int32_t scene = scenes_of(made)[static_cast<std::size_t>(i)];
      Tensor expected = Tensor::empty({1, kSize, kSize, 3}, DType::f32);
      if (mixer == "adain") mix_adain(image(i), image(scene), expected);
      if (mixer == "fda") mix_fda(image(i), image(scene), 0.1, expected);
      const std::vector<double> unbounded = expected.to_doubles();
      left_range |= clamped(unbounded) != unbounded;
      check_close(image_of(made.images.value(), i), clamped(unbounded), 1e-6);
    }
    CHECK(left_range);
  }
  // --fda-band counts.
  ClassifierConfig narrow = config_of("fda");
  narrow.hybrids.fda_band = 0.01;
  ClassifierConfig wide = narrow;
  wide.hybrids.fda_band = 0.2;
  CHECK(make(narrow).images.value().to_doubles() != make(wide).images.value().to_doubles());
}

TEST_CASE("hybrids of bf16 images are bf16, near those of f32") {
  HybridParents parents = make_parents();
  const Tensor wide = parents.images;
  {
    const NoGrad constant;
    parents.images = cast(Variable(wide), DType::bf16).value();
  }
  for (const std::string& mixer : kMixers) {
    CAPTURE(mixer);
    const HybridMaker maker(config_of(mixer), mixer == "scimix" ? &networks() : nullptr);
    const Hybrids narrow = maker.make(parents, 0);
    CHECK(narrow.images.dtype() == DType::bf16);
    CHECK(narrow.share.dtype() == DType::f32);
    const std::vector<double> found = narrow.images.value().to_doubles();
    const std::vector<double> expected = make(config_of(mixer)).images.value().to_doubles();
    double squares = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      squares += (found[i] - expected[i]) * (found[i] - expected[i]);
    }
    // bf16 keeps 8 bits: 1/256 of a pixel, some times that behind twenty layers.
    CHECK(std::sqrt(squares / static_cast<double>(found.size())) < 0.03);
  }
}

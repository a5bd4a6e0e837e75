// What tells apart why hybrids miss a class: the linear probe and the diversity of hybrids.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "data/digits.hpp"
#include "trainers/hybrid_diversity.hpp"
#include "trainers/linear_probe.hpp"

using namespace scimix;

namespace {

// Codes [count,3]: feature 0 holds the class (with noise that never crosses the border between two
// classes), feature 1 is noise, feature 2 is constant.
LabeledCodes codes_with_class(std::int64_t count, bool shows_class, std::uint32_t stream) {
  Random random(4, Purpose::test, stream, 0);
  std::vector<float> values;
  LabeledCodes made;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto label = static_cast<std::int32_t>(random.uniform() * 2.0F);
    made.labels.push_back(label);
    const float shown = shows_class ? static_cast<float>(label) : 0.5F;
    values.push_back(100.0F + shown + 0.8F * (random.uniform() - 0.5F));
    values.push_back(random.uniform());
    values.push_back(7.0F);
  }
  made.codes = Tensor::from_host(std::span<const float>(values), {count, 3}, kCpu);
  return made;
}

const ResidentSet& images() {
  static const ResidentSet set(draw_digits(40, 5, DigitSet::test), kCpu);
  return set;
}

std::vector<std::int32_t> labels() {
  return draw_digits(40, 5, DigitSet::test).labels;
}

double rms(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = a.to_doubles();
  const std::vector<double> y = b.to_doubles();
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) squares += (x[i] - y[i]) * (x[i] - y[i]);
  return std::sqrt(squares / static_cast<double>(x.size()));
}

}  // namespace

TEST_CASE("linear probe: finds a class that is there, and none that is not") {
  // Separable by a threshold on feature 0, whose offset of 100 only standardisation removes.
  const ProbeOptions options{.epochs = 60, .batch = 50, .learning_rate = 1e-2};
  CHECK(linear_probe_accuracy(codes_with_class(400, true, 0), codes_with_class(300, true, 1), 2,
                              options) > 0.99);
  // 300 fair coins: 6 standard deviations around one half.
  const double blind = linear_probe_accuracy(codes_with_class(400, false, 0),
                                             codes_with_class(300, false, 1), 2, options);
  CHECK(std::abs(blind - 0.5) < 6 * 0.5 / std::sqrt(300.0));
}

TEST_CASE("linear probe: learns from labelled images of every class, however they are sorted") {
  std::vector<std::int32_t> labels;
  for (std::int32_t c = 0; c < 50; ++c) labels.insert(labels.end(), 20, c);
  labels.insert(labels.end(), 3000, -1);
  const std::vector<std::int32_t> chosen = images_for_probe(labels, 100);
  REQUIRE(chosen.size() == 100);
  std::vector<int> counts(50);
  for (const std::int32_t at : chosen)
    ++counts.at(static_cast<std::size_t>(labels.at(static_cast<std::size_t>(at))));
  CHECK(counts == std::vector<int>(50, 2));
  CHECK(std::ranges::is_sorted(chosen));
  CHECK(images_for_probe(labels, 5000).size() == 1000);  // all that have a label
  const std::vector<std::int32_t> unknown(10, -1);
  CHECK_THROWS_WITH_AS(static_cast<void>(images_for_probe(unknown, 5)),
                       doctest::Contains("no training image has a label"), Error);
}

TEST_CASE("linear probe: scene codes are rows in the order asked for") {
  const Autoencoder networks(
      {.encoder = {.depth = 10, .width = 1, .classes = 10},
       .generator = {.image_size = 32, .base_channels = 4, .max_channels = 8}},
      3, kCpu);
  const std::vector<std::int32_t> some{5, 3, 8, 1, 0};
  const LabeledCodes whole = scene_codes(networks, images(), some, 5);
  const LabeledCodes parts = scene_codes(networks, images(), some, 2);
  const Batch batch = images().plain(some, DType::f32);
  const Variable z_r = networks.encode_scene(batch.images, {.mode = NormMode::eval});
  CHECK(whole.codes.shape() == Shape{5, z_r.shape().numel() / 5});
  CHECK(whole.labels == batch.labels.to_host<std::int32_t>());
  CHECK(parts.labels == whole.labels);
  CHECK(whole.codes.to_doubles() == z_r.value().to_doubles());
  CHECK(rms(whole.codes, parts.codes) < 1e-5);  // f32, other sizes of matrix products
}

TEST_CASE(
    "diversity: a mixer that ignores a code makes the same hybrid, one that shows it as many") {
  const Mixer keeps_content = [](const Tensor& x_c, const Tensor&, std::int64_t) {
    return x_c.clone();
  };
  const Mixer keeps_scene = [](const Tensor&, const Tensor& x_r, std::int64_t) {
    return x_r.clone();
  };
  const Diversity content = measure_diversity(keeps_content, images(), labels(), 1, 10, 4);
  const Diversity scene = measure_diversity(keeps_scene, images(), labels(), 1, 10, 4);
  CHECK(content.hybrids_over_scenes == 0.0);
  CHECK(content.hybrids_over_contents == content.real_contents);
  CHECK(scene.hybrids_over_contents == 0.0);
  CHECK(scene.hybrids_over_scenes == scene.real_scenes);
  CHECK(content.real_contents > 0.1);  // two different digits differ
  CHECK(scene.real_scenes > 0.1);
  // The same seed asks the same of every mixer.
  CHECK(content.real_scenes == scene.real_scenes);
}

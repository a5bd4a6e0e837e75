// Pairs of images, what is asked of their hybrids, and the mixers that make them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.hpp"
#include "data/digits.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/mixers.hpp"

using namespace scimix;

namespace {

const ResidentSet& images() {
  static const ResidentSet set(draw_digits(60, 5, DigitSet::test), kCpu);
  return set;
}

// An oracle does not have to be good for the counting to be right.
const WideResNet& oracle() {
  static const WideResNet network({.depth = 10, .width = 1, .classes = 10}, 3, kCpu);
  return network;
}

Mixer keeps_content() {
  return [](const Tensor& x_c, const Tensor&, std::int64_t) { return x_c.clone(); };
}

Mixer keeps_scene() {
  return [](const Tensor&, const Tensor& x_r, std::int64_t) { return x_r.clone(); };
}

}  // namespace

TEST_CASE("pairs: every image is a content once, and never its own scene") {
  const Pairs pairs = make_pairs(60, 60, 4);
  CHECK(std::set(pairs.content.begin(), pairs.content.end()).size() == 60);
  CHECK(std::set(pairs.scene.begin(), pairs.scene.end()).size() == 60);
  for (std::size_t i = 0; i < 60; ++i) CHECK(pairs.content[i] != pairs.scene[i]);
  CHECK(make_pairs(60, 60, 5).content != pairs.content);
  CHECK(make_pairs(60, 60, 4).scene == pairs.scene);
}

TEST_CASE("pairs: more than there are images bring other partners") {
  const Pairs pairs = make_pairs(12, 4, 0);
  std::set<std::pair<std::int32_t, std::int32_t>> seen;
  for (std::size_t i = 0; i < pairs.content.size(); ++i) {
    CHECK(pairs.content[i] != pairs.scene[i]);
    seen.emplace(pairs.content[i], pairs.scene[i]);
  }
  CHECK(seen.size() == 12);  // all ordered pairs of 4 images
  CHECK_THROWS_WITH_AS(static_cast<void>(make_pairs(3, 1, 0)),
                       doctest::Contains("expected at least 2"), Error);
}

TEST_CASE("transfer: a mixer that returns one parent has its class and its scene") {
  const Pairs pairs = make_pairs(60, 60, 1);
  const Evaluation alone = evaluate(oracle(), images(), 60, DType::f32);
  for (const std::int64_t batch : {60, 17}) {  // the last batch is smaller
    CAPTURE(batch);
    const Transfer content = measure_transfer(keeps_content(), oracle(), images(), pairs, batch);
    CHECK(content.pairs == 60);
    CHECK(content.scene_kept == 0);
    CHECK(content.s_c() == doctest::Approx(alone.accuracy).epsilon(1e-12));
    const Transfer scene = measure_transfer(keeps_scene(), oracle(), images(), pairs, batch);
    CHECK(scene.scene_kept == 60);
    CHECK(scene.s_r() == 1.0);
  }
}

TEST_CASE("mixers: MixUp's shares belong to the pair, not to its batch") {
  const std::vector<std::int32_t> content{0, 1, 2, 3};
  const std::vector<std::int32_t> scene{4, 5, 6, 7};
  const Tensor x_c = images().plain(content, DType::f32).images.value();
  const Tensor x_r = images().plain(scene, DType::f32).images.value();
  const Mixer mixer = mixup_mixer(9);
  const Tensor whole = mixer(x_c, x_r, 0);
  CHECK(mixer(x_c.rows(2, 4), x_r.rows(2, 4), 2).to_doubles() == whole.rows(2, 4).to_doubles());
  CHECK(mixup_mixer(8)(x_c, x_r, 0).to_doubles() != whole.to_doubles());
  // x_c dominates: the hybrid lies nearer to it.
  const Transfer t = measure_transfer(mixer, oracle(), images(), make_pairs(60, 60, 0), 60);
  CHECK(t.scene_kept == 0);
}

TEST_CASE("mixers: an image mixed with itself stays as it is, and nothing leaves [-1,1]") {
  const std::vector<std::int32_t> content{0, 1, 2, 3};
  const std::vector<std::int32_t> scene{9, 8, 7, 6};
  const Tensor x_c = images().plain(content, DType::f32).images.value();
  const Tensor x_r = images().plain(scene, DType::f32).images.value();
  for (const Mixer& mixer : {mixup_mixer(0), adain_mixer(), fda_mixer()}) {
    const std::vector<double> same = mixer(x_c, x_c, 0).to_doubles();
    const std::vector<double> expected = x_c.to_doubles();
    for (std::size_t i = 0; i < same.size(); ++i) {
      // FDA adds up some hundred terms per frequency in f32.
      CHECK(same[i] == doctest::Approx(expected[i]).epsilon(1e-4));
    }
    for (const double value : mixer(x_c, x_r, 0).to_doubles()) CHECK(std::abs(value) <= 1.0);
  }
}

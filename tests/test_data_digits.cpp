#include <doctest/doctest.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "data/digit_strokes.hpp"
#include "data/digits.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

constexpr std::size_t kPixels = 32 * 32;

// The brightness of each pixel of image i.
std::vector<double> brightness(const ImageSet& images, std::int64_t i) {
  const auto bytes = images.image(i);
  std::vector<double> grey(kPixels);
  for (std::size_t p = 0; p < kPixels; ++p) {
    grey[p] = (bytes[3 * p] + bytes[3 * p + 1] + bytes[3 * p + 2]) / 3.0;
  }
  return grey;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// How far each pixel is from the usual brightness of its image, whether lighter or darker, scaled
// to a sum of squares of 1: digits of both polarities become comparable.
std::vector<double> features(const ImageSet& images, std::int64_t i) {
  std::vector<double> values = brightness(images, i);
  const double middle = median(values);
  double squares = 0;
  for (double& v : values) {
    v = std::fabs(v - middle);
    squares += v * v;
  }
  for (double& v : values) v /= std::sqrt(squares) + 1e-9;
  return values;
}

}  // namespace

TEST_CASE("digits: every design draws every digit inside its box") {
  CHECK(digits::fonts().size() >= 5);
  for (const digits::Font& font : digits::fonts()) {
    CAPTURE(font.name);
    REQUIRE(font.glyphs.size() == 10);
    std::set<std::string> shapes;
    for (const digits::Glyph& glyph : font.glyphs) {
      float top = 1;
      float bottom = -1;
      std::string shape;
      for (const digits::Stroke& stroke : glyph.strokes) {
        CHECK(stroke.points.size() >= 2);
        for (const digits::Point p : stroke.points) {
          CHECK(std::fabs(p.x) <= glyph.width / 2 + 1e-5F);
          top = std::min(top, p.y);
          bottom = std::max(bottom, p.y);
          shape += std::to_string(p.x) + "," + std::to_string(p.y) + " ";
        }
      }
      // All digits stand on one line and are of one height, give or take a stroke's width.
      CHECK(top == doctest::Approx(-0.5).epsilon(0.06));
      CHECK(bottom == doctest::Approx(0.5).epsilon(0.06));
      CHECK(glyph.width < 1);
      shapes.insert(shape);
    }
    CHECK(shapes.size() == 10);
  }
}

TEST_CASE("digits: balanced, of the stated size") {
  const Dataset dataset = load_digits(50, 30, 3);
  CHECK(dataset.name == "digits");
  CHECK(!dataset.flip_allowed);
  CHECK(dataset.class_names.size() == 10);
  CHECK(dataset.train.height == 32);
  CHECK(dataset.train.width == 32);
  CHECK(class_counts(dataset.train, 10) == std::vector<std::int64_t>(10, 5));
  CHECK(class_counts(dataset.test, 10) == std::vector<std::int64_t>(10, 3));
  CHECK(draw_digits(0, 3, DigitSet::train).count == 0);
  CHECK(test::contains(test::user_error_of([] { (void)load_digits(50, 9, 3); }),
                       "50 training and 9 test images, expected at least 10"));
}

TEST_CASE("digits: the same bytes for the same seed, a prefix for a smaller number") {
  const ImageSet large = draw_digits(200, 7, DigitSet::train);
  const ImageSet small = draw_digits(130, 7, DigitSet::train);
  CHECK(std::equal(small.pixels.begin(), small.pixels.end(), large.pixels.begin()));
  CHECK(std::equal(small.labels.begin(), small.labels.end(), large.labels.begin()));
  CHECK(draw_digits(200, 7, DigitSet::train).pixels == large.pixels);
  CHECK(draw_digits(200, 8, DigitSet::train).pixels != large.pixels);
  CHECK(draw_digits(200, 7, DigitSet::test).pixels != large.pixels);
  // Of 200 pictures no two are the same.
  std::set<std::vector<std::uint8_t>> different;
  for (std::int64_t i = 0; i < 200; ++i) {
    different.insert({large.image(i).begin(), large.image(i).end()});
  }
  CHECK(different.size() == 200);
}

// A split file names the data set by its hash, so the bytes must not depend on the machine. If this
// fails after a change to the drawing, the new hash belongs here and old split files of digits are
// void; if it fails without one, look for fused multiply-adds (-ffp-contract) in data/digit*.cpp.
TEST_CASE("digits: the same bytes on every machine") {
  CHECK(content_hash(draw_digits(500, 1, DigitSet::train)) == "e20644edc291d879");
  CHECK(content_hash(draw_digits(500, 1, DigitSet::test)) == "48c912dcbcf9ab74");
}

TEST_CASE("digits: the number of threads does not matter") {
#ifdef _OPENMP
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const ImageSet one = draw_digits(100, 5, DigitSet::train);
  omp_set_num_threads(3);
  const ImageSet three = draw_digits(100, 5, DigitSet::train);
  omp_set_num_threads(before);
  CHECK(one.pixels == three.pixels);
#else
  skip_check("built without OpenMP");
#endif
}

TEST_CASE("digits: light on dark as often as dark on light, never without contrast") {
  const ImageSet images = draw_digits(1000, 11, DigitSet::train);
  int light_ink = 0;
  for (std::int64_t i = 0; i < images.count; ++i) {
    std::vector<double> grey = brightness(images, i);
    // Ink covers less than half of a picture: its tail pulls the mean away from the median.
    light_ink += mean(grey) > median(grey) ? 1 : 0;
    std::sort(grey.begin(), grey.end());
    const double range = grey[kPixels - kPixels / 20] - grey[kPixels / 20];
    CHECK(range > 15);
  }
  CHECK(light_ink > 350);
  CHECK(light_ink < 650);
}

// Labels and pictures belong together, and yet the task is no trivial one: the mean picture of each
// class, a simple classifier, does far better than chance and far worse than a person.
TEST_CASE("digits: the pictures show their labels") {
  const ImageSet train = draw_digits(3000, 2, DigitSet::train);
  const ImageSet held = draw_digits(1000, 2, DigitSet::test);
  std::array<std::vector<double>, 10> means;
  means.fill(std::vector<double>(kPixels));
  for (std::int64_t i = 0; i < train.count; ++i) {
    const auto f = features(train, i);
    auto& m = means[static_cast<std::size_t>(train.labels[static_cast<std::size_t>(i)])];
    for (std::size_t p = 0; p < kPixels; ++p) m[p] += f[p];
  }
  for (auto& m : means) {
    const double norm = std::sqrt(std::inner_product(m.begin(), m.end(), m.begin(), 0.0));
    for (double& v : m) v /= norm;
  }
  std::array<int, 10> right{};
  for (std::int64_t i = 0; i < held.count; ++i) {
    const auto f = features(held, i);
    std::array<double, 10> score{};
    for (std::size_t c = 0; c < 10; ++c) {
      score[c] = std::inner_product(f.begin(), f.end(), means[c].begin(), 0.0);
    }
    const auto best = std::max_element(score.begin(), score.end()) - score.begin();
    const auto label = static_cast<std::size_t>(held.labels[static_cast<std::size_t>(i)]);
    right[label] += static_cast<std::size_t>(best) == label ? 1 : 0;
  }
  const int total = std::accumulate(right.begin(), right.end(), 0);
  MESSAGE("mean pictures: " << total << " of 1000 right");
  CHECK(total > 250);  // chance: 100, standard deviation 9.5
  CHECK(total < 850);
  for (const int of_class : right) CHECK(of_class > 10);  // of 100
}

}  // namespace scimix

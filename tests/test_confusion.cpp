// Counts of labels against predictions, and their picture.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "core/device.hpp"
#include "data/digits.hpp"
#include "kernels/metrics.hpp"
#include "kernels/phase_order.hpp"
#include "report/confusion_picture.hpp"
#include "tests/markup_check.hpp"
#include "tests/skip.hpp"
#include "trainers/evaluate.hpp"

using namespace scimix;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Rows {
  std::int64_t classes;
  std::vector<double> logits;  // [N,classes]
  std::vector<std::int32_t> labels;

  [[nodiscard]] std::int64_t count() const { return std::ssize(labels); }
  [[nodiscard]] Tensor tensor(DType dtype) const {
    const Tensor out = Tensor::empty({count(), classes}, dtype, kCpu);
    dispatch_floating(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::size_t i = 0; i < logits.size(); ++i) {
        out.data<T>()[i] = static_cast<T>(static_cast<float>(logits[i]));
      }
    });
    return out;
  }
};

// Eighths up to 4 are exact in every dtype, and few enough that rows have equal largest logits.
Rows random_rows(std::int64_t count, std::int64_t classes, unsigned seed) {
  std::mt19937 random(seed);
  Rows rows{classes, {}, {}};
  for (std::int64_t i = 0; i < count * classes; ++i) {
    rows.logits.push_back(static_cast<double>(random() % 32) / 8.0);
  }
  for (std::int64_t i = 0; i < count; ++i) {
    rows.labels.push_back(static_cast<std::int32_t>(random() % static_cast<unsigned>(classes)));
  }
  return rows;
}

// [classes,classes+1] by definition.
std::vector<double> naive_counts(const Rows& rows) {
  const auto columns = static_cast<std::size_t>(rows.classes + 1);
  std::vector<double> counts(static_cast<std::size_t>(rows.classes) * columns);
  for (std::size_t i = 0; i < rows.labels.size(); ++i) {
    if (rows.labels[i] < 0 || rows.labels[i] >= rows.classes) continue;
    const double* row = rows.logits.data() + i * static_cast<std::size_t>(rows.classes);
    std::size_t best = 0;
    for (std::size_t c = 0; c + 1 < columns; ++c) {
      if (row[c] > row[best]) best = c;
    }
    for (std::size_t c = 0; c + 1 < columns; ++c) {
      if (std::isnan(row[c])) best = columns - 1;
    }
    counts[static_cast<std::size_t>(rows.labels[i]) * columns + best] += 1;
  }
  return counts;
}

std::vector<double> counted(const Rows& rows, DType dtype, int times = 1, Device device = kCpu) {
  const Tensor counts = Tensor::zeros({rows.classes, rows.classes + 1}, DType::i32, device);
  const Tensor labels =
      Tensor::from_host(std::span<const std::int32_t>(rows.labels), {rows.count()}, device);
  for (int i = 0; i < times; ++i) count_confusion(rows.tensor(dtype).to(device), labels, counts);
  return counts.to_doubles();
}

Confusion three_classes() {
  Confusion c(3);
  c.counts = {8, 2, 0, 1, 5, 3, 0, 0, 0};
  c.undecided = {0, 1, 0};
  return c;
}

}  // namespace

TEST_CASE("confusion: counts are those of a naive loop") {
  for (const auto& [count, classes] : {std::pair<std::int64_t, std::int64_t>{250, 10},
                                       {1, 10},
                                       {0, 10},
                                       {37, 2},
                                       {300, 101},
                                       {5, 1}}) {
    CAPTURE(count);
    CAPTURE(classes);
    const Rows rows = random_rows(count, classes, 7);
    for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
      CHECK(counted(rows, dtype) == naive_counts(rows));
      const ShufflePhases shuffle;
      CHECK(counted(rows, dtype) == naive_counts(rows));
    }
  }
}

TEST_CASE("confusion: batches add up, NaN predicts nothing, unknown labels count nowhere") {
  Rows rows = random_rows(60, 4, 3);
  rows.logits[0] = kNan;          // the first of row 0
  rows.logits[4 * 7 + 3] = kNan;  // the last of row 7
  for (int c = 0; c < 4; ++c) rows.logits[static_cast<std::size_t>(4 * 9 + c)] = kNan;
  rows.labels[20] = -1;
  rows.labels[21] = 4;
  std::vector<double> expected = naive_counts(rows);
  CHECK(counted(rows, DType::f32) == expected);
  CHECK(counted(rows, DType::bf16) == expected);
  double all = 0;
  double undecided = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    all += expected[i];
    if (i % 5 == 4) undecided += expected[i];
  }
  CHECK(all == 58);
  CHECK(undecided == 3);
  for (double& count : expected) count *= 3;
  CHECK(counted(rows, DType::f32, 3) == expected);
}

TEST_CASE("confusion: the GPU counts alike") {
  if (cuda_device_count() == 0) {
    skip_gpu_check("counts of confusions on the GPU");
    return;
  }
  Rows rows = random_rows(250, 10, 11);
  rows.logits[25] = kNan;
  for (const DType dtype : {DType::f32, DType::bf16}) {
    CHECK(counted(rows, dtype, 2, Device{Device::Kind::cuda, 0}) == counted(rows, dtype, 2));
  }
}

TEST_CASE("confusion: of a network, each image once whatever the batch") {
  const ImageSet digits = draw_digits(53, 5, DigitSet::test);
  const ResidentSet set(digits, kCpu);
  const WideResNet network({.depth = 10, .width = 1, .classes = 10}, 3, kCpu);
  const Confusion found = confusion_of(network, set, 53, DType::f32);
  CHECK(found.images() == 53);
  const Evaluation evaluation = evaluate(network, set, 20, DType::f32);
  CHECK(found.accuracy() == evaluation.accuracy);
  const std::vector<std::int64_t> of_class = class_counts(digits, 10);
  for (std::int64_t i = 0; i < 10; ++i) {
    CHECK(found.images(i) == of_class[static_cast<std::size_t>(i)]);
  }
  // With running statistics an image's logits don't depend on its batch.
  CHECK(confusion_of(network, set, 20, DType::f32).counts == found.counts);
}

TEST_CASE("confusion: shares and frequent mistakes") {
  const Confusion c = three_classes();
  CHECK(c.count(1, 2) == 3);
  CHECK(c.images(1) == 10);
  CHECK(c.images(2) == 0);
  CHECK(c.images() == 20);
  CHECK(c.correct() == 13);
  CHECK(c.accuracy() == 13.0 / 20);
  CHECK(c.class_accuracy(1) == 0.5);
  CHECK(c.class_accuracy(2) == 0.0);
  CHECK(Confusion(3).accuracy() == 0.0);

  const std::vector<Mistake> all = frequent_mistakes(c, 9);
  REQUIRE(all.size() == 3);
  CHECK(all[0].label == 1);
  CHECK(all[0].prediction == 2);
  CHECK(all[0].images == 3);
  CHECK(all[1].images == 2);
  CHECK(all[2].images == 1);
  CHECK(frequent_mistakes(c, 1).size() == 1);
  Confusion equal(3);
  equal.counts = {0, 1, 1, 1, 0, 1, 1, 1, 0};
  const std::vector<Mistake> in_order = frequent_mistakes(equal, 2);
  CHECK(in_order[0].prediction == 1);
  CHECK(in_order[1].prediction == 2);
}

TEST_CASE("confusion picture: well-formed, with names, counts, shares and accuracies") {
  const std::vector<std::string> names{"cat", "<dog> & \"co\"", "b\xFFird"};
  const std::string svg = confusion_svg(three_classes(), names);
  CHECK(test::markup_fault(svg) == "");
  CHECK(svg.starts_with("<svg "));
  CHECK(svg.find("&lt;dog&gt; &amp; &quot;co&quot;") != std::string::npos);
  CHECK(svg.find("<dog>") == std::string::npos);
  CHECK(svg.find('\xFF') == std::string::npos);
  CHECK(svg.find("b\xEF\xBF\xBDird") != std::string::npos);
  CHECK(svg.find("13 of 20 images correct, 65.00%") != std::string::npos);
  CHECK(svg.find(">80.0%</text>") != std::string::npos);
  CHECK(svg.find("cat taken for &lt;dog&gt; &amp; &quot;co&quot;: 2 images, 20.0% of cat") !=
        std::string::npos);
  // sqrt(0.2) as strength, and the column of undecided images.
  CHECK(svg.find("fill-opacity=\"0.447\"") != std::string::npos);
  CHECK(svg.find(">none</text>") != std::string::npos);
  CHECK(svg.find("taken for no class: 1 images") != std::string::npos);
  CHECK(test::occurrences(svg, "class=\"mid\"") + test::occurrences(svg, "class=\"mid strong\"") >=
        6);  // six cells with images
  CHECK(test::occurrences(svg, "class=\"empty\"") == 12 - 6);
  // Light ink where the colour is strong: shares of 0.8 and 0.5, not 0.3.
  CHECK(test::occurrences(svg, "class=\"mid strong\"") == 2);
}

TEST_CASE("confusion picture: many classes have no counts in their cells") {
  const auto picture = [](std::int64_t classes) {
    Confusion c(classes);
    std::vector<std::string> names;
    for (std::int64_t i = 0; i < classes; ++i) {
      c.counts[static_cast<std::size_t>(i * classes + i)] = 12345;
      names.push_back("class " + std::to_string(i));
    }
    return confusion_svg(c, names);
  };
  CHECK(test::markup_fault(picture(40)) == "");
  CHECK(test::occurrences(picture(20), ">12345</text>") == 20);
  CHECK(test::occurrences(picture(21), ">12345</text>") == 0);
  CHECK(test::occurrences(picture(21), "12345 images") == 21);  // tooltips
  CHECK(picture(4).find(">none</text>") == std::string::npos);
}

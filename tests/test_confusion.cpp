// Counts of labels against predictions, and their picture; running sums of losses and correct rows.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <set>
#include <sstream>

#include "core/device.hpp"
#include "core/error.hpp"
#include "data/digits.hpp"
#include "kernels/launch/phase_order.hpp"
#include "kernels/metrics/metrics.hpp"
#include "report/confusion_picture.hpp"
#include "tests/markup_check.hpp"
#include "tests/program.hpp"
#include "tests/skip.hpp"
#include "tools/eval/accuracy_report.hpp"
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
    Tensor out = Tensor::empty({count(), classes}, dtype, kCpu);
    dispatch_floating(dtype, [&]<class T>(TypeTag<T>) {
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

// The predictions by definition; `classes` for a row with a NaN.
std::vector<std::int32_t> naive_predictions(const Rows& rows) {
  const auto classes = static_cast<std::size_t>(rows.classes);
  std::vector<std::int32_t> predictions;
  for (std::size_t i = 0; i < rows.labels.size(); ++i) {
    const double* row = rows.logits.data() + i * classes;
    std::size_t best = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      if (row[c] > row[best]) best = c;
    }
    for (std::size_t c = 0; c < classes; ++c) {
      if (std::isnan(row[c])) best = classes;
    }
    predictions.push_back(static_cast<std::int32_t>(best));
  }
  return predictions;
}

std::vector<std::int32_t> predicted(const Rows& rows, DType dtype, Device device = kCpu) {
  Tensor predictions = Tensor::empty({rows.count()}, DType::i32, device);
  predict_classes(rows.tensor(dtype).to(device), predictions);
  return predictions.to_host<std::int32_t>();
}

// Fills a matrix from [classes,classes] counts and the images without a class of each row.
Confusion matrix(std::int64_t classes, const std::vector<std::int64_t>& counts,
                 const std::vector<std::int64_t>& undecided = {}) {
  Confusion c(classes);
  for (std::int64_t cell = 0; cell < classes * classes; ++cell) {
    c.add(cell / classes, cell % classes, counts[static_cast<std::size_t>(cell)]);
  }
  for (std::size_t label = 0; label < undecided.size(); ++label) {
    c.add(static_cast<std::int64_t>(label), classes, undecided[label]);
  }
  return c;
}

Confusion three_classes() {
  return matrix(3, {8, 2, 0, 1, 5, 3, 0, 0, 0}, {0, 1, 0});
}

std::vector<std::string> class_names(std::int64_t classes) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < classes; ++i) names.push_back("class " + std::to_string(i));
  return names;
}

// `images` random images, most of them right, as a classifier of many classes has them.
Confusion many_classes(std::int64_t classes, std::int64_t images) {
  std::mt19937 random(17);
  const auto any = [&] { return static_cast<std::int64_t>(random()) % classes; };
  Confusion c(classes);
  for (std::int64_t i = 0; i < images; ++i) {
    const std::int64_t label = any();
    c.add(label, random() % 10 < 6 ? label : any());
  }
  return c;
}

}  // namespace

TEST_CASE("confusion: predictions are those of a naive loop") {
  const std::vector<std::pair<std::int64_t, std::int64_t>> sizes{{250, 10}, {1, 10},    {0, 10},
                                                                 {37, 2},   {300, 101}, {5, 1}};
  for (const auto& size : sizes) {
    const std::int64_t count = size.first;
    const std::int64_t classes = size.second;
    CAPTURE(count);
    CAPTURE(classes);
    const Rows rows = random_rows(count, classes, 7);
    for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
      CHECK(predicted(rows, dtype) == naive_predictions(rows));
      const ShufflePhases shuffle;
      CHECK(predicted(rows, dtype) == naive_predictions(rows));
    }
  }
}

TEST_CASE("confusion: a NaN anywhere in a row predicts nothing") {
  Rows rows = random_rows(60, 4, 3);
  rows.logits[0] = kNan;          // the first of row 0
  rows.logits[4 * 7 + 3] = kNan;  // the last of row 7
  for (int c = 0; c < 4; ++c) rows.logits[static_cast<std::size_t>(4 * 9 + c)] = kNan;
  const std::vector<std::int32_t> found = predicted(rows, DType::f32);
  CHECK(found == naive_predictions(rows));
  CHECK(predicted(rows, DType::bf16) == found);
  CHECK(std::count(found.begin(), found.end(), 4) == 3);
  CHECK(found[7] == 4);
}

TEST_CASE("confusion: the GPU predicts alike") {
  if (cuda_device_count() == 0) {
    skip_gpu_check("predicted classes on the GPU");
    return;
  }
  Rows rows = random_rows(250, 10, 11);
  rows.logits[25] = kNan;
  for (const DType dtype : {DType::f32, DType::bf16}) {
    CHECK(predicted(rows, dtype, Device{Device::Kind::cuda, 0}) == predicted(rows, dtype));
  }
}

namespace {

// The sums of two batches, the rows given and the rows given again. Losses are eighths, so that
// their sum is the same number in any order.
std::vector<double> metrics_of(const Rows& rows, DType dtype, Device device) {
  std::vector<double> losses;
  for (std::int64_t i = 0; i < rows.count(); ++i) {
    losses.push_back(static_cast<double>(i % 16) / 8.0);
  }
  const DType type_of_losses = dtype == DType::f64 ? DType::f64 : DType::f32;
  const Tensor loss = Tensor::from(losses, {rows.count()}, type_of_losses, device);
  const Tensor labels =
      Tensor::from_host(std::span<const std::int32_t>(rows.labels), {rows.count()}, device);
  const Tensor logits = rows.tensor(dtype).to(device);
  Tensor sums = Tensor::zeros({3}, DType::f32, device);
  for (int batch = 0; batch < 2; ++batch) add_metrics(loss, logits, labels, sums);
  return sums.to_doubles();
}

std::vector<double> naive_metrics(const Rows& rows) {
  const std::vector<std::int32_t> predictions = naive_predictions(rows);
  double loss = 0;
  double correct = 0;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    loss += static_cast<double>(i % 16) / 8.0;
    if (predictions[i] == rows.labels[i]) correct += 1;
  }
  return {2 * loss, 2 * correct, 2 * static_cast<double>(rows.count())};
}

// More rows than a block has threads. The label of row 2 has the largest logit, so that the row
// would be correct but for the NaN.
Rows rows_to_count() {
  Rows rows = random_rows(300, 10, 11);
  rows.labels[2] = 1;
  rows.logits[21] = 4;
  rows.logits[25] = kNan;
  return rows;
}

}  // namespace

TEST_CASE("metrics: sums of losses, correct rows and rows are those of a naive loop") {
  const Rows rows = rows_to_count();
  const std::vector<double> wanted = naive_metrics(rows);
  for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
    CAPTURE(name_of(dtype));
    CHECK(metrics_of(rows, dtype, kCpu) == wanted);
    const ShufflePhases shuffle;
    CHECK(metrics_of(rows, dtype, kCpu) == wanted);
  }
}

TEST_CASE("metrics: the GPU counts alike") {
  if (cuda_device_count() == 0) return skip_gpu_check("metrics on the GPU");
  const Rows rows = rows_to_count();
  const std::vector<double> wanted = naive_metrics(rows);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    CAPTURE(name_of(dtype));
    CHECK(metrics_of(rows, dtype, {Device::Kind::cuda, 0}) == wanted);
  }
}

TEST_CASE("confusion: images add up; labels and predictions that do not exist are refused") {
  Confusion c(3);
  c.add(0, 1);
  c.add(0, 1, 4);
  c.add(0, 3);
  c.add(2, 2, 0);
  CHECK(c.count(0, 1) == 5);
  CHECK(c.undecided(0) == 1);
  CHECK(c.undecided() == 1);
  CHECK(c.images(0) == 6);
  CHECK(c.cells().size() == 1);  // no images, no cell
  CHECK_THROWS_AS(c.add(-1, 0), Error);
  CHECK_THROWS_AS(c.add(3, 0), Error);
  CHECK_THROWS_AS(c.add(0, 4), Error);
  CHECK_THROWS_AS(c.add(0, -1), Error);
  CHECK_THROWS_AS((void)c.count(0, 3), Error);
  CHECK(c.images() == 6);
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
  CHECK(confusion_of(network, set, 20, DType::f32) == found);
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
  const Confusion equal = matrix(3, {0, 1, 1, 1, 0, 1, 1, 1, 0});
  const std::vector<Mistake> in_order = frequent_mistakes(equal, 2);
  CHECK(in_order[0].prediction == 1);
  CHECK(in_order[1].prediction == 2);
}

TEST_CASE("confusion: the worst classes") {
  // Accuracies 0.5 of 2 images, none, 0.5 of 4, 0, 1.
  const Confusion c =
      matrix(5, {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3});
  CHECK(worst_classes(c, 9) == std::vector<std::int64_t>{3, 2, 0, 4});
  CHECK(worst_classes(c, 2) == std::vector<std::int64_t>{3, 2});
  CHECK(worst_classes(Confusion(3), 2).empty());
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
  // Nothing is drawn for empty cells: the page, six cells, six squares of the scale.
  CHECK(test::occurrences(svg, "<rect") == 1 + 6 + 6);
  // Light ink where the colour is strong: shares of 0.8 and 0.5, not 0.3.
  CHECK(test::occurrences(svg, "class=\"mid strong\"") == 2);
}

TEST_CASE("confusion picture: many classes have no counts in their cells") {
  const auto picture = [](std::int64_t classes) {
    Confusion c(classes);
    for (std::int64_t i = 0; i < classes; ++i) c.add(i, i, 12345);
    return confusion_svg(c, class_names(classes));
  };
  CHECK(test::markup_fault(picture(40)) == "");
  CHECK(test::occurrences(picture(20), ">12345</text>") == 20);
  CHECK(test::occurrences(picture(21), ">12345</text>") == 0);
  CHECK(test::occurrences(picture(21), "12345 images") == 21);  // tooltips
  CHECK(picture(4).find(">none</text>") == std::string::npos);
}

TEST_CASE("confusion picture: a hundred classes are drawn cell by cell, without a word for each") {
  const Confusion c = many_classes(100, 3000);
  const std::string svg = confusion_svg(c, class_names(100));
  CHECK(test::markup_fault(svg) == "");
  CHECK(test::occurrences(svg, "<title>") == 0);
  CHECK(test::occurrences(svg, "h1v1h-1z") == static_cast<int>(c.cells().size()));
  // Names stand as far apart as their height: every other of cells 8.4 pixels wide.
  CHECK(test::occurrences(svg, ">class 4</text>") == 2);
  CHECK(test::occurrences(svg, ">class 5</text>") == 0);
}

TEST_CASE("confusion picture: any number of classes makes a file of bounded size") {
  for (const std::int64_t classes : {200, 201, 1000, 10000}) {
    CAPTURE(classes);
    const Confusion c = many_classes(classes, 50000);
    const std::string svg = confusion_svg(c, class_names(classes));
    CHECK(test::markup_fault(svg) == "");
    CHECK(svg.size() < 700'000);
    // A square for each cell with images, and nothing for an empty one.
    const std::int64_t group = (classes + 199) / 200;
    std::set<std::pair<std::int64_t, std::int64_t>> cells;
    for (const auto& [cell, images] : c.cells()) {
      cells.emplace(cell.first / group, cell.second / group);
    }
    CHECK(test::occurrences(svg, "h1v1h-1z") == static_cast<int>(cells.size()));
    // All columns show on a screen of 1280 pixels, and a narrower one shrinks the picture.
    double width = 0;
    REQUIRE(std::sscanf(svg.c_str() + svg.find(" width=\""), " width=\"%lf\"", &width) == 1);
    CHECK(width < 1100);
    CHECK(svg.find(" viewBox=\"0 0 ") != std::string::npos);
    CHECK((svg.find("neighbouring classes") != std::string::npos) == (classes > 200));
  }
  // A row of 1,000 classes stands for five: 999 taken for 995 lies on the diagonal.
  Confusion c(1000);
  c.add(999, 995);
  c.add(0, 5);
  const std::string svg = confusion_svg(c, class_names(1000));
  CHECK(svg.find("stand for 5 neighbouring classes") != std::string::npos);
  CHECK(svg.find("M199 199h1v1h-1z") != std::string::npos);
  CHECK(svg.find("M1 0h1v1h-1z") != std::string::npos);
}

TEST_CASE("accuracy report: of many classes the worst are printed, and the file holds all") {
  const auto printed = [](const Confusion& c, std::int64_t evaluations) {
    std::ostringstream out;
    print_accuracy(out, c, class_names(c.classes()), {0.5, evaluations});
    return out.str();
  };
  const std::string few = printed(many_classes(50, 2000), 3);
  CHECK(test::occurrences(few, "\nclass ") == 1 + 50 + 1 + 10);  // two headings, classes, mistakes
  CHECK(few.find("median of the run's last 3 evaluations 50.00%") != std::string::npos);
  const Confusion c = many_classes(1000, 5000);
  const std::string many = printed(c, 1);
  CHECK(test::occurrences(many, "\nclass ") == 1 + 20 + 1 + 10);
  CHECK(many.find("the 20 least accurate of 1000 classes") != std::string::npos);
  CHECK(many.find("median") == std::string::npos);  // of one evaluation, which is the result itself

  const nlohmann::ordered_json json = accuracy_json(c, class_names(1000), {});
  CHECK(json["classes"].size() == 1000);
  CHECK(!json.contains("confusion"));
  Confusion read(1000);
  for (const auto& cell : json["confusion_cells"]) read.add(cell[0], cell[1], cell[2]);
  CHECK(read == c);
  CHECK(json.dump().size() < 500'000);
}

// The losses of a classifier: each term against its formula from the networks' own logits, which
// way gradients flow, and whose images enter running statistics.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/random.hpp"
#include "tests/differences.hpp"
#include "trainers/classifier_objective.hpp"

using namespace scimix;
using test::largest_difference;

namespace {

constexpr std::int64_t kLabeled = 4;
constexpr std::int64_t kUnlabeled = 6;
constexpr std::int64_t kSize = 8;
constexpr std::int64_t kClasses = 5;

// f32 has 24 bits. A logit passes ten layers whose sums have up to 600 terms, and a batch norm of
// few values divides by a small deviation: 1e-4 relative is some hundred roundings. Both sides
// also add in another order.
constexpr double kTolerance = 1e-4;

using Row = std::vector<double>;
using Rows = std::vector<Row>;

Tensor random_images(std::uint32_t item, std::int64_t rows) {
  Random random(4, Purpose::test, 1, item);
  std::vector<float> values(static_cast<std::size_t>(rows * kSize * kSize * 3));
  for (float& value : values) value = random.uniform(-1, 1);
  return Tensor::from_host(std::span<const float>(values), {rows, kSize, kSize, 3});
}

Tensor integers(const std::vector<std::int32_t>& values) {
  return Tensor::from_host(std::span<const std::int32_t>(values), {std::ssize(values)});
}

Tensor floats(const std::vector<float>& values, const Shape& shape) {
  return Tensor::from_host(std::span<const float>(values), shape);
}

const std::vector<std::int32_t> kLabels{3, 0, 4, 1};

ClassifierBatch make_batch(const std::string& method) {
  ClassifierBatch batch{.labeled = Variable(random_images(0, kLabeled)),
                        .labels = integers(kLabels)};
  if (method == "supervised") return batch;
  batch.weak = Variable(random_images(1, kUnlabeled));
  batch.other = Variable(random_images(2, kUnlabeled));
  return batch;
}

ClassifierConfig config_of(const std::string& method, const std::string& statistics = "auto") {
  ClassifierConfig config;
  config.method = choice_of<Method>(method);
  config.norm_statistics = choice_of<NormStatistics>(statistics);
  config.batch = kLabeled;
  return config;
}

WideResNetConfig network_config() {
  WideResNetConfig config{.depth = 10, .width = 1, .classes = static_cast<int>(kClasses)};
  config.norm.momentum = 0.1;
  return config;
}

// Student and teacher are different networks: a loss that takes one for the other shows it.
struct Setup {
  explicit Setup(ClassifierConfig settings)
      : config(std::move(settings)),
        model(network_config(), 1, kCpu),
        average(network_config(), 2, kCpu),
        objective(config, model, average) {}

  ClassifierConfig config;
  WideResNet model;
  WideResNet average;
  ClassifierObjective objective;
};

const Tensor& one() {
  static const Tensor value = floats({1.0F}, {1});
  return value;
}

Rows rows_of(const Tensor& matrix) {
  const std::vector<double> values = matrix.to_doubles();
  Rows rows;
  for (std::int64_t i = 0; i < matrix.dim(0); ++i) {
    rows.emplace_back(values.begin() + i * matrix.dim(1), values.begin() + (i + 1) * matrix.dim(1));
  }
  return rows;
}

Row softmax_of(const Row& logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  Row out;
  for (const double z : logits) out.push_back(std::exp(z - largest));
  const double sum = std::accumulate(out.begin(), out.end(), 0.0);
  for (double& p : out) p /= sum;
  return out;
}

Rows softmax_of(const Rows& logits) {
  Rows out;
  for (const Row& row : logits) out.push_back(softmax_of(row));
  return out;
}

std::size_t argmax(const Row& row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

double cross_entropy_of(const Row& logits, std::size_t label) {
  return -std::log(softmax_of(logits)[label]);
}

double mean_cross_entropy(const Rows& logits) {
  double sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    sum += cross_entropy_of(logits[i], static_cast<std::size_t>(kLabels[i]));
  }
  return sum / static_cast<double>(logits.size());
}

double mean_squared_distance(const Rows& a, const Rows& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < a[i].size(); ++k) sum += (a[i][k] - b[i][k]) * (a[i][k] - b[i][k]);
  }
  return sum / static_cast<double>(a.size() * a[0].size());
}

// One pass of one network over these images alone, with their batch statistics.
Rows alone(const WideResNet& network, const Variable& images) {
  const NoGrad constant;
  return rows_of(network.forward(images, {.mode = NormMode::batch_only}).logits.value());
}

Rows part(const Rows& rows, std::int64_t begin, std::int64_t end) {
  return {rows.begin() + begin, rows.begin() + end};
}

Variable together(const std::vector<Variable>& parts) {
  const NoGrad constant;
  return concat_rows(parts);
}

const LossTerm<ClassifierTerm>* find(const ClassifierLossTerms& terms, ClassifierTerm wanted) {
  for (const auto& term : terms) {
    if (term.term == wanted) return &term;
  }
  return nullptr;
}

double value_of(const ClassifierLossTerms& terms, ClassifierTerm wanted) {
  const auto* term = find(terms, wanted);
  REQUIRE(term != nullptr);
  return term->value.value().to_doubles().at(0);
}

double weighted_value_of(const ClassifierLossTerms& terms, ClassifierTerm wanted) {
  const auto* term = find(terms, wanted);
  REQUIRE(term != nullptr);
  REQUIRE(term->weighted.defined());
  return term->weighted.value().to_doubles().at(0);
}

void check_rows(const Tensor& found, const Rows& expected) {
  const Rows rows = rows_of(found);
  REQUIRE(rows.size() == expected.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t k = 0; k < rows[i].size(); ++k) {
      CHECK(rows[i][k] == doctest::Approx(expected[i][k]).epsilon(kTolerance));
    }
  }
}

std::vector<double> gradient_of(const WideResNet& network) {
  return network.parameters().gradient_slab().flat().to_doubles();
}

double norm(const std::vector<double>& values) {
  return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
}

// The student's gradient of a loss; the teacher's must stay zero.
std::vector<double> trained(Setup& setup, const Variable& loss) {
  setup.model.parameters().zero_grad();
  setup.average.parameters().zero_grad();
  backward(loss);
  CHECK(norm(gradient_of(setup.average)) == 0);
  return gradient_of(setup.model);
}

// Two gradients of the same formula, reached by passes of other batches: apart by rounding, which
// batch norm over few values enlarges on its way back.
void check_same_gradient(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(norm(expected) > 1e-4);
  std::vector<double> apart(found.size());
  std::transform(found.begin(), found.end(), expected.begin(), apart.begin(), std::minus<>());
  CHECK(norm(apart) < 1e-3 * norm(expected));
}

std::vector<double> statistics_of(const WideResNet& network) {
  std::vector<double> all;
  for (const auto& buffer : network.parameters().buffers()) {
    for (const double value : buffer.value().to_doubles()) all.push_back(value);
  }
  return all;
}

// The running statistics of a new student after one training pass over these images alone.
std::vector<double> statistics_after(const Variable& images) {
  const WideResNet twin(network_config(), 1, kCpu);
  const NoGrad constant;
  static_cast<void>(twin.forward(images, {.mode = NormMode::train}));
  return statistics_of(twin);
}

// Running statistics are near 0 to 1: rounding leaves far less than 1e-5, other images far more
// than 1e-3.
void check_statistics(const std::vector<double>& found, const Variable& expected_images,
                      const Variable& other_images) {
  CHECK(largest_difference(found, statistics_after(expected_images)) < 1e-5);
  const double apart = largest_difference(found, statistics_after(other_images));
  CHECK(std::isfinite(apart));
  CHECK(apart > 1e-3);
}

// Some hybrids, as a maker would hand them over: some are dropped.
Hybrids some_hybrids(bool filtered) {
  constexpr std::int64_t kRows = 6;
  Hybrids hybrids;
  hybrids.images = Variable(random_images(7, kRows));
  hybrids.labels = integers({0, 1, 2, 3, 4, 0});
  std::vector<float> p_c;
  std::vector<float> p_r;
  Random random(4, Purpose::test, 2, 0);
  for (std::int64_t i = 0; i < kRows; ++i) {
    const auto distribution = [&] {
      Row row;
      for (int k = 0; k < kClasses; ++k) row.push_back(4 * random.uniform());
      return softmax_of(row);
    };
    for (const double p : distribution()) p_c.push_back(static_cast<float>(p));
    for (const double p : distribution()) p_r.push_back(static_cast<float>(p));
  }
  hybrids.p_c = floats(p_c, {kRows, kClasses});
  hybrids.p_r = floats(p_r, {kRows, kClasses});
  hybrids.share = floats({0.9F, 0.9F, 0.6F, 1.0F, 0.5F, 0.75F}, {kRows});
  if (filtered) hybrids.kept = floats({1, 0, 1, 1, 0, 1}, {kRows});
  return hybrids;
}

// Calls check(setup, hybrids, filtered) for each use of hybrids, with and without a filter, and
// checks that the running statistics stay as they are.
template <class F>
void for_each_use(const std::vector<std::string>& uses, F check) {
  for (const std::string& use : uses) {
    for (const bool filtered : {true, false}) {
      CAPTURE(use);
      CAPTURE(filtered);
      ClassifierConfig config = config_of("mean-teacher");
      config.hybrids.mixer = MixerKind::scimix;
      config.hybrids.use = choice_of<HybridUse>(use);
      Setup setup(config);
      const std::vector<double> before = statistics_of(setup.model);
      check(setup, some_hybrids(filtered), filtered);
      CHECK(statistics_of(setup.model) == before);
    }
  }
}

}  // namespace

TEST_CASE("supervised: the cross-entropy of labelled images") {
  ClassifierConfig config = config_of("supervised");
  config.supervised_weight = 0.25;
  Setup setup(config);
  const ClassifierBatch batch = make_batch("supervised");
  const Rows logits = alone(setup.model, batch.labeled);
  const MethodPass pass = setup.objective.method(batch, one());
  CHECK(pass.terms.size() == 1);
  const double expected = mean_cross_entropy(logits);
  CHECK(value_of(pass.terms, ClassifierTerm::supervised) ==
        doctest::Approx(expected).epsilon(kTolerance));
  CHECK(weighted_value_of(pass.terms, ClassifierTerm::supervised) ==
        doctest::Approx(0.25 * expected).epsilon(kTolerance));
  check_rows(pass.labeled_logits.value(), logits);
  CHECK_FALSE(pass.images.defined());
  check_statistics(statistics_of(setup.model), batch.labeled, Variable(random_images(1, 4)));
  CHECK(norm(trained(setup, total(pass.terms))) > 1e-4);
}

TEST_CASE("supervised: hybrids are of labelled images, the average predicts for them") {
  ClassifierConfig config = config_of("supervised");
  config.hybrids.mixer = MixerKind::mixup;
  const Setup setup(config);
  const ClassifierBatch batch = make_batch("supervised");
  const std::vector<double> before = statistics_of(setup.average);
  const MethodPass pass = setup.objective.method(batch, one());
  CHECK(pass.images.to_doubles() == batch.labeled.value().to_doubles());
  check_rows(pass.predictions, softmax_of(alone(setup.average, batch.labeled)));
  CHECK(statistics_of(setup.average) == before);
}

TEST_CASE("Mean Teacher: each kind of images with statistics of its own (preset A)") {
  const Setup setup(config_of("mean-teacher"));
  const ClassifierBatch batch = make_batch("mean-teacher");
  // The teacher does not look at its running statistics: these would ruin its predictions.
  for (auto& buffer : setup.average.parameters().buffers()) {
    buffer.change([](Tensor& value) {
      const std::vector<float> fifties(static_cast<std::size_t>(value.numel()), 50);
      value.copy_(floats(fifties, value.shape()));
    });
  }
  const std::vector<double> teacher_statistics = statistics_of(setup.average);
  const Tensor ramp = floats({7.5F}, {1});
  const MethodPass pass = setup.objective.method(batch, ramp);

  CHECK(pass.terms.size() == 2);
  const Rows labeled = alone(setup.model, batch.labeled);
  CHECK(value_of(pass.terms, ClassifierTerm::supervised) ==
        doctest::Approx(mean_cross_entropy(labeled)).epsilon(kTolerance));
  const double consistency = mean_squared_distance(softmax_of(alone(setup.model, batch.weak)),
                                                   softmax_of(alone(setup.average, batch.other)));
  REQUIRE(consistency > 1e-3);
  CHECK(value_of(pass.terms, ClassifierTerm::consistency) ==
        doctest::Approx(consistency).epsilon(kTolerance));
  CHECK(weighted_value_of(pass.terms, ClassifierTerm::consistency) ==
        doctest::Approx(7.5 * consistency).epsilon(kTolerance));

  CHECK(statistics_of(setup.average) == teacher_statistics);
  check_statistics(statistics_of(setup.model), batch.labeled,
                   together({batch.labeled, batch.weak}));
}

TEST_CASE("Mean Teacher with joint statistics: all images of a step together (preset B)") {
  const Setup setup(config_of("mean-teacher", "joint"));
  const ClassifierBatch batch = make_batch("mean-teacher");
  const std::vector<double> teacher_statistics = statistics_of(setup.average);
  const MethodPass pass = setup.objective.method(batch, one());
  const Variable seen = together({batch.labeled, batch.weak});
  const Rows student = alone(setup.model, seen);
  const Rows teacher = alone(setup.average, together({batch.labeled, batch.other}));
  CHECK(value_of(pass.terms, ClassifierTerm::supervised) ==
        doctest::Approx(mean_cross_entropy(part(student, 0, kLabeled))).epsilon(kTolerance));
  CHECK(value_of(pass.terms, ClassifierTerm::consistency) ==
        doctest::Approx(mean_squared_distance(softmax_of(part(student, 4, 10)),
                                              softmax_of(part(teacher, 4, 10))))
            .epsilon(kTolerance));
  CHECK(statistics_of(setup.average) == teacher_statistics);
  check_statistics(statistics_of(setup.model), seen, batch.labeled);
}

TEST_CASE("Mean Teacher: hybrids are of what the teacher sees, and do not change the loss") {
  for (const std::string statistics : {"segments", "joint"}) {
    CAPTURE(statistics);
    ClassifierConfig config = config_of("mean-teacher", statistics);
    const ClassifierBatch batch = make_batch("mean-teacher");
    const double without =
        value_of(Setup(config).objective.method(batch, one()).terms, ClassifierTerm::consistency);
    config.hybrids.mixer = MixerKind::mixup;
    const Setup setup(config);
    const MethodPass pass = setup.objective.method(batch, one());
    CHECK(value_of(pass.terms, ClassifierTerm::consistency) ==
          doctest::Approx(without).epsilon(kTolerance));
    const Variable seen = together({batch.labeled, batch.other});
    CHECK(pass.images.to_doubles() == seen.value().to_doubles());
    Rows expected = alone(setup.average, seen);
    if (statistics == "segments") {
      expected = alone(setup.average, batch.labeled);
      for (const Row& row : alone(setup.average, batch.other)) expected.push_back(row);
    }
    check_rows(pass.predictions, softmax_of(expected));
  }
}

TEST_CASE("Mean Teacher: only the student learns, of its own view") {
  Setup setup(config_of("mean-teacher"));
  ClassifierBatch batch = make_batch("mean-teacher");
  const Tensor ramp = floats({50.0F}, {1});
  const auto term = [&](ClassifierTerm wanted) {
    const ClassifierLossTerms terms = setup.objective.method(batch, ramp).terms;
    return find(terms, wanted)->weighted;
  };
  const auto by_itself = [&](const Variable& images) {
    return setup.model.forward(images, {.mode = NormMode::batch_only}).logits;
  };
  check_same_gradient(trained(setup, term(ClassifierTerm::supervised)),
                      trained(setup, mean(cross_entropy(by_itself(batch.labeled), batch.labels))));
  std::vector<float> target;
  for (const Row& row : softmax_of(alone(setup.average, batch.other))) {
    target.insert(target.end(), row.begin(), row.end());
  }
  const Variable constant(floats(target, {kUnlabeled, kClasses}));
  check_same_gradient(
      trained(setup, term(ClassifierTerm::consistency)),
      trained(setup, scale(mean(square(sub(softmax(by_itself(batch.weak)), constant))), 50)));

  // Back to the images: nothing into the teacher's view.
  batch.weak = Variable(batch.weak.value(), /*requires_grad=*/true);
  batch.other = Variable(batch.other.value(), /*requires_grad=*/true);
  static_cast<void>(trained(setup, term(ClassifierTerm::consistency)));
  CHECK(norm(batch.weak.grad().to_doubles()) > 0);
  CHECK_FALSE(batch.other.grad().defined());
}

TEST_CASE("FixMatch: pseudo-labels of weak views teach strong ones") {
  for (const std::string statistics : {"joint", "segments"}) {
    CAPTURE(statistics);
    ClassifierConfig config = config_of("fixmatch", statistics);
    config.fixmatch.weight = 2;
    const ClassifierBatch batch = make_batch("fixmatch");
    const WideResNet twin(network_config(), 1, kCpu);
    Rows labeled = alone(twin, batch.labeled);
    Rows weak = alone(twin, batch.weak);
    Rows strong = alone(twin, batch.other);
    if (statistics == "joint") {
      const Rows all = alone(twin, together({batch.labeled, batch.weak, batch.other}));
      labeled = part(all, 0, 4);
      weak = part(all, 4, 10);
      strong = part(all, 10, 16);
    }
    // A threshold that half of the rows pass.
    Row highest;
    for (const Row& p : softmax_of(weak)) highest.push_back(*std::max_element(p.begin(), p.end()));
    Row sorted = highest;
    std::sort(sorted.begin(), sorted.end());
    REQUIRE(sorted[3] - sorted[2] > 1e-4);
    config.fixmatch.threshold = (sorted[2] + sorted[3]) / 2;
    double expected = 0;
    for (std::size_t i = 0; i < weak.size(); ++i) {
      if (highest[i] >= config.fixmatch.threshold) {
        expected += cross_entropy_of(strong[i], argmax(weak[i]));
      }
    }
    expected /= static_cast<double>(weak.size());

    config.hybrids.mixer = MixerKind::cutmix;
    const Setup setup(config);
    const std::vector<double> average = statistics_of(setup.average);
    const MethodPass pass = setup.objective.method(batch, one());
    CHECK(pass.terms.size() == 3);
    CHECK(value_of(pass.terms, ClassifierTerm::supervised) ==
          doctest::Approx(mean_cross_entropy(labeled)).epsilon(kTolerance));
    CHECK(value_of(pass.terms, ClassifierTerm::pseudo) ==
          doctest::Approx(expected).epsilon(kTolerance));
    CHECK(weighted_value_of(pass.terms, ClassifierTerm::pseudo) ==
          doctest::Approx(2 * expected).epsilon(kTolerance));
    CHECK(value_of(pass.terms, ClassifierTerm::confident) == 0.5);
    CHECK_FALSE(find(pass.terms, ClassifierTerm::confident)->weighted.defined());

    // Hybrids: of labelled images and weak views, with the student's own predictions.
    CHECK(pass.images.to_doubles() == together({batch.labeled, batch.weak}).value().to_doubles());
    Rows predicted = labeled;
    predicted.insert(predicted.end(), weak.begin(), weak.end());
    check_rows(pass.predictions, softmax_of(predicted));

    const Variable all = together({batch.labeled, batch.weak, batch.other});
    if (statistics == "joint") {
      check_statistics(statistics_of(setup.model), all, batch.labeled);
    } else {
      check_statistics(statistics_of(setup.model), batch.labeled, all);
    }
    CHECK(statistics_of(setup.average) == average);
  }
}

TEST_CASE("FixMatch: joint statistics are its default, and make other logits") {
  const ClassifierBatch batch = make_batch("fixmatch");
  const auto logits = [&](const std::string& statistics) {
    const Setup setup(config_of("fixmatch", statistics));
    return setup.objective.method(batch, one()).labeled_logits.value().to_doubles();
  };
  CHECK(logits("auto") == logits("joint"));
  const double apart = largest_difference(logits("joint"), logits("segments"));
  CHECK(std::isfinite(apart));
  CHECK(apart > 1e-2);
}

TEST_CASE("FixMatch: no gradient comes back through the weak view") {
  ClassifierConfig config = config_of("fixmatch", "segments");
  config.fixmatch.threshold = 0;
  Setup setup(config);
  ClassifierBatch batch = make_batch("fixmatch");
  batch.weak = Variable(batch.weak.value(), /*requires_grad=*/true);
  batch.other = Variable(batch.other.value(), /*requires_grad=*/true);
  const ClassifierLossTerms terms = setup.objective.method(batch, one()).terms;
  const auto found = trained(setup, find(terms, ClassifierTerm::pseudo)->weighted);
  CHECK(norm(batch.other.grad().to_doubles()) > 0);
  // The views pass together, so that one gets zeros if it gets anything.
  if (batch.weak.grad().defined()) CHECK(norm(batch.weak.grad().to_doubles()) == 0);

  std::vector<std::int32_t> labels;
  for (const Row& row : alone(setup.model, batch.weak)) {
    labels.push_back(static_cast<std::int32_t>(argmax(row)));
  }
  const Variable strong =
      setup.model.forward(Variable(batch.other.value()), {.mode = NormMode::batch_only}).logits;
  check_same_gradient(found, trained(setup, mean(cross_entropy(strong, integers(labels)))));
}

TEST_CASE("FixMatch: below the threshold nothing is taught") {
  ClassifierConfig config = config_of("fixmatch");
  config.fixmatch.threshold = 1;
  Setup setup(config);
  const ClassifierLossTerms terms = setup.objective.method(make_batch("fixmatch"), one()).terms;
  CHECK(value_of(terms, ClassifierTerm::pseudo) == 0);
  CHECK(value_of(terms, ClassifierTerm::confident) == 0);
  CHECK(norm(trained(setup, find(terms, ClassifierTerm::pseudo)->weighted)) == 0);
}

TEST_CASE("hybrids: L_contradict, with the weight of the step") {
  for_each_use({"contradict", "consistency"}, [](Setup& setup, const Hybrids& hybrids,
                                                 bool filtered) {
    const Rows seen = softmax_of(alone(setup.model, hybrids.images));
    const Tensor weight = floats({20.0F}, {1});
    const ClassifierLossTerms terms = setup.objective.hybrid_terms(hybrids, weight);

    const Rows p_c = rows_of(hybrids.p_c);
    const Rows p_r = rows_of(hybrids.p_r);
    const std::vector<double> share = hybrids.share.to_doubles();
    const std::vector<double> kept =
        filtered ? hybrids.kept.to_doubles() : std::vector<double>(6, 1.0);
    double expected = 0;
    for (std::size_t i = 0; i < seen.size(); ++i) {
      for (std::size_t k = 0; k < seen[i].size(); ++k) {
        const double target = share[i] * p_c[i][k] + (1 - share[i]) * p_r[i][k];
        expected += kept[i] * (seen[i][k] - target) * (seen[i][k] - target);
      }
    }
    expected /= 6.0 * kClasses;
    CHECK(value_of(terms, ClassifierTerm::hybrid) == doctest::Approx(expected).epsilon(kTolerance));
    CHECK(weighted_value_of(terms, ClassifierTerm::hybrid) ==
          doctest::Approx(20 * expected).epsilon(kTolerance));
    CHECK(terms.size() == (filtered ? 2 : 1));
    if (filtered) {
      CHECK(value_of(terms, ClassifierTerm::kept) == doctest::Approx(4.0 / 6).epsilon(1e-6));
      CHECK_FALSE(find(terms, ClassifierTerm::kept)->weighted.defined());
    }
    CHECK(norm(trained(setup, total(terms))) > 1e-4);
  });
}

TEST_CASE("hybrids: as if they were labelled images") {
  for_each_use({"labeled", "pseudo"}, [](Setup& setup, const Hybrids& hybrids, bool filtered) {
    const Rows seen = alone(setup.model, hybrids.images);
    const ClassifierLossTerms terms = setup.objective.hybrid_terms(hybrids, one());
    const std::vector<double> labels = hybrids.labels.to_doubles();
    double expected = 0;
    for (std::size_t i = 0; i < seen.size(); ++i) {
      if (filtered && hybrids.kept.to_doubles()[i] == 0) continue;
      expected += cross_entropy_of(seen[i], static_cast<std::size_t>(labels[i]));
    }
    expected /= 6;
    CHECK(value_of(terms, ClassifierTerm::hybrid) == doctest::Approx(expected).epsilon(kTolerance));
    CHECK(norm(trained(setup, total(terms))) > 1e-4);
  });
}

TEST_CASE("a term's weight in device memory scales its gradient too") {
  ClassifierConfig config = config_of("mean-teacher");
  config.hybrids.mixer = MixerKind::mixup;
  Setup setup(config);
  const Hybrids hybrids = some_hybrids(false);
  const auto gradient = [&](float weight) {
    return trained(setup, total(setup.objective.hybrid_terms(hybrids, floats({weight}, {1}))));
  };
  std::vector<double> eight = gradient(1);
  for (double& value : eight) value *= 8;  // exact in binary
  check_same_gradient(gradient(8), eight);
  CHECK(norm(gradient(0)) == 0);
}

TEST_CASE("every term of a classifier has a name of its own") {
  std::set<std::string_view> names;
  for (const TermInfo& term : classifier_terms()) names.insert(term.name);
  CHECK(names.size() == classifier_terms().size());
  CHECK(classifier_terms().size() == static_cast<std::size_t>(ClassifierTerm::kept) + 1);
}

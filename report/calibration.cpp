#include "report/calibration.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "core/error.hpp"

namespace scimix {

namespace {

constexpr double kLeastTemperature = 0.01;
constexpr double kMostTemperature = 100;

std::span<const float> row_of(const LabeledLogits& all, std::int64_t image) {
  const auto classes = static_cast<std::size_t>(all.classes);
  return all.logits.subspan(static_cast<std::size_t>(image) * classes, classes);
}

// The images of LabeledLogits whose number does not have the remainder `part` by kParts, or all.
constexpr std::int64_t kParts = 5;
constexpr std::int64_t kNoPart = -1;

// The first and second derivative of the mean cross-entropy with respect to the inverse
// temperature. The second is never negative: the cross-entropy is convex.
struct Derivatives {
  double first = 0;
  double second = 0;
};

// The mean and the variance of the logits under softmax(inverse * logits), and their sum.
struct LogitMoments {
  double mean = 0;
  double variance = 0;
  double sum = 0;
};

LogitMoments moments(std::span<const float> logits, double inverse) {
  const auto largest = static_cast<double>(*std::ranges::max_element(logits));
  double weights = 0;
  double first = 0;
  double second = 0;
  double sum = 0;
  for (const float logit : logits) {
    const double below = static_cast<double>(logit) - largest;
    const double weight = std::exp(below * inverse);
    weights += weight;
    first += weight * below;
    second += weight * below * below;
    sum += static_cast<double>(logit);
  }
  const double mean = first / weights;
  return {.mean = largest + mean, .variance = second / weights - mean * mean, .sum = sum};
}

Derivatives derivatives(const LabeledLogits& all, std::int64_t part, double inverse) {
  const auto is_left_out = [&](std::int64_t i) { return part != kNoPart && i % kParts == part; };
  std::int64_t images = 0;
  for (std::int64_t i = 0; i < all.images(); ++i) images += is_left_out(i) ? 0 : 1;
  const double doubt = 1 / (static_cast<double>(images) + 2);
  Derivatives sums;
  for (std::int64_t i = 0; i < all.images(); ++i) {
    if (is_left_out(i)) continue;
    const std::span<const float> logits = row_of(all, i);
    const LogitMoments found = moments(logits, inverse);
    const auto of_truth = static_cast<double>(
        logits[static_cast<std::size_t>(all.labels[static_cast<std::size_t>(i)])]);
    const double of_others = (found.sum - of_truth) / static_cast<double>(all.classes - 1);
    sums.first += found.mean - (1 - doubt) * of_truth - doubt * of_others;
    sums.second += found.variance;
  }
  return {sums.first / static_cast<double>(images), sums.second / static_cast<double>(images)};
}

// Returns the best temperature for all images but those of a part: Newton's method in the logarithm
// of the inverse temperature, with a bisection where a step leaves the interval that holds the
// best one.
double fit_without(const LabeledLogits& all, std::int64_t part) {
  constexpr double kPrecision = 1e-10;
  double low = std::log(1 / kMostTemperature);
  double high = std::log(1 / kLeastTemperature);
  double place = 0;
  while (high - low > kPrecision) {
    const double inverse = std::exp(place);
    const Derivatives found = derivatives(all, part, inverse);
    (found.first > 0 ? high : low) = place;
    // By the logarithm, the derivatives are first * inverse and about second * inverse^2.
    const double step = -found.first / (found.second * inverse);
    const double next = place + step;
    const bool is_inside = next > low && next < high;  // false for a NaN
    if (is_inside && std::abs(step) <= kPrecision) return std::exp(-next);
    place = is_inside ? next : (low + high) / 2;
  }
  return std::exp(-(low + high) / 2);
}

Judged judge(const LabeledLogits& all, std::int64_t image, double temperature) {
  const std::vector<double> p = probabilities(row_of(all, image), temperature);
  const auto best = std::ranges::max_element(p);
  return {*best, best - p.begin() == all.labels[static_cast<std::size_t>(image)]};
}

}  // namespace

std::vector<double> probabilities(std::span<const float> logits, double temperature) {
  const auto largest = static_cast<double>(*std::ranges::max_element(logits));
  std::vector<double> p;
  double sum = 0;
  for (const float logit : logits) {
    p.push_back(std::exp((static_cast<double>(logit) - largest) / temperature));
    sum += p.back();
  }
  for (double& one : p) one /= sum;
  return p;
}

double fit_temperature(const LabeledLogits& held_out) {
  SCIMIX_CHECK(held_out.images() >= 1 && held_out.classes >= 2, held_out.images(), " images of ",
               held_out.classes, " classes");
  return fit_without(held_out, kNoPart);
}

double expected_calibration_error(std::span<const Judged> predictions, int bins) {
  struct Bin {
    double confidence = 0;
    double right = 0;
  };
  std::vector<Bin> sums(static_cast<std::size_t>(bins));
  for (const Judged& one : predictions) {
    const auto bin = static_cast<int>(std::ceil(one.confidence * bins)) - 1;
    Bin& sum = sums[static_cast<std::size_t>(std::clamp(bin, 0, bins - 1))];
    sum.confidence += one.confidence;
    sum.right += one.is_right ? 1 : 0;
  }
  double error = 0;
  for (const Bin& sum : sums) error += std::abs(sum.right - sum.confidence);
  return error / static_cast<double>(std::max<std::size_t>(predictions.size(), 1));
}

std::int64_t images_to_calibrate(std::int64_t images, std::int64_t classes) {
  constexpr std::int64_t kMostLogits = std::int64_t{1} << 23;
  return std::min(images, std::max<std::int64_t>(kMostLogits / classes, 100));
}

std::vector<std::int32_t> calibration_sample(std::int64_t images, std::int64_t classes) {
  const std::int64_t count = images_to_calibrate(images, classes);
  std::vector<std::int32_t> indices;
  for (std::int64_t i = 0; i < count; ++i) {
    indices.push_back(static_cast<std::int32_t>(i * images / count));
  }
  return indices;
}

Calibration calibrate(const LabeledLogits& held_out) {
  SCIMIX_CHECK(held_out.images() >= 2, held_out.images(), " images");
  std::array<double, kParts> temperatures{};
  for (std::int64_t part = 0; part < kParts; ++part) {
    temperatures[static_cast<std::size_t>(part)] = fit_without(held_out, part);
  }
  std::vector<Judged> before;
  std::vector<Judged> after;
  for (std::int64_t i = 0; i < held_out.images(); ++i) {
    before.push_back(judge(held_out, i, 1));
    after.push_back(judge(held_out, i, temperatures[static_cast<std::size_t>(i % kParts)]));
  }
  return {.temperature = fit_temperature(held_out),
          .images = held_out.images(),
          .error_before = expected_calibration_error(before),
          .error_after = expected_calibration_error(after)};
}

std::int64_t most_to_accept(std::span<const double> confidences, double error_rate) {
  // The expected share of errors grows with k, as confidences fall.
  double errors = 0;
  std::int64_t count = 0;
  for (const double confidence : confidences) {
    errors += 1 - confidence;
    if (errors > error_rate * static_cast<double>(count + 1)) break;
    ++count;
  }
  return count;
}

std::int64_t least_to_look_at(std::span<const double> confidences, double error_rate) {
  const double allowed = error_rate * static_cast<double>(confidences.size());
  double errors = 0;
  std::int64_t left = 0;  // those that nobody looks at
  for (const double confidence : confidences) {
    errors += 1 - confidence;
    if (errors > allowed) break;
    ++left;
  }
  return std::ssize(confidences) - left;
}

std::int64_t sample_to_check(std::int64_t predictions, double error_rate) {
  constexpr double kDoubt = 0.05;
  // The fewest wrong ones that would be too many.
  const auto wrong =
      static_cast<std::int64_t>(std::floor(error_rate * static_cast<double>(predictions))) + 1;
  double all_right = 1;  // the probability that none of the n drawn is one of the wrong ones
  std::int64_t n = 0;
  while (n < predictions && all_right > kDoubt) {
    const auto left = static_cast<double>(predictions - n);
    all_right *= std::max(left - static_cast<double>(wrong), 0.0) / left;
    ++n;
  }
  return n;
}

}  // namespace scimix

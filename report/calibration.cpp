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

// The derivative of the mean cross-entropy with respect to the inverse temperature. It grows with
// `inverse`, since the cross-entropy is convex in it.
double slope(const LabeledLogits& held_out, double inverse) {
  const auto images = static_cast<double>(held_out.images());
  const double doubt = 1 / (images + 2);
  double sum = 0;
  for (std::int64_t i = 0; i < held_out.images(); ++i) {
    const std::span<const float> logits = row_of(held_out, i);
    const std::vector<double> p = probabilities(logits, 1 / inverse);
    double expected = 0;
    double total = 0;
    for (std::size_t c = 0; c < logits.size(); ++c) {
      expected += p[c] * static_cast<double>(logits[c]);
      total += static_cast<double>(logits[c]);
    }
    const auto of_truth = static_cast<double>(
        logits[static_cast<std::size_t>(held_out.labels[static_cast<std::size_t>(i)])]);
    const double of_others = (total - of_truth) / static_cast<double>(held_out.classes - 1);
    sum += expected - (1 - doubt) * of_truth - doubt * of_others;
  }
  return sum / images;
}

Judged judge(const LabeledLogits& all, std::int64_t image, double temperature) {
  const std::vector<double> p = probabilities(row_of(all, image), temperature);
  const auto best = std::ranges::max_element(p);
  return {*best, best - p.begin() == all.labels[static_cast<std::size_t>(image)]};
}

// The images whose number has the remainder `part` by kParts, or all others.
constexpr std::int64_t kParts = 5;

double temperature_without(const LabeledLogits& all, std::int64_t part) {
  std::vector<float> logits;
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < all.images(); ++i) {
    if (i % kParts == part) continue;
    const std::span<const float> row = row_of(all, i);
    logits.insert(logits.end(), row.begin(), row.end());
    labels.push_back(all.labels[static_cast<std::size_t>(i)]);
  }
  return fit_temperature({.classes = all.classes, .logits = logits, .labels = labels});
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
  double low = std::log(1 / kMostTemperature);  // logarithms of the inverse temperature
  double high = std::log(1 / kLeastTemperature);
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (slope(held_out, std::exp(middle)) > 0 ? high : low) = middle;
  }
  return std::exp(-(low + high) / 2);
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

Calibration calibrate(const LabeledLogits& held_out) {
  SCIMIX_CHECK(held_out.images() >= 2, held_out.images(), " images");
  std::array<double, kParts> temperatures{};
  for (std::int64_t part = 0; part < kParts; ++part) {
    temperatures[static_cast<std::size_t>(part)] = temperature_without(held_out, part);
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

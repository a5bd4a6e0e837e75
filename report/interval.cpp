#include "report/interval.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>

#include "core/error.hpp"

namespace scimix {

std::string percent(double share, int decimals) {
  return fmt::format("{:.{}f}%", 100 * share, decimals);
}

ShareInterval wilson_interval(std::int64_t hits, std::int64_t trials) {
  SCIMIX_CHECK(hits >= 0 && hits <= trials, hits, " hits of ", trials, " trials");
  if (trials == 0) return {};
  constexpr double z = 1.959964;  // the normal distribution's 97.5% quantile
  const auto n = static_cast<double>(trials);
  const double share = static_cast<double>(hits) / n;
  const double centre = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half =
      z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  // If all or none hit, one end is the share itself, except for rounding errors.
  return {share, std::clamp(centre - half, 0.0, share), std::clamp(centre + half, share, 1.0)};
}

MeanStd mean_and_std(const std::vector<double>& values) {
  MeanStd out;
  const auto n = static_cast<double>(values.size());
  for (const double value : values) out.mean += value / n;
  double squares = 0;
  for (const double value : values) squares += (value - out.mean) * (value - out.mean);
  if (values.size() > 1) out.std = std::sqrt(squares / (n - 1));
  return out;
}

namespace {

// The probability that |t| is below `t`.
double student_t_within(double t, std::int64_t degrees) {
  const double angle = std::atan(t / std::sqrt(static_cast<double>(degrees)));
  const double cosine = std::cos(angle);
  const bool odd = degrees % 2 == 1;
  double term = odd ? cosine : 1;
  double sum = degrees == 1 ? 0 : term;
  for (std::int64_t k = odd ? 2 : 1; k <= degrees - 3; k += 2) {
    term *= static_cast<double>(k) / static_cast<double>(k + 1) * cosine * cosine;
    sum += term;
  }
  sum *= std::sin(angle);
  return odd ? 2 / std::numbers::pi * (angle + sum) : sum;
}

}  // namespace

double student_t_975(std::int64_t degrees) {
  SCIMIX_CHECK(degrees >= 1, degrees, " degrees of freedom");
  double low = 1.9;  // below every quantile
  double high = 13;  // above that of one degree, which is 12.706
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (student_t_within(middle, degrees) < 0.95 ? low : high) = middle;
  }
  return (low + high) / 2;
}

double mean_interval_95(const std::vector<double>& values) {
  SCIMIX_CHECK(values.size() >= 2, "the interval of ", values.size(), " values");
  const auto n = std::ssize(values);
  return student_t_975(n - 1) * mean_and_std(values).std / std::sqrt(static_cast<double>(n));
}

}  // namespace scimix

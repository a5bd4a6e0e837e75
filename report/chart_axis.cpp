#include "report/chart_axis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/error.hpp"

namespace scimix {

namespace {

// Returns 1, 2 or 5 times the power of ten that is nearest to `wanted` on a logarithmic scale.
double round_interval(double wanted) {
  const double power = std::pow(10.0, std::floor(std::log10(wanted)));
  const double digit = wanted / power;
  // The border between two round numbers is their geometric mean.
  if (digit < std::sqrt(2.0)) return power;
  if (digit < std::sqrt(10.0)) return 2 * power;
  return digit < std::sqrt(50.0) ? 5 * power : 10 * power;
}

// Returns the multiples of `interval`. They are products, not sums, so that 0 is exactly 0.
std::vector<double> multiples(double interval, double low, double high) {
  const double slack = 1e-9 * interval;  // keeps a multiple at the end in spite of rounding
  std::vector<double> ticks;
  auto k = static_cast<std::int64_t>(std::ceil((low - slack) / interval));
  for (; static_cast<double>(k) * interval <= high + slack; ++k) {
    ticks.push_back(static_cast<double>(k) * interval);
  }
  return ticks;
}

// 20000 -> "20k", 1500000 -> "1.5M".
std::string short_number(double value) {
  const double size = std::abs(value);
  if (size >= 1e9 || size == 0) return fmt::format("{:g}", value);
  if (size >= 1e6) return fmt::format("{:g}M", value / 1e6);
  return size >= 1e4 ? fmt::format("{:g}k", value / 1e3) : fmt::format("{:g}", value);
}

}  // namespace

Axis round_axis(double low, double high, int intervals) {
  SCIMIX_CHECK(std::isfinite(low) && std::isfinite(high) && low <= high, low, " to ", high);
  // Values that differ by their rounding errors alone count as equal.
  const double size = std::max(std::abs(low), std::abs(high));
  if (size == 0) {
    high = 1;
  } else if (high - low <= 1e-9 * size) {
    low -= 0.1 * size;
    high += 0.1 * size;
  }
  const double interval = round_interval((high - low) / intervals);
  Axis axis;
  axis.low = std::floor(low / interval + 1e-9) * interval;
  axis.high = std::ceil(high / interval - 1e-9) * interval;
  axis.ticks = multiples(interval, axis.low, axis.high);
  return axis;
}

Axis share_axis(double low, double high, int intervals) {
  if (low == high && high == 1) low = 0;
  Axis axis = round_axis(low, high, intervals);
  if (low >= 0 && high <= 1 && axis.high > 1) {
    axis.high = 1;
    std::erase_if(axis.ticks, [](double tick) { return tick > 1 + 1e-9; });
  }
  return axis;
}

Axis step_axis(std::int64_t last_step, int intervals) {
  Axis axis;
  axis.high = static_cast<double>(std::max<std::int64_t>(last_step, 1));
  axis.ticks = multiples(std::max(round_interval(axis.high / intervals), 1.0), 0.0, axis.high);
  return axis;
}

std::vector<std::string> tick_labels(const Axis& axis, bool percent) {
  const double factor = percent ? 100.0 : 1.0;
  const double interval = factor * (axis.ticks[1] - axis.ticks[0]);
  const auto decimals = static_cast<int>(std::max(0.0, -std::floor(std::log10(interval) + 1e-9)));
  std::vector<std::string> labels;
  for (const double tick : axis.ticks) {
    const double value = factor * tick;
    const bool fixed = decimals > 0 && decimals <= 4;
    std::string label = fixed ? fmt::format("{:.{}f}", value, decimals) : short_number(value);
    if (percent) label += '%';
    labels.push_back(std::move(label));
  }
  return labels;
}

std::string value_label(double value, bool percent) {
  if (percent) return fmt::format("{:.2f}%", 100.0 * value);
  if (!(std::abs(value) >= 1e4)) return fmt::format("{:.3g}", value);
  const double unit = std::pow(10.0, std::floor(std::log10(std::abs(value))) - 2);
  return short_number(unit * std::round(value / unit));
}

}  // namespace scimix

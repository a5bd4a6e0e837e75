#include "report/prediction.hpp"

#include <algorithm>
#include <numeric>

#include "report/calibration.hpp"

namespace scimix {

namespace {

std::vector<std::size_t> all_positions(std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

}  // namespace

std::vector<RankedClass> rank_classes(std::span<const float> logits, double temperature,
                                      std::int64_t count) {
  const std::vector<double> p = probabilities(logits, temperature);
  std::vector<RankedClass> ranked;
  for (std::size_t c = 0; c < p.size(); ++c) {
    ranked.push_back({static_cast<std::int32_t>(c), p[c]});
  }
  const std::int64_t kept = std::min<std::int64_t>(count, std::ssize(ranked));
  // By logits: probabilities may be equal where logits differ.
  std::ranges::partial_sort(ranked, ranked.begin() + kept, [&](const auto& a, const auto& b) {
    const float of_a = logits[static_cast<std::size_t>(a.label)];
    const float of_b = logits[static_cast<std::size_t>(b.label)];
    return of_a != of_b ? of_a > of_b : a.label < b.label;
  });
  // A new vector: `ranked` has the memory of all classes, and a caller keeps one for each image.
  return {ranked.begin(), ranked.begin() + kept};
}

std::vector<std::size_t> by_margin(std::span<const Prediction> predictions) {
  std::vector<std::size_t> order = all_positions(predictions.size());
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return predictions[i].margin(); });
  return order;
}

std::vector<std::size_t> by_confidence(std::span<const Prediction> predictions) {
  std::vector<std::size_t> order = all_positions(predictions.size());
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](std::size_t i) { return predictions[i].probability(); });
  return order;
}

CheckingEffort checking_effort(std::span<const Prediction> predictions,
                               std::span<const std::size_t> confident, double error_rate) {
  std::vector<double> confidences;
  for (const std::size_t i : confident) confidences.push_back(predictions[i].probability());
  CheckingEffort effort{.error_rate = error_rate};
  effort.accepted = most_to_accept(confidences, error_rate);
  if (effort.accepted > 0) {
    effort.least_probability = confidences[static_cast<std::size_t>(effort.accepted - 1)];
  }
  effort.to_check = sample_to_check(effort.accepted, error_rate);
  effort.to_look_at = least_to_look_at(confidences, error_rate);
  return effort;
}

}  // namespace scimix

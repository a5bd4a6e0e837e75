// What a classifier predicts for images without labels, and how much of it a person should look at.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace scimix {

struct RankedClass {
  std::int32_t label = 0;
  double probability = 0;
};

struct Prediction {
  std::string file;  // its path; a std::filesystem::path would take ten times as much memory
  std::vector<RankedClass> classes;  // the most probable ones, at least two, in descending order

  [[nodiscard]] std::int32_t label() const { return classes[0].label; }
  [[nodiscard]] double probability() const { return classes[0].probability; }
  // Returns how much more probable the class is than the next one.
  [[nodiscard]] double margin() const { return classes[0].probability - classes[1].probability; }
};

// Returns the `count` most probable classes at this temperature, of equally probable ones the
// first. `logits` are finite.
[[nodiscard]] std::vector<RankedClass> rank_classes(std::span<const float> logits,
                                                    double temperature, std::int64_t count);

// Return the positions of the predictions: the smallest margin first (the images that a person
// should label first), or the largest probability first.
[[nodiscard]] std::vector<std::size_t> by_margin(std::span<const Prediction> predictions);
[[nodiscard]] std::vector<std::size_t> by_confidence(std::span<const Prediction> predictions);

// How much a person must do so that at most the share `error_rate` of predictions is wrong; see
// most_to_accept, sample_to_check and least_to_look_at.
struct CheckingEffort {
  double error_rate = 0;
  std::int64_t accepted = 0;     // the most confident predictions, which may be accepted unseen
  double least_probability = 0;  // of those; 0 if there are none
  std::int64_t to_check = 0;     // of the accepted ones, drawn at random
  std::int64_t to_look_at = 0;   // the alternative: the least confident ones of all
};
// `confident` are the positions by_confidence.
[[nodiscard]] CheckingEffort checking_effort(std::span<const Prediction> predictions,
                                             std::span<const std::size_t> confident,
                                             double error_rate);

}  // namespace scimix

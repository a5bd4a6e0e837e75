// Makes the probabilities of a classifier fit how often it is right, and says how much of its work
// a person should check.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace scimix {

// The outputs of a classifier for N labelled images.
struct LabeledLogits {
  std::int64_t classes = 0;
  std::span<const float> logits;         // [N, classes], before the softmax
  std::span<const std::int32_t> labels;  // [N]

  [[nodiscard]] std::int64_t images() const { return std::ssize(labels); }
};

// Returns softmax(logits / temperature) of one image.
[[nodiscard]] std::vector<double> probabilities(std::span<const float> logits, double temperature);

// Returns the temperature T, in 0.01 to 100, at which softmax(logits / T) has the least mean
// cross-entropy (Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2).
// As in Platt's scaling (Platt, "Probabilistic outputs for support vector machines", 1999), the
// target of the true class is not 1 but 1 - 1/(N+2), and the other classes share the rest: a
// classifier without a mistake on N images is not taken to be infallible. N >= 1, classes >= 2.
[[nodiscard]] double fit_temperature(const LabeledLogits& held_out);

// A prediction: the largest probability, and whether its class is the true one.
struct Judged {
  double confidence = 0;
  bool is_right = false;
};

// Returns the expected calibration error (Guo et al. 2017, equation 3): over `bins` equal intervals
// of confidence, (0,1/bins], (1/bins,2/bins] and so on, the mean of |accuracy - mean confidence|,
// weighted by the number of predictions. 0 without predictions.
[[nodiscard]] double expected_calibration_error(std::span<const Judged> predictions, int bins = 15);

struct Calibration {
  double temperature = 1;
  std::int64_t images = 0;  // on which it was fitted
  double error_before = 0;  // expected calibration error at temperature 1
  // Expected calibration error after calibration, by five-fold cross-validation: each fifth of the
  // images is judged by a temperature that was fitted on the other four fifths.
  double error_after = 0;
};
// Returns on how many of the images to calibrate a classifier: all, or, of many images and classes,
// so many that there are 2^23 logits, which is enough for the one number that is fitted.
[[nodiscard]] std::int64_t images_to_calibrate(std::int64_t images, std::int64_t classes);
// Returns the indices of so many images, spread evenly over all of them.
[[nodiscard]] std::vector<std::int32_t> calibration_sample(std::int64_t images,
                                                           std::int64_t classes);
// Fits a temperature and measures what it improves. Needs at least two images.
[[nodiscard]] Calibration calibrate(const LabeledLogits& held_out);

// How many predictions may be used for a wanted error rate. `confidences` are those of all N
// predictions, in descending order; a calibrated prediction is wrong with probability 1 -
// confidence.
//
// Returns the largest k so that, of the k most confident predictions, at most the share
// `error_rate` is expected to be wrong.
[[nodiscard]] std::int64_t most_to_accept(std::span<const double> confidences, double error_rate);
// Returns the smallest number of the least confident predictions that a person must look at and put
// right, so that of all N at most the share `error_rate` is expected to be wrong.
[[nodiscard]] std::int64_t least_to_look_at(std::span<const double> confidences, double error_rate);
// Returns the smallest n so that n predictions, drawn at random from `predictions` and all found to
// be right, show with 95% confidence that at most the share `error_rate` of them is wrong
// (hypergeometric distribution). Returns 0 if there are no predictions. At rate 0, about 95% of
// the predictions must be checked.
[[nodiscard]] std::int64_t sample_to_check(std::int64_t predictions, double error_rate);

}  // namespace scimix

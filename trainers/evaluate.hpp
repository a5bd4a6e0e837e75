// Measures the accuracy and the confusion matrix of a classifier on a labelled set.
#pragma once

#include <functional>
#include <optional>

#include "core/comm.hpp"
#include "models/wide_resnet.hpp"
#include "report/confusion.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {

struct Evaluation {
  double accuracy = 0.0;  // top-1, in 0..1
  double loss = 0.0;      // mean cross-entropy
  std::int64_t images = 0;
  std::optional<Confusion> confusion = {};  // if EvaluationOptions::confusion is set
};

struct EvaluationOptions {
  bool confusion = false;  // also compute the confusion matrix
  // Called after each batch; true ends the evaluation without a result. The results may differ
  // between ranks: a single true ends the evaluation on all of them.
  std::function<bool()> give_up = {};
};

// Evaluates every image of the set once, with running statistics and without augmentation. The last
// batch may be smaller. The images are divided among the ranks; the result is that of all images.
[[nodiscard]] Evaluation evaluate(const WideResNet& model, const ResidentSet& set,
                                  std::int64_t batch, DType dtype, Comm& ranks = local_comm());
// Evaluates the set as above, with options. Returns nothing if `options.give_up` ended the
// evaluation.
[[nodiscard]] std::optional<Evaluation> evaluate(const WideResNet& model, const ResidentSet& set,
                                                 std::int64_t batch, DType dtype, Comm& ranks,
                                                 const EvaluationOptions& options);

// Computes the confusion matrix of a classifier, `batch` images at a time.
[[nodiscard]] Confusion confusion_of(const WideResNet& model, const ResidentSet& set,
                                     std::int64_t batch, DType dtype);

// Returns how many images of height x width pixels, or of the set's size, to evaluate at a time:
// `batch` for images of up to 32x32 pixels, and proportionally fewer for larger images, so that the
// memory use stays the same.
[[nodiscard]] std::int64_t evaluation_batch(std::int64_t batch, std::int64_t height,
                                            std::int64_t width);
[[nodiscard]] std::int64_t evaluation_batch(std::int64_t batch, const ResidentSet& set);

}  // namespace scimix

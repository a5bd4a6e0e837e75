// Accuracy and confusion of a classifier on a labelled set.
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
  std::optional<Confusion> confusion = {};  // where it was asked for
};

struct EvaluationOptions {
  bool confusion = false;
  // Asked before each batch: true gives the evaluation up. Ranks may answer differently: the
  // evaluation is given up where one of them does.
  std::function<bool()> give_up = {};
};

// Evaluates with running statistics and without augmentation, every image once. The last batch may
// be smaller. Ranks share the images; the result is that of all.
[[nodiscard]] Evaluation evaluate(const WideResNet& model, const ResidentSet& set,
                                  std::int64_t batch, DType dtype, Comm& ranks = local_comm());
// Returns nothing where the evaluation was given up.
[[nodiscard]] std::optional<Evaluation> evaluate(const WideResNet& model, const ResidentSet& set,
                                                 std::int64_t batch, DType dtype, Comm& ranks,
                                                 const EvaluationOptions& options);

// Counts which class a classifier takes for which, `batch` images at a time.
[[nodiscard]] Confusion confusion_of(const WideResNet& model, const ResidentSet& set,
                                     std::int64_t batch, DType dtype);

// Returns how many images of the set are evaluated at a time. `batch` is meant for images of 32x32
// pixels; of larger ones proportionally fewer are taken, so that memory does not grow with them.
[[nodiscard]] std::int64_t evaluation_batch(std::int64_t batch, const ResidentSet& set);

}  // namespace scimix

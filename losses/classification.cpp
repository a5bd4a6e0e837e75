#include "losses/classification.hpp"

#include "autograd/ops.hpp"

namespace scimix {

ClassificationLoss classification_loss(const Variable& logits, const Tensor& labels) {
  ClassificationLoss loss;
  loss.per_row = cross_entropy(logits, labels);
  loss.mean = mean(loss.per_row);
  return loss;
}

}  // namespace scimix

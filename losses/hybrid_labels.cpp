#include "losses/hybrid_labels.hpp"

#include "losses/masked_mean.hpp"

namespace scimix {

Variable hybrid_label_loss(const Variable& hybrid_logits, const Tensor& labels,
                           const Tensor& kept) {
  return masked_mean(cross_entropy(hybrid_logits, labels), kept);
}

}  // namespace scimix

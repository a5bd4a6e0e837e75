#include "losses/pseudo_label.hpp"

#include "kernels/softmax/pseudo_label.hpp"
#include "losses/masked_mean.hpp"

namespace scimix {

PseudoLabelLoss pseudo_label_loss(const Variable& weak_logits, const Variable& strong_logits,
                                  double threshold) {
  SCIMIX_CHECK(weak_logits.shape() == strong_logits.shape(), "pseudo_label_loss: weak ",
               weak_logits.shape(), ", strong ", strong_logits.shape());
  const Tensor& weak = weak_logits.value();
  PseudoLabelLoss loss;
  loss.confident = Tensor::empty({weak.dim(0)}, DType::f32, weak.device());
  loss.labels = Tensor::empty({weak.dim(0)}, DType::i32, weak.device());
  pseudo_labels(weak, threshold, loss.labels, loss.confident);
  loss.mean = masked_mean(cross_entropy(strong_logits, loss.labels), loss.confident);
  return loss;
}

}  // namespace scimix

// The non-saturating logistic losses of the generator and the critic. The critic gives a logit; p =
// sigmoid(logit) is its probability that the image is real. -log p = softplus(-logit), and
// -log(1 - p) = softplus(logit). Source: Goodfellow et al. 2014, in the form of StyleGAN2. Sun et
// al. 2022 write D for p (docs/method.md, sections 4.2 and 4.5).
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// Each returns the mean over the batch for the critic's logits [N]: a scalar in f32, or in f64 for
// f64 logits.
[[nodiscard]] Variable generator_loss(const Variable& fake_logits);    // -log p, generated images
[[nodiscard]] Variable critic_loss_real(const Variable& real_logits);  // -log p, real images
[[nodiscard]] Variable critic_loss_fake(const Variable& fake_logits);  // -log(1 - p), generated

}  // namespace scimix

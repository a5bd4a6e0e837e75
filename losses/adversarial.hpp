// The non-saturating logistic losses of the generator and the critic. The critic's output D is a
// logit: with p = sigmoid(D), -log p = softplus(-D) and -log(1 - p) = softplus(D). Source:
// Goodfellow et al. 2014, in the form of StyleGAN2; -log D of Sun et al. 2022 (docs/method.md,
// sections 4.2 and 4.5).
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// Each returns the mean over the batch for the critic's logits [N]: a scalar in f32, or in f64 for
// f64 logits. In the formulas D stands for the probability p.
[[nodiscard]] Variable generator_loss(const Variable& fake_logits);    // -log D(fake)
[[nodiscard]] Variable critic_loss_real(const Variable& real_logits);  // -log D(real)
[[nodiscard]] Variable critic_loss_fake(const Variable& fake_logits);  // -log(1 - D(fake))

}  // namespace scimix

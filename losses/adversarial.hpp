// The non-saturating logistic losses of generator and critic (Goodfellow et al. 2014, in the form
// of StyleGAN2): with p = sigmoid(D), -log p = softplus(-D) and -log(1 - p) = softplus(D).
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// Logits [N] of the critic -> scalar, the mean over the batch, f32 at least.
[[nodiscard]] Variable generator_loss(const Variable& fake_logits);    // -log D(fake)
[[nodiscard]] Variable critic_loss_real(const Variable& real_logits);  // -log D(real)
[[nodiscard]] Variable critic_loss_fake(const Variable& fake_logits);  // -log(1 - D(fake))

}  // namespace scimix

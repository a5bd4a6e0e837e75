#include "losses/adversarial.hpp"

#include "losses/precision.hpp"

namespace scimix {

namespace {

// Returns the mean of -log sigmoid(logits): the cost of images that the critic takes for fake.
Variable cost_of_seeming_fake(const Variable& logits) {
  return mean(softplus(scale(at_least_f32(logits), -1.0)));
}

}  // namespace

Variable generator_loss(const Variable& fake_logits) {
  return cost_of_seeming_fake(fake_logits);
}

Variable critic_loss_real(const Variable& real_logits) {
  return cost_of_seeming_fake(real_logits);
}

Variable critic_loss_fake(const Variable& fake_logits) {
  return mean(softplus(at_least_f32(fake_logits)));
}

}  // namespace scimix

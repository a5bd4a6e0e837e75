// The auto-encoder's loss: the distance between an image and its reconstruction.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

enum class ReconstructionNorm {
  rms,  // batch mean of rms_distance (losses/distance.hpp): the paper's ||x - x_hat||_2, scaled
  mse,  // mean of (x - x_hat)^2
  l1,   // mean of |x - x_hat|; the gradient is 0 where both are equal
};

// Returns the distance between x and its reconstruction x_hat, both [N,H,W,C] in [-1,1]: a scalar
// in f32, or in f64 for f64 images. Source: Sun et al. 2022, the first term of L_AE
// (docs/method.md, section 4.2). The adversarial term is in losses/adversarial.hpp.
[[nodiscard]] Variable reconstruction_loss(const Variable& x, const Variable& x_hat,
                                           ReconstructionNorm norm);

}  // namespace scimix

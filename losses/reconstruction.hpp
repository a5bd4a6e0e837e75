// The auto-encoder's loss: how far a reconstruction is from its image.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

enum class ReconstructionNorm {
  rms,  // batch mean of rms_distance (distance.hpp): ||x - x_hat||_2 of the paper
  mse,  // mean of (x - x_hat)^2
  l1,   // mean of |x - x_hat|; its gradient is 0 where they are equal
};

// x, x_hat [N,H,W,C] -> scalar, f32 at least. Source: Sun et al. 2022, L_AE without its adversarial
// part, which is adversarial.hpp's.
[[nodiscard]] Variable reconstruction_loss(const Variable& x, const Variable& x_hat,
                                           ReconstructionNorm norm);

}  // namespace scimix

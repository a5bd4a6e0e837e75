// L_hyb: the losses that make a hybrid show the class of one parent and the scene of the other.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// The encoders' outputs for a batch of images x.
struct Codes {
  Variable logits;  // [N,classes]: C(E_c(x))
  Variable z_r;     // [N,h,w,C]: E_r(x). With structural_zc (models/autoencoder.hpp) [N,C]
};

// Upper bounds of the two distances that are maximised, in the units of rms_distance. A distance
// beyond its bound counts as the bound and gives no gradient (docs/method.md, section 4.3).
struct HybridizationCaps {
  double class_minus = 5;
  double cont_minus = 1;
};

// Distances (rms_distance, losses/distance.hpp), averaged over the batch: scalars in f32, or in f64
// for f64 inputs. The trainer adds the first two to the loss and subtracts the other two.
struct HybridizationTerms {
  Variable class_plus;   // between the logits of the hybrid and of its semantic parent
  Variable cont_plus;    // between z_r of the hybrid and of its scene parent
  Variable class_minus;  // between the logits of the hybrid and of its scene parent, bounded
  Variable cont_minus;   // between z_r of the hybrid and of its semantic parent, bounded
};

// Computes the terms class+, cont+, class- and cont- of L_hyb (Sun et al. 2022, section III;
// docs/method.md, section 4.3). Hybrid i is G(E_c(semantic parent i), E_r(scene parent i)), and row
// i of each argument belongs to it. With frozen_targets the parents' codes are constants, so that
// gradients flow only through the hybrid.
[[nodiscard]] HybridizationTerms hybridization_terms(const Codes& of_hybrid,
                                                     const Codes& semantic_parent,
                                                     const Codes& scene_parent,
                                                     const HybridizationCaps& caps,
                                                     bool frozen_targets);

}  // namespace scimix

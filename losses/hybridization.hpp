// L_hyb: what makes a hybrid carry the class of one parent and the scene of the other.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// What the encoders see in a batch of images.
struct Codes {
  Variable logits;  // [N,classes], C(E_c(x))
  Variable z_r;     // [N,h,w,C], E_r(x)
};

// A distance that is maximised has no bound; past these no gradient flows [METHOD 1.2].
struct HybridizationCaps {
  double class_minus = 5;
  double cont_minus = 1;
};

// Scalars, means over the batch of rms_distance (distance.hpp), f32 at least. The trainer adds the
// first two and subtracts the others, which are the capped distances.
struct HybridizationTerms {
  Variable class_plus;   // logits of the hybrid to those of the semantic parent
  Variable cont_plus;    // z_r of the hybrid to that of the scene parent
  Variable class_minus;  // logits of the hybrid to those of the scene parent
  Variable cont_minus;   // z_r of the hybrid to that of the semantic parent
};

// Row i of the hybrids is G(E_c(semantic parent i), E_r(scene parent i)). With frozen_targets the
// parents' codes are constants: only the making of the hybrid learns. Source: Sun et al. 2022, the
// terms class+, cont+, class-, cont- of L_hyb.
[[nodiscard]] HybridizationTerms hybridization_terms(const Codes& of_hybrid,
                                                     const Codes& semantic_parent,
                                                     const Codes& scene_parent,
                                                     const HybridizationCaps& caps,
                                                     bool frozen_targets);

}  // namespace scimix

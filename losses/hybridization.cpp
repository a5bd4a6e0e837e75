#include "losses/hybridization.hpp"

#include "autograd/ops.hpp"
#include "losses/distance.hpp"

namespace scimix {

HybridizationTerms hybridization_terms(const Codes& of_hybrid, const Codes& semantic_parent,
                                       const Codes& scene_parent, const HybridizationCaps& caps,
                                       bool frozen_targets) {
  const auto distances = [&](const Variable& hybrid, const Variable& parent) {
    return rms_distance(hybrid, frozen_targets ? parent.detach() : parent);
  };
  const auto capped = [](const Variable& rows, double cap) { return mean(clamp_max(rows, cap)); };
  HybridizationTerms terms;
  terms.class_plus = mean(distances(of_hybrid.logits, semantic_parent.logits));
  terms.cont_plus = mean(distances(of_hybrid.z_r, scene_parent.z_r));
  terms.class_minus = capped(distances(of_hybrid.logits, scene_parent.logits), caps.class_minus);
  terms.cont_minus = capped(distances(of_hybrid.z_r, semantic_parent.z_r), caps.cont_minus);
  return terms;
}

}  // namespace scimix

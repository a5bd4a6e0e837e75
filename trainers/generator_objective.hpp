// The losses of SciMix's generator (Sun et al., ICPR 2022, section III): which network sees which
// images, and which gradients flow.
//
//   L_gen = L_AE + L_S + L_hyb
//
// L_S trains E_c and C like a classifier (classifier_objective.hpp). L_AE (reconstruction, critic)
// and L_hyb (critic, class and scene of hybrids) train G and E_r; their gradient for E_c is
// multiplied by `encoder_grad`. L_hyb computes the codes of hybrids with E_c, C and E_r, but must
// not train these networks by the result: there, their parameters and the codes of the parents are
// constants.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/comm.hpp"
#include "models/autoencoder.hpp"
#include "models/discriminator.hpp"
#include "settings/generator_run_config.hpp"
#include "trainers/batch_parts.hpp"
#include "trainers/classifier_objective.hpp"
#include "trainers/loss_terms.hpp"

namespace scimix {

// All loss terms that are logged, in the order in which a step computes them. The formulas are in
// docs/method.md, section 4. "Maximised" terms have a negative weight. D(x) is a logit, and
// p = sigmoid(D(x)) the probability that an image is real.
enum class Term : std::uint8_t {
  critic_real,     // -log p of real images
  critic_rec,      // -log (1 - p) of reconstructions
  critic_hyb,      // -log (1 - p) of hybrids
  r1,              // gradient penalty of D, only every r1_every steps
  supervised,      // cross-entropy of C(E_c(x)) on labelled images
  consistency,     // Mean Teacher's loss on unlabelled images
  pseudo_label,    // FixMatch's loss on unlabelled images
  confident,       // FixMatch: fraction of images with a pseudo-label; only logged
  reconstruction,  // distance of x and G(E_c(x), E_r(x))
  adv_rec,         // -log p of reconstructions
  adv_hyb,         // -log p of hybrids
  class_plus,      // distance of the logits of a hybrid and its semantic parent
  cont_plus,       // distance of z_r of a hybrid and its scene parent
  class_minus,     // distance of the logits of a hybrid and its scene parent; maximised, capped
  cont_minus,      // distance of z_r of a hybrid and its semantic parent; maximised, capped
};
// Returns the names of the terms in logs and the phases that compute them, in the order of Term.
[[nodiscard]] std::span<const TermInfo> generator_terms();
[[nodiscard]] std::string_view name_of(Term term);

using LossTerms = std::vector<LossTerm<Term>>;

// The images of one step.
struct GeneratorBatch {
  // The images of L_S, B of them labelled. The first B images of `semantic.weak` are also
  // reconstructed and mixed. If `semantic.weak` is undefined, these are the labelled images.
  ClassifierBatch semantic;
  // i32 [B]: hybrid i has the class of image i and the scene of image partner[i]. Scene parents are
  // numbered over the images of all ranks, concatenated in rank order.
  Tensor partner;
};

// The results of the forward pass on a batch, recorded on the tape back to E_c, E_r and G. "Images"
// are the B images that are reconstructed and mixed.
struct Generated {
  MethodPass learnt;      // the loss terms of L_S
  SemanticCode semantic;  // E_c and C on the images
  Variable z_r;           // scene codes of the images
  Variable real;          // the images, [B,H,W,3]
  Variable rebuilt;       // reconstructions, [B,H,W,3]
  Variable hybrids;       // hybrids, [B,H,W,3]; undefined in variant no-hyb
};

class GeneratorObjective {
 public:
  // `method` is the method of L_S. `teacher` is the EMA of `networks`; L_S uses its E_c and C.
  // Scene parents of hybrids may be images of any of the `ranks`. Ranks and networks must outlive
  // the objective.
  GeneratorObjective(const GeneratorRunConfig& config, Method method, const Autoencoder& networks,
                     const Autoencoder& teacher, const Discriminator& critic,
                     Comm& ranks = local_comm());

  // Computes L_S, the codes, the reconstructions and the hybrids of a batch. `consistency_weight`
  // f32 [1] is the weight of the consistency term at this step. If `noise` is not null, G adds
  // noise with its seed and step. Its `parts` must be empty: they follow from the batch.
  [[nodiscard]] Generated generate(const GeneratorBatch& batch, const Tensor& consistency_weight,
                                   const NoiseSource* noise = nullptr) const;
  // Returns the terms that train D on real images, reconstructions and hybrids. The images that G
  // made are constants.
  [[nodiscard]] LossTerms critic_terms(const Generated& generated) const;
  // Returns the R1 penalty of D at the real images. Its weight is r1_every, because it is computed
  // only every r1_every steps.
  [[nodiscard]] LossTerms r1_terms(const Generated& generated) const;
  // Returns the terms that train E_c, C, E_r and G. D is frozen.
  [[nodiscard]] LossTerms generator_terms(const Generated& generated,
                                          const GeneratorBatch& batch) const;

  [[nodiscard]] bool makes_hybrids() const { return config_.variant != Variant::no_hyb; }
  // Returns the factor gamma of R1: the setting, or StyleGAN2-ADA's default if it is negative.
  [[nodiscard]] double r1_gamma() const;

 private:
  void encode(const ClassifierBatch& batch, const Tensor& consistency_weight, Generated& out) const;
  void encode_as_constants(const ClassifierBatch& batch, Generated& out) const;
  [[nodiscard]] NamedParts judge(const NamedParts& images) const;
  [[nodiscard]] Variable code_for_generator(const Variable& z_c) const;
  [[nodiscard]] NormPass batch_statistics(NormMode mode) const;
  [[nodiscard]] Variable of_partners(const Variable& x, const Tensor& partner) const;
  void add_hybrid_terms(const Generated& generated, const Tensor& partner, LossTerms& terms) const;

  GeneratorRunConfig config_;
  Method method_;
  const Autoencoder& networks_;
  const Discriminator& critic_;
  Comm& ranks_;
  ClassifierObjective semantic_;
};

}  // namespace scimix

// The losses of SciMix's generator (Sun et al., ICPR 2022, section III): which network sees which
// images, and which gradients flow.
//
//   L_gen = L_AE + L_S + L_hyb
//
// L_S trains E_c and C as a classifier of the same method is trained (classifier_objective.hpp).
// L_AE (reconstruction, critic) and L_hyb (critic, class and scene of hybrids) train G and E_r, and
// E_c by a share of `encoder_grad`. L_hyb looks at hybrids through E_c, C and E_r *without*
// training them there: they are frozen, and so are the codes of the parents that it compares with.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/comm.hpp"
#include "models/autoencoder.hpp"
#include "models/discriminator.hpp"
#include "settings/generator_config.hpp"
#include "trainers/batch_parts.hpp"
#include "trainers/classifier_objective.hpp"
#include "trainers/loss_terms.hpp"

namespace scimix {

// Every term that is logged, in the order in which a step computes them.
enum class Term : std::uint8_t {
  critic_real,     // -log D(x)
  critic_rec,      // -log (1 - D(G(z_c, z_r)))
  critic_hyb,      // the same of hybrids
  r1,              // lazily
  supervised,      // cross-entropy of C(E_c(x)) on labelled images
  consistency,     // Mean Teacher's, on all images
  pseudo_label,    // FixMatch's, on all images
  confident,       // FixMatch: share of images with a pseudo-label; logged only
  reconstruction,  // of x by G(E_c(x), E_r(x))
  adv_rec,         // -log D of the reconstructions
  adv_hyb,         // -log D of the hybrids
  class_plus,      // logits of a hybrid to those of its semantic parent
  cont_plus,       // z_r of a hybrid to that of its scene parent
  class_minus,     // logits of a hybrid to those of its scene parent; maximised, capped
  cont_minus,      // z_r of a hybrid to that of its semantic parent; maximised, capped
};
// Their names in logs, in that order.
[[nodiscard]] std::span<const TermInfo> generator_terms();
[[nodiscard]] std::string_view name_of(Term term);

using LossTerms = std::vector<LossTerm<Term>>;

// The images of one step.
struct GeneratorBatch {
  // What L_S learns from. The first B images of its weak view are rebuilt and mixed; without that
  // view, the labelled ones.
  ClassifierBatch semantic;
  // i32 [B]: hybrid i has the class of image i, the scene of partner[i] of the images of all ranks,
  // below each other.
  Tensor partner;
};

// What the generator makes of a batch, with the history that leads back to E_c, E_r and G.
struct Generated {
  MethodPass learnt;      // of L_S
  SemanticCode semantic;  // of the images
  Variable z_r;           // of the images
  Variable real;          // the images
  Variable rebuilt;       // [B,H,W,3]
  Variable hybrids;       // [B,H,W,3]; undefined in variant no-hyb
};

class GeneratorObjective {
 public:
  // `method` is that of L_S; `teacher`: the average of `networks`. `ranks` mix across each other;
  // they and the networks must outlive the objective.
  GeneratorObjective(const GeneratorRunConfig& config, Method method, const Autoencoder& networks,
                     const Autoencoder& teacher, const Discriminator& critic,
                     Comm& ranks = local_comm());

  // `consistency_weight` f32 [1]. With a noise source, G gets noise; which rows it is for is filled
  // in here.
  [[nodiscard]] Generated generate(const GeneratorBatch& batch, const Tensor& consistency_weight,
                                   const NoiseSource* noise = nullptr) const;
  // For D; what G made is constant.
  [[nodiscard]] LossTerms critic_terms(const Generated& generated) const;
  // For D: R1 of the real images, times the number of steps that it stands for.
  [[nodiscard]] LossTerms r1_terms(const Generated& generated) const;
  // For E_c, C, E_r and G; D is frozen.
  [[nodiscard]] LossTerms generator_terms(const Generated& generated,
                                          const GeneratorBatch& batch) const;

  [[nodiscard]] bool makes_hybrids() const { return config_.variant != Variant::no_hyb; }
  [[nodiscard]] double r1_gamma() const;

 private:
  void encode(const ClassifierBatch& batch, const Tensor& consistency_weight, Generated& out) const;
  void encode_frozen(const ClassifierBatch& batch, Generated& out) const;
  [[nodiscard]] NamedParts judge(const NamedParts& images) const;
  [[nodiscard]] Variable encoder_share(const Variable& z_c) const;
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

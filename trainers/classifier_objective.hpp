// The losses of a classifier on labelled images, on unlabelled images and on hybrids (Sun et al.
// 2022, section III.C).
//
//   supervised     L = CE(labelled)
//   mean-teacher   L = CE(labelled) + w(t) MSE(student's view, teacher's view)
//   fixmatch       L = CE(labelled) + CE(strong view, pseudo-label of the weak view)
//   with hybrids   L + w(t) L_contradict, or L + a cross-entropy on hybrids (Table V)
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "losses/classification.hpp"
#include "models/wide_resnet.hpp"
#include "settings/classifier_config.hpp"
#include "trainers/batch_parts.hpp"
#include "trainers/hybrid_maker.hpp"
#include "trainers/loss_terms.hpp"

namespace scimix {

// The loss terms and other numbers that are logged.
enum class ClassifierTerm : std::uint8_t {
  supervised,   // cross-entropy on labelled images
  consistency,  // Mean Teacher's loss on unlabelled images
  pseudo,       // FixMatch's loss on unlabelled images
  confident,    // FixMatch: fraction of images with a pseudo-label
  hybrid,       // the loss on hybrids
  kept,         // fraction of hybrids that pass the filter
};
// Returns the names of the terms in logs, in the order of ClassifierTerm.
[[nodiscard]] std::span<const TermInfo> classifier_terms();

using ClassifierLossTerms = std::vector<LossTerm<ClassifierTerm>>;

// The images of one step. Their channels after the third, if any, are zeros.
struct ClassifierBatch {
  Variable labeled;  // [B,H,W,3], weakly augmented
  Tensor labels;     // i32 [B]
  // [U,H,W,3], unlabelled, weakly augmented. Method supervised has no loss on these images, but the
  // network sees them if they are defined.
  Variable weak = {};
  Variable other = {};  // [U,H,W,3]: the images of `weak` in the view that other_view() names
};

// Returns the view of ClassifierBatch::other: FixMatch compares a weak with a strong view, Mean
// Teacher two weak views.
[[nodiscard]] constexpr Part other_view(Method method) {
  return method == Method::fixmatch ? Part::strong : Part::second_view;
}

// The loss terms of a method on one batch, and the images to be mixed.
struct MethodPass {
  Variable labeled_logits;
  ClassificationLoss supervised;
  ClassifierLossTerms terms;
  // All images that the network saw, and its output for them.
  NamedParts seen;
  WideResNet::Output output;
  // The images to be mixed, labelled images first, and the probabilities [N,classes] predicted for
  // them, without a gradient. Undefined if the run uses no hybrids.
  Tensor images = {};
  Tensor predictions = {};
};

class ClassifierObjective {
 public:
  // `average` is the EMA network: the teacher of Mean Teacher, which also predicts the targets of
  // hybrids with methods mean-teacher and supervised. The networks must outlive the objective. If
  // `statistics` is set, batch norm computes batch statistics over the images of all these ranks,
  // otherwise over this rank's images.
  ClassifierObjective(const ClassifierConfig& config, const WideResNet& model,
                      const WideResNet& average, Comm* statistics = nullptr);

  // Computes the terms of the configured method. `ramp` f32 [1] is the weight of the consistency
  // term at this step.
  [[nodiscard]] MethodPass method(const ClassifierBatch& batch, const Tensor& ramp) const;
  // Computes the terms of hybrids that HybridMaker made from MethodPass::images. `weight` f32 [1]
  // is the weight of their loss at this step.
  [[nodiscard]] ClassifierLossTerms hybrid_terms(const Hybrids& hybrids,
                                                 const Tensor& weight) const;

 private:
  [[nodiscard]] MethodPass supervised(const ClassifierBatch& batch) const;
  [[nodiscard]] MethodPass mean_teacher(const ClassifierBatch& batch, const Tensor& ramp) const;
  [[nodiscard]] MethodPass fixmatch(const ClassifierBatch& batch) const;
  [[nodiscard]] WideResNet::Output forward(const WideResNet& network, const NamedParts& parts,
                                           NormMode mode) const;
  // Runs the classifier in training mode on the parts, and computes the supervised term.
  [[nodiscard]] MethodPass learn(NamedParts parts, const Tensor& labels) const;
  [[nodiscard]] Variable teacher_logits(const NamedParts& parts) const;

  ClassifierConfig config_;
  const WideResNet& model_;
  const WideResNet& average_;
  Comm* statistics_;
};

}  // namespace scimix

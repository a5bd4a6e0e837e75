// The losses of a classifier: how each method learns from labelled and other images, and how
// hybrids add to it (Sun et al. 2022, section III.C).
//
//   supervised     L = CE(labelled)
//   mean-teacher   L = CE(labelled) + w(t) MSE(student's view, teacher's view)
//   fixmatch       L = CE(labelled) + CE(strong view, pseudo-label of the weak view)
//   and hybrids    L + w(t) L_contradict, or a cross-entropy with labels of hybrids (Table V)
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

// Every number that is logged per step.
enum class ClassifierTerm : std::uint8_t {
  supervised,   // cross-entropy on labelled images
  consistency,  // Mean Teacher's
  pseudo,       // FixMatch's
  confident,    // FixMatch: share of images with a pseudo-label
  hybrid,       // on hybrids
  kept,         // share of hybrids that pass the filter
};
[[nodiscard]] std::span<const TermInfo> classifier_terms();

using ClassifierLossTerms = std::vector<LossTerm<ClassifierTerm>>;

// The images of one step. Their channels after the third, if any, are zeros.
struct ClassifierBatch {
  Variable labeled;     // [B,H,W,3], weakly augmented
  Tensor labels;        // i32 [B]
  Variable weak = {};   // [U,H,W,3]; a supervised classifier needs none and learns nothing of them
  Variable other = {};  // the same images: the teacher's weak view, or FixMatch's strong one
};

// Returns which view `other` is: FixMatch compares a weak view with a strong one, Mean Teacher two
// weak ones.
[[nodiscard]] constexpr Part other_view(Method method) {
  return method == Method::fixmatch ? Part::strong : Part::second_view;
}

// What a method makes of a batch.
struct MethodPass {
  Variable labeled_logits;
  ClassificationLoss supervised;
  ClassifierLossTerms terms;
  // What the network saw, all of it together, and what it made of that.
  NamedParts seen;
  WideResNet::Output output;
  // Where hybrids are wanted: what they are made of, labelled images first, and what is predicted
  // for those images, probabilities [N,classes] without a gradient.
  Tensor images = {};
  Tensor predictions = {};
};

class ClassifierObjective {
 public:
  // `average` is the teacher of Mean Teacher, and of hybrids under supervised training. The
  // networks must outlive the objective. `statistics`: the ranks whose images batch norm takes its
  // batch statistics over; null: of the images here.
  ClassifierObjective(const ClassifierConfig& config, const WideResNet& model,
                      const WideResNet& average, Comm* statistics = nullptr);

  // `ramp` f32 [1]: the weight of consistency at this step.
  [[nodiscard]] MethodPass method(const ClassifierBatch& batch, const Tensor& ramp) const;
  // The term of hybrids made of a pass's images; `targets` as HybridMaker gave them. `weight` f32
  // [1] at this step.
  [[nodiscard]] ClassifierLossTerms hybrid_terms(const Hybrids& hybrids,
                                                 const Tensor& weight) const;

 private:
  [[nodiscard]] MethodPass supervised(const ClassifierBatch& batch) const;
  [[nodiscard]] MethodPass mean_teacher(const ClassifierBatch& batch, const Tensor& ramp) const;
  [[nodiscard]] MethodPass fixmatch(const ClassifierBatch& batch) const;
  [[nodiscard]] WideResNet::Output forward(const WideResNet& network, const NamedParts& parts,
                                           NormMode mode) const;
  // Passes the parts through the classifier in training.
  [[nodiscard]] MethodPass learn(NamedParts parts, const Tensor& labels) const;
  [[nodiscard]] Variable teacher_logits(const NamedParts& parts) const;

  ClassifierConfig config_;
  const WideResNet& model_;
  const WideResNet& average_;
  Comm* statistics_;
};

}  // namespace scimix

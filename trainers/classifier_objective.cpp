#include "trainers/classifier_objective.hpp"

#include <array>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "losses/consistency.hpp"
#include "losses/contradict.hpp"
#include "losses/hybrid_labels.hpp"
#include "losses/precision.hpp"
#include "losses/pseudo_label.hpp"

namespace scimix {

namespace {

constexpr std::array<TermInfo, 6> kTermInfo{{{"supervised", ""},
                                             {"consistency", ""},
                                             {"pseudo_label", ""},
                                             {"confident", ""},
                                             {"hybrid", ""},
                                             {"hybrids_kept", ""}}};

// Returns the fraction of ones as a term that is logged, but not minimised.
LossTerm<ClassifierTerm> fraction_of_ones(ClassifierTerm term, const Tensor& ones_and_zeros) {
  return {term, mean(Variable(ones_and_zeros)), {}};
}

Tensor probabilities(const Variable& logits) {
  const NoGrad constant;
  return softmax(at_least_f32(logits)).value();
}

}  // namespace

std::span<const TermInfo> classifier_terms() {
  return kTermInfo;
}

ClassifierObjective::ClassifierObjective(const ClassifierConfig& config, const WideResNet& model,
                                         const WideResNet& average, Comm* statistics)
    : config_(config), model_(model), average_(average), statistics_(statistics) {}

// Runs the network on all parts in one pass. Batch norm uses the statistics of each part, or of all
// parts together.
WideResNet::Output ClassifierObjective::forward(const WideResNet& network, const NamedParts& parts,
                                                NormMode mode) const {
  NormPass pass{.mode = mode, .ranks = statistics_};
  if (!joint_statistics(config_)) pass.segments = parts.sizes();
  return network.forward(parts.joined(), pass);
}

// The teacher normalises by the statistics of its own batch, as in training (docs/method.md,
// section 5.2).
Variable ClassifierObjective::teacher_logits(const NamedParts& parts) const {
  const NoGrad constant;
  return forward(average_, parts, NormMode::batch_only).logits;
}

MethodPass ClassifierObjective::method(const ClassifierBatch& batch, const Tensor& ramp) const {
  if (config_.method == Method::fixmatch) return fixmatch(batch);
  if (config_.method == Method::mean_teacher) return mean_teacher(batch, ramp);
  return supervised(batch);
}

MethodPass ClassifierObjective::learn(NamedParts parts, const Tensor& labels) const {
  MethodPass pass;
  pass.seen = std::move(parts);
  pass.output = forward(model_, pass.seen, NormMode::train);
  pass.labeled_logits = pass.seen.of(pass.output.logits, Part::labeled);
  pass.supervised = classification_loss(pass.labeled_logits, labels);
  pass.terms.push_back(
      weighted(ClassifierTerm::supervised, pass.supervised.mean, config_.supervised_weight));
  return pass;
}

MethodPass ClassifierObjective::supervised(const ClassifierBatch& batch) const {
  const NamedParts labeled{{Part::labeled, batch.labeled}};
  NamedParts seen = labeled;
  if (batch.weak.defined()) seen.add(Part::weak, batch.weak);
  MethodPass pass = learn(seen, batch.labels);
  if (uses_hybrids(config_)) {
    pass.images = batch.labeled.value();
    pass.predictions = probabilities(teacher_logits(labeled));
  }
  return pass;
}

// Hybrids are made of the images that the teacher sees. The teacher's predictions for these images
// are the hybrids' targets, so that no additional pass is needed.
MethodPass ClassifierObjective::mean_teacher(const ClassifierBatch& batch,
                                             const Tensor& ramp) const {
  MethodPass pass = learn({{Part::labeled, batch.labeled}, {Part::weak, batch.weak}}, batch.labels);
  NamedParts seen_by_teacher;
  if (uses_hybrids(config_) || joint_statistics(config_)) {
    seen_by_teacher.add(Part::labeled, batch.labeled);
  }
  seen_by_teacher.add(Part::second_view, batch.other);
  const Variable teacher = teacher_logits(seen_by_teacher);
  const Variable consistency = consistency_loss(pass.seen.of(pass.output.logits, Part::weak),
                                                seen_by_teacher.of(teacher, Part::second_view));
  pass.terms.push_back(weighted(ClassifierTerm::consistency, consistency, ramp));
  if (uses_hybrids(config_)) {
    const NoGrad constant;
    pass.images = seen_by_teacher.joined().value();
    pass.predictions = probabilities(teacher);
  }
  return pass;
}

// All views pass through the network together (docs/method.md, section 5.3). Hybrids are made of
// the weakly augmented images.
MethodPass ClassifierObjective::fixmatch(const ClassifierBatch& batch) const {
  MethodPass pass =
      learn({{Part::labeled, batch.labeled}, {Part::weak, batch.weak}, {Part::strong, batch.other}},
            batch.labels);
  const Variable& all = pass.output.logits;
  const PseudoLabelLoss pseudo = pseudo_label_loss(
      pass.seen.of(all, Part::weak), pass.seen.of(all, Part::strong), config_.fixmatch.threshold);
  pass.terms.push_back(weighted(ClassifierTerm::pseudo, pseudo.mean, config_.fixmatch.weight));
  pass.terms.push_back(fraction_of_ones(ClassifierTerm::confident, pseudo.confident));
  if (uses_hybrids(config_)) {
    const NoGrad constant;
    pass.images = pass.seen.through(Part::weak).joined().value();
    pass.predictions = probabilities(pass.seen.through(all, Part::weak));
  }
  return pass;
}

// Batch norm uses the hybrids' own statistics. They do not enter the running statistics, because
// evaluations use real images.
ClassifierLossTerms ClassifierObjective::hybrid_terms(const Hybrids& hybrids,
                                                      const Tensor& weight) const {
  const NormPass pass{.mode = NormMode::batch_only, .ranks = statistics_};
  const Variable seen = model_.forward(hybrids.images, pass).logits;
  ClassifierLossTerms terms;
  if (labels_hybrids(config_)) {
    terms.push_back(weighted(ClassifierTerm::hybrid,
                             hybrid_label_loss(seen, hybrids.labels, hybrids.kept), weight));
  } else {
    const Variable loss = contradict_loss(
        seen,
        {.p_c = hybrids.p_c, .p_r = hybrids.p_r, .share = hybrids.share, .kept = hybrids.kept});
    terms.push_back(weighted(ClassifierTerm::hybrid, loss, weight));
  }
  if (hybrids.kept.defined()) {
    terms.push_back(fraction_of_ones(ClassifierTerm::kept, hybrids.kept));
  }
  return terms;
}

}  // namespace scimix

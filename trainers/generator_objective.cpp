#include "trainers/generator_objective.hpp"

#include <array>
#include <optional>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "losses/adversarial.hpp"
#include "losses/consistency.hpp"
#include "losses/hybridization.hpp"
#include "losses/r1.hpp"
#include "losses/reconstruction.hpp"

namespace scimix {

namespace {

constexpr std::array<TermInfo, 13> kTermInfo{{{"critic_real", "critic"},
                                              {"critic_rec", "critic"},
                                              {"critic_hyb", "critic"},
                                              {"r1", "critic_r1"},
                                              {"supervised", "generator"},
                                              {"consistency", "generator"},
                                              {"reconstruction", "generator"},
                                              {"adv_rec", "generator"},
                                              {"adv_hyb", "generator"},
                                              {"class_plus", "generator"},
                                              {"cont_plus", "generator"},
                                              {"class_minus", "generator"},
                                              {"cont_minus", "generator"}}};

// StyleGAN2-ADA's rules: 0.01 for its CIFAR setting, 0.0002 R^2 / batch otherwise.
[[nodiscard]] double default_r1_gamma(std::int64_t image_size, std::int64_t batch) {
  if (image_size <= 32) return 0.01;
  return 0.0002 * static_cast<double>(image_size * image_size) / static_cast<double>(batch);
}

[[nodiscard]] SemanticCode code_of(const NamedParts& parts, const SemanticCode& code, Part part) {
  return {parts.of(code.logits, part), parts.of(code.z_c, part)};
}

// The numbers that the rows of the made images have in the batch of all ranks.
[[nodiscard]] NoiseSource addressed(NoiseSource noise, const NamedParts& made, const Comm& ranks) {
  BatchLayout layout(ranks);
  for (const auto& [part, value] : made.parts()) {
    layout.add_per_rank(part, value.value().dim(0));
    noise.parts.push_back({.rows = layout.rows(part).count(), .first_row = layout.number(part)});
  }
  return noise;
}

}  // namespace

std::span<const TermInfo> generator_terms() {
  return kTermInfo;
}

std::string_view name_of(Term term) {
  return kTermInfo[static_cast<std::size_t>(term)].name;
}

GeneratorObjective::GeneratorObjective(const GeneratorRunConfig& config,
                                       const Autoencoder& networks, const Autoencoder& teacher,
                                       const Discriminator& critic, Comm& ranks)
    : config_(config), networks_(networks), teacher_(teacher), critic_(critic), ranks_(ranks) {}

// Over the images here, or over those of all ranks.
NormPass GeneratorObjective::batch_statistics(NormMode mode) const {
  const bool of_all = config_.ranks.sync_norm && !ranks_.is_alone();
  return {.mode = mode, .ranks = of_all ? &ranks_ : nullptr};
}

Variable GeneratorObjective::of_partners(const Variable& x, const Tensor& partner) const {
  return gather_rows(ranks_.is_alone() ? x : gather_ranks(x, ranks_), partner);
}

double GeneratorObjective::r1_gamma() const {
  if (config_.r1_gamma >= 0) return config_.r1_gamma;
  return default_r1_gamma(networks_.generator().config().image_size, config_.batch);
}

// Labelled images give E_c its running statistics. Other images pass with statistics of their own,
// in the same pass where gradients flow back from them, as a constant where none do.
void GeneratorObjective::encode(const GeneratorBatch& batch, Generated& out) const {
  if (!batch.images.defined()) {
    out.semantic = networks_.encode_semantic(batch.labeled, batch_statistics(NormMode::train));
    out.labeled_logits = out.semantic.logits;
    return;
  }
  if (config_.weights.encoder_grad > 0 || batch.second_view.defined() ||
      config_.variant == Variant::unfrozen) {
    const NamedParts seen{{Part::labeled, batch.labeled}, {Part::weak, batch.images}};
    NormPass pass = batch_statistics(NormMode::train);
    pass.segments = seen.sizes();
    const SemanticCode all = networks_.encode_semantic(seen.joined(), pass);
    out.labeled_logits = seen.of(all.logits, Part::labeled);
    out.semantic = code_of(seen, all, Part::weak);
    return;
  }
  out.labeled_logits =
      networks_.encode_semantic(batch.labeled, batch_statistics(NormMode::train)).logits;
  const NoGrad constant;
  out.semantic = networks_.encode_semantic(batch.images, batch_statistics(NormMode::batch_only));
}

Variable GeneratorObjective::encoder_share(const Variable& z_c) const {
  const double share = config_.weights.encoder_grad;
  if (share == 0) return z_c.detach();
  return share == 1 ? z_c : scale_gradient(z_c, share);
}

Generated GeneratorObjective::generate(const GeneratorBatch& batch,
                                       const NoiseSource* noise) const {
  Generated out;
  encode(batch, out);
  out.supervised = classification_loss(out.labeled_logits, batch.labels);
  if (batch.second_view.defined()) {
    const NoGrad constant;
    out.teacher_logits =
        teacher_.encode_semantic(batch.second_view, batch_statistics(NormMode::batch_only)).logits;
  }
  out.real = batch.images.defined() ? batch.images : batch.labeled;
  out.z_r = networks_.encode_scene(out.real, batch_statistics(NormMode::train));
  const Variable z_c = encoder_share(out.semantic.z_c);
  NamedParts semantic{{Part::rebuilt, z_c}};
  NamedParts scene{{Part::rebuilt, out.z_r}};
  if (makes_hybrids()) {
    semantic.add(Part::hybrid, z_c);
    scene.add(Part::hybrid, of_partners(out.z_r, batch.partner));
  }
  const NoiseSource source = noise != nullptr ? addressed(*noise, scene, ranks_) : NoiseSource();
  const Variable made =
      networks_.generate(semantic.joined(), scene.joined(), noise != nullptr ? &source : nullptr);
  out.rebuilt = scene.of(made, Part::rebuilt);
  if (makes_hybrids()) out.hybrids = scene.of(made, Part::hybrid);
  return out;
}

// Returns the critic's logits of each part. All parts pass together, except where the critic
// compares images within a group: groups must not mix real, rebuilt and hybrid images.
NamedParts GeneratorObjective::judge(const NamedParts& images) const {
  const bool alone = config_.minibatch_std > 0;
  const Variable all = alone ? Variable() : critic_.forward(images.joined());
  NamedParts logits;
  for (const auto& [part, x] : images.parts()) {
    logits.add(part, alone ? critic_.forward(x) : images.of(all, part));
  }
  return logits;
}

// Reconstructions and hybrids are one half of the fakes each.
LossTerms GeneratorObjective::critic_terms(const Generated& generated) const {
  NamedParts images{{Part::real, generated.real}, {Part::rebuilt, generated.rebuilt.detach()}};
  if (makes_hybrids()) images.add(Part::hybrid, generated.hybrids.detach());
  const NamedParts logits = judge(images);
  const double share = makes_hybrids() ? 0.5 : 1.0;
  LossTerms terms{weighted(Term::critic_real, critic_loss_real(logits[Part::real]), 1.0),
                  weighted(Term::critic_rec, critic_loss_fake(logits[Part::rebuilt]), share)};
  if (makes_hybrids()) {
    terms.push_back(weighted(Term::critic_hyb, critic_loss_fake(logits[Part::hybrid]), share));
  }
  return terms;
}

LossTerms GeneratorObjective::r1_terms(const Generated& generated) const {
  const Variable penalty = r1_penalty([&](const Variable& x) { return critic_.forward(x); },
                                      generated.real.value(), r1_gamma());
  return {weighted(Term::r1, penalty, static_cast<double>(config_.r1_every))};
}

void GeneratorObjective::add_semantic_terms(const Generated& generated,
                                            const Tensor& consistency_weight,
                                            LossTerms& terms) const {
  const double weight = config_.weights.semantic;
  terms.push_back(weighted(Term::supervised, generated.supervised.mean, weight));
  if (!generated.teacher_logits.defined()) return;
  const Variable consistency =
      consistency_loss(generated.semantic.logits, generated.teacher_logits);
  LossTerm<Term> term{Term::consistency, consistency, {}};
  if (weight > 0) {
    const Variable ramped = reshape(Variable(consistency_weight), consistency.shape());
    term.weighted = scale(mul(consistency, cast(ramped, consistency.dtype())), weight);
  }
  terms.push_back(term);
}

void GeneratorObjective::add_hybrid_terms(const Generated& generated, const Tensor& partner,
                                          LossTerms& terms) const {
  const LossWeights& w = config_.weights;
  const bool frozen = config_.variant != Variant::unfrozen;
  std::optional<Freeze> frozen_c;
  std::optional<Freeze> frozen_r;
  if (frozen) {
    frozen_c.emplace(networks_.semantic_encoder().parameters());
    frozen_r.emplace(networks_.scene_encoder().parameters());
  }
  const NormPass criterion = batch_statistics(NormMode::batch_only);
  const Codes of_hybrid{networks_.encode_semantic(generated.hybrids, criterion).logits,
                        networks_.encode_scene(generated.hybrids, criterion)};
  const Codes semantic_parent{generated.semantic.logits, generated.z_r};
  const Codes scene_parent{of_partners(semantic_parent.logits, partner),
                           of_partners(semantic_parent.z_r, partner)};
  const HybridizationTerms hyb = hybridization_terms(
      of_hybrid, semantic_parent, scene_parent,
      {.class_minus = config_.class_minus_cap, .cont_minus = config_.cont_minus_cap}, frozen);
  const bool maximise = config_.variant != Variant::basic_hyb;
  terms.push_back(weighted(Term::class_plus, hyb.class_plus, w.class_plus));
  terms.push_back(weighted(Term::cont_plus, hyb.cont_plus, w.cont_plus));
  terms.push_back(weighted(Term::class_minus, hyb.class_minus, maximise ? -w.class_minus : 0.0));
  terms.push_back(weighted(Term::cont_minus, hyb.cont_minus, maximise ? -w.cont_minus : 0.0));
}

LossTerms GeneratorObjective::generator_terms(const Generated& generated,
                                              const GeneratorBatch& batch,
                                              const Tensor& consistency_weight) const {
  const LossWeights& w = config_.weights;
  LossTerms terms;
  add_semantic_terms(generated, consistency_weight, terms);
  const Variable reconstruction =
      reconstruction_loss(generated.real, generated.rebuilt, config_.reconstruction_norm);
  terms.push_back(weighted(Term::reconstruction, reconstruction, w.reconstruction));

  const Freeze frozen_critic(critic_.parameters());
  NamedParts fakes{{Part::rebuilt, generated.rebuilt}};
  if (makes_hybrids()) fakes.add(Part::hybrid, generated.hybrids);
  const NamedParts logits = judge(fakes);
  terms.push_back(weighted(Term::adv_rec, generator_loss(logits[Part::rebuilt]), w.adversarial));
  if (!makes_hybrids()) return terms;
  terms.push_back(weighted(Term::adv_hyb, generator_loss(logits[Part::hybrid]), w.adversarial));
  add_hybrid_terms(generated, batch.partner, terms);
  return terms;
}

}  // namespace scimix

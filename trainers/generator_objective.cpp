#include "trainers/generator_objective.hpp"

#include <array>
#include <optional>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "losses/adversarial.hpp"
#include "losses/hybridization.hpp"
#include "losses/r1.hpp"
#include "losses/reconstruction.hpp"

namespace scimix {

namespace {

constexpr std::array<TermInfo, 15> kTermInfo{{{"critic_real", "critic"},
                                              {"critic_rec", "critic"},
                                              {"critic_hyb", "critic"},
                                              {"r1", "critic_r1"},
                                              {"supervised", "generator"},
                                              {"consistency", "generator"},
                                              {"pseudo_label", "generator"},
                                              {"confident", "generator"},
                                              {"reconstruction", "generator"},
                                              {"adv_rec", "generator"},
                                              {"adv_hyb", "generator"},
                                              {"class_plus", "generator"},
                                              {"cont_plus", "generator"},
                                              {"class_minus", "generator"},
                                              {"cont_minus", "generator"}}};

// Returns StyleGAN2-ADA's default: 0.01 in its CIFAR setting, otherwise 0.0002 R^2 / batch.
[[nodiscard]] double default_r1_gamma(std::int64_t image_size, std::int64_t batch) {
  if (image_size <= 32) return 0.01;
  return 0.0002 * static_cast<double>(image_size * image_size) / static_cast<double>(batch);
}

[[nodiscard]] Variable first_rows(const Variable& x, std::int64_t rows) {
  return x.value().dim(0) == rows ? x : slice_rows(x, 0, rows);
}

// Returns the images that are reconstructed and mixed.
[[nodiscard]] Variable mixed_images(const ClassifierBatch& batch) {
  if (!batch.weak.defined()) return batch.labeled;
  return first_rows(batch.weak, batch.labeled.value().dim(0));
}

// Returns the settings of a classifier whose loss is L_S. The weights of its terms include the
// weight of L_S; the trainer multiplies the consistency weight, which changes with the step.
[[nodiscard]] ClassifierConfig weighted_classifier(const GeneratorRunConfig& config,
                                                   Method method) {
  ClassifierConfig out = semantic_classifier(config, method);
  out.supervised_weight *= config.weights.semantic;
  out.fixmatch.weight *= config.weights.semantic;
  return out;
}

[[nodiscard]] Term term_of(ClassifierTerm term) {
  switch (term) {
    case ClassifierTerm::supervised:
      return Term::supervised;
    case ClassifierTerm::consistency:
      return Term::consistency;
    case ClassifierTerm::pseudo:
      return Term::pseudo_label;
    case ClassifierTerm::confident:
      return Term::confident;
    case ClassifierTerm::hybrid:
    case ClassifierTerm::kept:
      break;
  }
  SCIMIX_CHECK(false, "L_S has no hybrids");
  return {};
}

// Returns the noise source with the row numbers that the made images have in the batch of all
// ranks. `noise` must not have parts yet.
[[nodiscard]] NoiseSource addressed(NoiseSource noise, const NamedParts& made, const Comm& ranks) {
  SCIMIX_CHECK(noise.parts.empty(), "the noise has ", noise.parts.size(), " parts already");
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

GeneratorObjective::GeneratorObjective(const GeneratorRunConfig& config, Method method,
                                       const Autoencoder& networks, const Autoencoder& teacher,
                                       const Discriminator& critic, Comm& ranks)
    : config_(config),
      method_(method),
      networks_(networks),
      critic_(critic),
      ranks_(ranks),
      semantic_(weighted_classifier(config, method), networks.semantic_encoder(),
                teacher.semantic_encoder(),
                config.ranks.sync_norm && !ranks.is_alone() ? &ranks : nullptr) {}

// Batch norm uses the statistics of this rank's images, or with --sync-norm of all ranks' images.
NormPass GeneratorObjective::batch_statistics(NormMode mode) const {
  const bool of_all = config_.ranks.sync_norm && !ranks_.is_alone();
  return {.mode = mode, .ranks = of_all ? &ranks_ : nullptr};
}

// Returns the rows `partner` of x, gathered from all ranks.
Variable GeneratorObjective::of_partners(const Variable& x, const Tensor& partner) const {
  return gather_rows(ranks_.is_alone() ? x : gather_ranks(x, ranks_), partner);
}

double GeneratorObjective::r1_gamma() const {
  if (config_.r1_gamma >= 0) return config_.r1_gamma;
  return default_r1_gamma(networks_.generator().config().image_size, config_.batch);
}

// One pass through E_c and C computes L_S and the semantic codes. If L_S needs only the labelled
// images and no other loss trains E_c, a second pass without a gradient computes the codes of the
// unlabelled images.
void GeneratorObjective::encode(const ClassifierBatch& batch, const Tensor& consistency_weight,
                                Generated& out) const {
  const bool gradients = config_.weights.encoder_grad > 0 || config_.variant == Variant::unfrozen;
  ClassifierBatch seen = batch;
  if (method_ == Method::supervised && !gradients) seen.weak = {};
  out.learnt = semantic_.method(seen, consistency_weight);
  if (batch.weak.defined() && !seen.weak.defined()) {
    const NoGrad constant;
    out.semantic = networks_.encode_semantic(out.real, batch_statistics(NormMode::batch_only));
    return;
  }
  const Part part = batch.weak.defined() ? Part::weak : Part::labeled;
  const auto rows = [&](const Variable& all) {
    return first_rows(out.learnt.seen.of(all, part), out.real.value().dim(0));
  };
  const WideResNet::Output& all = out.learnt.output;
  const bool map = networks_.config().structural_zc;
  out.semantic = networks_.semantic_code({.map = map ? rows(all.map) : Variable(),
                                          .features = map ? Variable() : rows(all.features),
                                          .logits = rows(all.logits)});
}

// E_c and C do not learn: their outputs are constants, and their running statistics stay unchanged.
// The supervised term is only logged.
void GeneratorObjective::encode_as_constants(const ClassifierBatch& batch, Generated& out) const {
  const NoGrad constant;
  const NormPass pass = batch_statistics(NormMode::batch_only);
  out.semantic = networks_.encode_semantic(out.real, pass);
  out.learnt.labeled_logits = batch.weak.defined()
                                  ? networks_.encode_semantic(batch.labeled, pass).logits
                                  : out.semantic.logits;
  out.learnt.supervised = classification_loss(out.learnt.labeled_logits, batch.labels);
  out.learnt.terms = {weighted(ClassifierTerm::supervised, out.learnt.supervised.mean, 0.0)};
}

// Returns z_c for G. Its gradient is multiplied by encoder_grad on its way back to E_c.
Variable GeneratorObjective::code_for_generator(const Variable& z_c) const {
  const double share = config_.weights.encoder_grad;
  if (share == 0) return z_c.detach();
  return share == 1 ? z_c : scale_gradient(z_c, share);
}

Generated GeneratorObjective::generate(const GeneratorBatch& batch,
                                       const Tensor& consistency_weight,
                                       const NoiseSource* noise) const {
  Generated out;
  out.real = mixed_images(batch.semantic);
  if (freezes_semantic_encoder(config_)) {
    encode_as_constants(batch.semantic, out);
  } else {
    encode(batch.semantic, consistency_weight, out);
  }
  out.z_r = networks_.encode_scene(out.real, batch_statistics(NormMode::train));
  const Variable z_c = code_for_generator(out.semantic.z_c);
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

// Returns the critic's logits of each part. All parts pass through the critic together, except with
// minibatch standard deviation: its groups must not mix real, reconstructed and hybrid images.
NamedParts GeneratorObjective::judge(const NamedParts& images) const {
  const bool alone = config_.minibatch_std > 0;
  const Variable all = alone ? Variable() : critic_.forward(images.joined());
  NamedParts logits;
  for (const auto& [part, x] : images.parts()) {
    logits.add(part, alone ? critic_.forward(x) : images.of(all, part));
  }
  return logits;
}

// With hybrids, the losses on reconstructions and on hybrids have weight 1/2 each.
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

// Adds the terms that compare hybrids with their parents. Unless the variant is unfrozen, E_c, C
// and E_r are frozen here, and the parents' codes are constants.
void GeneratorObjective::add_hybrid_terms(const Generated& generated, const Tensor& partner,
                                          LossTerms& terms) const {
  const LossWeights& w = config_.weights;
  const bool frozen = config_.variant != Variant::unfrozen;
  std::optional<Freeze> frozen_c;
  std::optional<Freeze> frozen_r;
  if (frozen || freezes_semantic_encoder(config_)) {
    frozen_c.emplace(networks_.semantic_encoder().parameters());
  }
  if (frozen) {
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
                                              const GeneratorBatch& batch) const {
  const LossWeights& w = config_.weights;
  LossTerms terms;
  for (const LossTerm<ClassifierTerm>& term : generated.learnt.terms) {
    terms.push_back({term_of(term.term), term.value, term.weighted});
  }
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

#include "settings/generator_run_config.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "models/wide_resnet.hpp"
#include "settings/run_kinds.hpp"

namespace scimix {

LossWeights preset_weights(WeightPreset preset) {
  if (preset == WeightPreset::tuned) return {};
  return {.reconstruction = 1,
          .adversarial = 1,
          .semantic = 1,
          .class_plus = 1,
          .cont_plus = 1,
          .class_minus = 0.1,
          .cont_minus = 0.1,
          .encoder_grad = 0.1};
}

void check_loss_weights(const GeneratorRunConfig& config) {
  const LossWeights& w = config.weights;
  const bool trains_semantic = w.semantic > 0 && !freezes_semantic_encoder(config);
  const bool minus =
      config.variant != Variant::basic_hyb && (w.class_minus > 0 || w.cont_minus > 0);
  const bool hybrids =
      config.variant != Variant::no_hyb && (w.class_plus > 0 || w.cont_plus > 0 || minus);
  if (trains_semantic || w.reconstruction > 0 || w.adversarial > 0 || hybrids) return;
  user_error(
      "no loss that this run computes has a weight above 0, expected one, such as --weight-rec");
}

void check(const GeneratorRunConfig& c) {
  generator_table().check(c);
  check_loss_weights(c);
  check_image_size(c.data.image_size);
  check_depth("--depth", c.encoder.depth);
  if (!c.guide.run.empty() && c.guide.steps > 0) {
    user_error("--guide-steps ", c.guide.steps, " with --guide ", c.guide.run,
               ": expected one of the two, as --guide names a classifier that is trained already");
  }
  if (c.unlabeled_batch > 0 && c.unlabeled_batch < c.batch) {
    user_error(
        "--unlabeled-batch ", c.unlabeled_batch, ": expected at least the ", c.batch,
        " images of --batch, because the first unlabelled images are reconstructed and mixed");
  }
  if (c.minibatch_std > 1 && c.batch % std::min(c.batch, c.minibatch_std) != 0) {
    user_error("--minibatch-std ", c.minibatch_std, ": expected a divisor of --batch ", c.batch);
  }
}

bool has_guide(const GeneratorRunConfig& config) {
  return !config.guide.run.empty() || config.guide.steps > 0;
}

bool freezes_semantic_encoder(const GeneratorRunConfig& config) {
  return has_guide(config) && config.guide.semantic_learning_rate == 0;
}

Method semantic_method(const GeneratorRunConfig& config, bool all_labeled) {
  switch (config.semantic_loss) {
    case SemanticLoss::cross_entropy:
      return Method::supervised;
    case SemanticLoss::mean_teacher:
      return Method::mean_teacher;
    case SemanticLoss::fixmatch:
      return Method::fixmatch;
    case SemanticLoss::automatic:
      break;
  }
  return all_labeled ? Method::supervised : Method::mean_teacher;
}

ClassifierConfig semantic_classifier(const GeneratorRunConfig& config, Method method) {
  ClassifierConfig out;
  out.method = method;
  out.scale = config.scale;
  out.data = config.data;
  out.unlabeled_includes_labeled = config.unlabeled_includes_labeled;
  out.model = config.encoder;
  out.steps = config.guide.steps;
  out.batch = config.batch;
  out.unlabeled_batch = config.unlabeled_batch;
  out.consistency.weight = config.consistency_weight;
  out.consistency.ramp = config.consistency_ramp;
  out.fixmatch = config.fixmatch;
  out.sgd = config.sgd;
  out.ema_decay = config.ema_decay;
  out.seed = config.seed;
  out.precision = config.precision;
  out.ranks = config.ranks;
  out.graphs = config.graphs;
  out.output = config.output;
  return out;
}

}  // namespace scimix

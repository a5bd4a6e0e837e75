#include "settings/classifier_config.hpp"

#include "settings/setting_checks.hpp"

namespace scimix {

namespace {

void check(const HybridSettings& h) {
  if (!(h.alpha > 0.5 && h.alpha <= 1.0)) {
    user_error(
        "--alpha ", h.alpha,
        ": expected more than 0.5 and at most 1, so that the content of a hybrid counts most");
  }
  at_least("mixup-alpha", h.mixup_alpha, 1e-3);
  between("fda-band", h.fda_band, 0.0, 0.4999);
}

void check(const FixMatchSettings& f) {
  between("threshold", f.threshold, 0.0, 1.0);
  at_least("unlabeled-weight", f.weight, 0.0);
  between("strong-operations", f.strong_operations, 0, 8);
  between("strong-probability", f.strong_probability, 0.0, 1.0);
  at_least("cutout", f.cutout, 0);
}

void check(const ConsistencySettings& c) {
  at_least("consistency-weight", c.weight, 0.0);
  between("consistency-ramp", c.ramp, 0.0, 1.0);
}

void check_generator(const ClassifierConfig& c) {
  if (uses_generator(c) && c.hybrids.generator.empty()) {
    user_error(c.init_from == InitFrom::generator ? "--init-from generator" : "--mixer scimix",
               ": expected --generator RUN, a run of scimix_train generator");
  }
}

// Mean Teacher's and hybrids' weights live on the device: a step always has those losses.
void check_weights(const ClassifierConfig& c) {
  const bool others = c.method == Method::mean_teacher || uses_hybrids(c) ||
                      (c.method == Method::fixmatch && c.fixmatch.weight > 0);
  if (c.supervised_weight == 0 && !others) {
    user_error("--supervised-weight 0: expected more than 0, as no other loss is left");
  }
}

}  // namespace

void check(const ClassifierConfig& c) {
  check(c.data);
  check(c.model);
  between<std::int64_t>("steps", c.steps, 1, 2'000'000'000);  // the step counter is an i32
  at_least<std::int64_t>("batch", c.batch, 1);
  at_least<std::int64_t>("unlabeled-batch", c.unlabeled_batch, 0);
  at_least("supervised-weight", c.supervised_weight, 0.0);
  at_least("input-noise", c.input_noise, 0.0);
  check(c.consistency);
  check(c.fixmatch);
  check(c.hybrids);
  check_weights(c);
  check_generator(c);
  check(c.sgd);
  between("ramp-up", c.ramp_up, 0.0, 1.0);
  between("ramp-down", c.ramp_down, 0.0, 1.0);
  between("ema-decay", c.ema_decay, 0.0, 1.0);
  between("early-ema-decay", c.early_ema_decay, -1.0, 1.0);
  check_precision(c.precision, kCpu);
  check(c.ranks);
  check(c.graphs);
  check(c.output);
}

bool uses_unlabeled(const ClassifierConfig& config) {
  return config.method != Method::supervised;
}

bool uses_hybrids(const ClassifierConfig& config) {
  return config.hybrids.mixer != MixerKind::none;
}

bool uses_generator(const ClassifierConfig& config) {
  return config.hybrids.mixer == MixerKind::scimix || config.init_from == InitFrom::generator;
}

std::int64_t unlabeled_rows(const ClassifierConfig& config) {
  if (!uses_unlabeled(config)) return 0;
  if (config.unlabeled_batch > 0) return config.unlabeled_batch;
  return config.method == Method::fixmatch ? 7 * config.batch : config.batch;
}

bool joint_statistics(const ClassifierConfig& config) {
  if (config.norm_statistics != NormStatistics::automatic) {
    return config.norm_statistics == NormStatistics::joint;
  }
  return config.method == Method::fixmatch;
}

bool labels_hybrids(const ClassifierConfig& config) {
  return config.hybrids.use == HybridUse::pseudo || config.hybrids.use == HybridUse::labeled;
}

double hybrid_weight(const ClassifierConfig& config) {
  if (config.hybrids.weight >= 0) return config.hybrids.weight;
  return labels_hybrids(config) ? 1.0 : config.consistency.weight;
}

StrongAugment strong_augment(const FixMatchSettings& settings) {
  return {.table = settings.strong_table,
          .operations = settings.strong_operations,
          .probability = settings.strong_probability,
          .cutout = settings.cutout};
}

}  // namespace scimix

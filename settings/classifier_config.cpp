#include "settings/classifier_config.hpp"

#include "core/error.hpp"
#include "models/wide_resnet.hpp"
#include "settings/run_kinds.hpp"

namespace scimix {

namespace {

void check_generator(const ClassifierConfig& c) {
  if (uses_generator(c) && c.hybrids.generator.empty()) {
    user_error(c.init_from == InitFrom::generator ? "--init-from generator" : "--mixer scimix",
               ": expected --generator RUN, a run of scimix_train generator");
  }
}

// Checks that a step has a loss. The losses of Mean Teacher and of hybrids exist even if their
// weight is 0, because their weights are in device memory.
void check_weights(const ClassifierConfig& c) {
  const bool others = c.method == Method::mean_teacher || uses_hybrids(c) ||
                      (c.method == Method::fixmatch && c.fixmatch.weight > 0);
  if (c.supervised_weight == 0 && !others) {
    user_error("--supervised-weight 0: expected more than 0, as no other loss is left");
  }
}

}  // namespace

void check(const ClassifierConfig& c) {
  classifier_table().check(c);
  check_image_size(c.data.image_size);
  check_depth("--depth", c.model.depth);
  check_weights(c);
  check_generator(c);
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

}  // namespace scimix

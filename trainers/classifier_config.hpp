// Every setting of a classifier run.
#pragma once

#include "trainers/settings.hpp"

namespace scimix {

struct ClassifierConfig {
  std::string method = "supervised";
  DataSettings data;
  EncoderSettings model;
  SgdSettings sgd;

  std::int64_t steps = 65536;
  std::int64_t batch = 64;
  double ema_decay = 0.999;
  std::uint64_t seed = 0;
  std::string precision = "f32";  // f32, bf16

  OutputSettings output;
};

// Throws a user error for the first setting that is out of its range.
void check(const ClassifierConfig& config);

}  // namespace scimix

// All that a trainer's future depends on, as numbers that can be compared.
#pragma once

#include <vector>

#include "trainers/classifier_trainer.hpp"
#include "trainers/generator_trainer.hpp"

namespace scimix::test {

// One entry per slab, buffer and loss term.
using TrainingState = std::vector<std::vector<double>>;

inline void append_store(TrainingState& state, const ParameterStore& store) {
  state.push_back(store.parameter_slab().flat().to_doubles());
  for (const auto& buffer : store.buffers()) state.push_back(buffer.value.to_doubles());
}

// These read the metrics, and so begin a new interval of them.
inline TrainingState state_of(ClassifierTrainer& trainer) {
  TrainingState state;
  append_store(state, trainer.model().parameters());
  append_store(state, trainer.average().parameters());
  const TrainingMetrics metrics = trainer.read_metrics();
  for (const auto& term : metrics.terms) state.push_back({term.value_or(-1)});
  state.push_back({metrics.accuracy});
  return state;
}

inline TrainingState state_of(GeneratorTrainer& trainer) {
  TrainingState state;
  for (const Autoencoder* const networks : {&trainer.networks(), &trainer.average()}) {
    append_store(state, networks->semantic_encoder().parameters());
    append_store(state, networks->scene_encoder().parameters());
    append_store(state, networks->generator().parameters());
  }
  append_store(state, trainer.critic().parameters());
  for (const auto& term : trainer.read_metrics().terms) state.push_back({term.value_or(-1)});
  return state;
}

// The parameters in training alone.
inline std::vector<double> parameters_of(const ClassifierTrainer& trainer) {
  return trainer.model().parameters().parameter_slab().flat().to_doubles();
}

}  // namespace scimix::test

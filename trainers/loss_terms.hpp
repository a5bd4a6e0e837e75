// The terms of an objective: what each is worth, how much it counts, and what is said of it in
// logs.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "autograd/ops.hpp"
#include "core/comm.hpp"
#include "kernels/metrics/term_sums.hpp"
#include "trainers/checkpoint.hpp"

namespace scimix {

// `Term` is an enumeration of an objective's terms, from 0.
template <class Term>
struct LossTerm {
  Term term;
  Variable value;     // scalar, f32 or f64
  Variable weighted;  // what is minimised; undefined: logged only
};

template <class Term>
[[nodiscard]] LossTerm<Term> weighted(Term term, const Variable& value, double weight) {
  if (weight == 0) return {term, value, {}};
  return {term, value, weight == 1 ? value : scale(value, weight)};
}

// By a weight in device memory, f32 [1].
template <class Term>
[[nodiscard]] LossTerm<Term> weighted(Term term, const Variable& value, const Tensor& weight) {
  return {term, value, mul(value, cast(Variable(weight.reshape(value.shape())), value.dtype()))};
}

// The sum of what is minimised. Undefined where nothing is.
template <class Term>
[[nodiscard]] Variable total(const std::vector<LossTerm<Term>>& terms) {
  Variable sum;
  for (const LossTerm<Term>& term : terms) {
    if (!term.weighted.defined()) continue;
    sum = sum.defined() ? add(sum, term.weighted) : term.weighted;
  }
  return sum;
}

// The terms of one phase of a step, by their numbers in the trainer's list of terms.
using PhaseTerms = std::vector<LossTerm<std::int64_t>>;
template <class Term>
[[nodiscard]] PhaseTerms numbered(const std::vector<LossTerm<Term>>& terms) {
  PhaseTerms all;
  for (const LossTerm<Term>& term : terms) {
    all.push_back({static_cast<std::int64_t>(term.term), term.value, term.weighted});
  }
  return all;
}

struct TermInfo {
  std::string_view name;
  std::string_view phase;  // of the step; empty where it has but one
};

// Means of the terms since they were last read, and the first step at which one was not finite. All
// of it stays on the device between two log lines.
class TermLog {
 public:
  // The terms must outlive it.
  TermLog(std::span<const TermInfo> terms, Device device);

  template <class Term>
  void add(const std::vector<LossTerm<Term>>& terms, const Tensor& step) {
    TermValues values;
    for (const LossTerm<Term>& term : terms) {
      values.add(in_f32(term.value.value()), static_cast<std::int64_t>(term.term));
    }
    add(values, step);
  }

  // Waits for the device. Throws a user error when a term has become NaN or infinite: it names the
  // step, the phase and the term where that came first on any rank, and gives the advice.
  void check_finite(std::string_view advice, Comm& ranks = local_comm()) const;
  // Means over all ranks. Waits for the device. None where a term was not computed. Starts anew.
  [[nodiscard]] std::vector<std::optional<double>> read(Comm& ranks = local_comm());
  // The sums here become the mean of the ranks' sums: what a checkpoint holds can be taken up by
  // any number of ranks.
  void mean_over_ranks(Comm& ranks);

  // For checkpoints.
  [[nodiscard]] CheckpointTensors state() const;

 private:
  [[nodiscard]] static Tensor in_f32(const Tensor& value);
  void add(const TermValues& values, const Tensor& step);

  std::span<const TermInfo> terms_;
  Tensor sums_;       // f32 [terms]
  Tensor counts_;     // f32 [terms]
  Tensor first_bad_;  // i32 [terms]; -1: none
};

}  // namespace scimix

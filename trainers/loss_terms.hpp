// The loss terms of an objective: values, weights, and their sums for the log.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/ops.hpp"
#include "core/comm.hpp"
#include "kernels/metrics/term_sums.hpp"
#include "trainers/checkpoint.hpp"

namespace scimix {

// One loss term. `Term` is the enumeration of an objective's terms, numbered from 0.
template <class Term>
struct LossTerm {
  Term term;
  Variable value;     // scalar, f32 or f64
  Variable weighted;  // value times weight, which is minimised; undefined: the term is only logged
};

// Returns the term with a constant weight. A term of weight 0 is only logged.
template <class Term>
[[nodiscard]] LossTerm<Term> weighted(Term term, const Variable& value, double weight) {
  if (weight == 0) return {term, value, {}};
  return {term, value, weight == 1 ? value : scale(value, weight)};
}

// Returns the term with a weight in device memory, f32 [1], which may change from step to step.
template <class Term>
[[nodiscard]] LossTerm<Term> weighted(Term term, const Variable& value, const Tensor& weight) {
  return {term, value, mul(value, cast(Variable(weight.reshape(value.shape())), value.dtype()))};
}

// Returns the sum of the weighted terms, which is minimised. Undefined if all terms are only
// logged.
template <class Term>
[[nodiscard]] Variable total(const std::vector<LossTerm<Term>>& terms) {
  Variable sum;
  for (const LossTerm<Term>& term : terms) {
    if (!term.weighted.defined()) continue;
    sum = sum.defined() ? add(sum, term.weighted) : term.weighted;
  }
  return sum;
}

// The terms of one phase of a step. A term is named by its index in the trainer's list of terms.
using PhaseTerms = std::vector<LossTerm<std::int64_t>>;
// Converts the terms of any enumeration to PhaseTerms.
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
  std::string_view phase;  // the phase that computes the term; empty if a step has only one phase
};

// Sums the terms since they were last read, and notes the first step at which a term was not
// finite. The sums stay on the device between two log lines.
class TermLog {
 public:
  // `terms` must outlive this object.
  TermLog(std::span<const TermInfo> terms, Device device);

  // Adds the values of the terms at `step`, i32 [1]. A graph can record this.
  template <class Term>
  void add(const std::vector<LossTerm<Term>>& terms, const Tensor& step) {
    TermValues values;
    for (const LossTerm<Term>& term : terms) {
      values.add(in_f32(term.value.value()), static_cast<std::int64_t>(term.term));
    }
    add(values, step);
  }

  // Waits for the device. Errors (user): a term has become NaN or infinite on any rank. The message
  // names the step, the phase and the first such term, and ends with `advice`.
  void check_finite(std::string_view advice, Comm& ranks = local_comm()) const;
  // Returns the mean of each term over all ranks and over the steps since the last call; no value
  // for a term that was not computed. Waits for the device. Sets the sums to zero.
  [[nodiscard]] std::vector<std::optional<double>> read(Comm& ranks = local_comm());
  // Replaces the sums by the mean of the ranks' sums, so that a run can be resumed with another
  // number of ranks.
  void mean_over_ranks(Comm& ranks);

  // Returns the sums, for checkpoints.
  [[nodiscard]] CheckpointTensors state() const;
  // Returns the names of the terms in the order of the sums, with commas between them.
  [[nodiscard]] std::string names() const;
  // Sets the sums to zero.
  void clear();

 private:
  [[nodiscard]] static Tensor in_f32(const Tensor& value);
  void add(const TermValues& values, const Tensor& step);

  std::span<const TermInfo> terms_;
  Tensor sums_;       // f32 [terms]
  Tensor counts_;     // f32 [terms]
  Tensor first_bad_;  // i32 [terms]; -1: none
};

}  // namespace scimix

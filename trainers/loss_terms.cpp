#include "trainers/loss_terms.hpp"

#include "core/error.hpp"
#include "trainers/rank_state.hpp"

namespace scimix {

TermLog::TermLog(std::span<const TermInfo> terms, Device device) : terms_(terms) {
  const std::int64_t count = std::ssize(terms);
  sums_ = Tensor::zeros({count}, DType::f32, device);
  counts_ = Tensor::zeros({count}, DType::f32, device);
  const std::vector<std::int32_t> none(terms.size(), -1);
  first_bad_ = Tensor::from_host(std::span<const std::int32_t>(none), {count}, device);
}

Tensor TermLog::in_f32(const Tensor& value) {
  return value.dtype() == DType::f64 ? cast(Variable(value), DType::f32).value() : value;
}

void TermLog::add(const TermValues& values, const Tensor& step) {
  add_terms(step, values, sums_, counts_, first_bad_);
}

void TermLog::check_finite(std::string_view advice, Comm& ranks) const {
  ranks.wait_for_device();
  const std::vector<double> bad = ranks.all_gather(first_bad_.to_doubles());
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < bad.size(); ++i) {
    if (bad[i] >= 0 && (!first || bad[i] < bad[*first])) first = i;
  }
  if (!first) return;
  const TermInfo& term = terms_[*first % terms_.size()];
  user_error("step ", bad[*first] + 1, term.phase.empty() ? "" : ", phase ", term.phase,
             ": the loss term ", term.name, " is not a finite number; ", advice);
}

void TermLog::mean_over_ranks(Comm& ranks) {
  scimix::mean_over_ranks(state(), ranks);
}

std::vector<std::optional<double>> TermLog::read(Comm& ranks) {
  ranks.all_reduce(sums_);
  ranks.all_reduce(counts_);
  const std::vector<double> sums = sums_.to_doubles();
  const std::vector<double> counts = counts_.to_doubles();
  std::vector<std::optional<double>> means;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    means.push_back(counts[i] > 0 ? std::optional(sums[i] / counts[i]) : std::nullopt);
  }
  clear();
  return means;
}

void TermLog::clear() {
  sums_.zero_();
  counts_.zero_();
}

std::string TermLog::names() const {
  std::string all;
  for (const TermInfo& term : terms_) all.append(all.empty() ? "" : ",").append(term.name);
  return all;
}

CheckpointTensors TermLog::state() const {
  return {{"metrics.sums", sums_}, {"metrics.counts", counts_}};
}

}  // namespace scimix

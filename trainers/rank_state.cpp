#include "trainers/rank_state.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "kernels/reduce/checksum.hpp"

namespace scimix {

namespace {

bool is_own(const std::string& name) {
  return name.starts_with("metrics.") || name.ends_with(".running_mean") ||
         name.ends_with(".running_var");
}

// Returns the two 32-bit halves of the checksum, which doubles represent exactly.
std::vector<double> checksum_of(const CheckpointTensors& state) {
  Tensor sum = Tensor::zeros({2}, DType::i32, state.front().value().device());
  for (const ParameterStore::Named& tensor : state) {
    if (!is_own(tensor.name)) add_checksum(tensor.value(), sum);
  }
  return sum.to_doubles();
}

}  // namespace

std::string checksum_text(const CheckpointTensors& state) {
  const std::vector<double> halves = checksum_of(state);  // the lower half first
  const auto word = [](double half) {
    return static_cast<std::uint32_t>(static_cast<std::int64_t>(half));
  };
  return fmt::format("{:08x}{:08x}", word(halves[1]), word(halves[0]));
}

std::int64_t share_tensors(CheckpointTensors tensors, const Output& step, Comm& ranks) {
  for (ParameterStore::Named& tensor : tensors) {
    tensor.change([&](Tensor& value) { ranks.broadcast(value); });
  }
  ranks.broadcast(step);
  return step.to_host<std::int32_t>().front();
}

void mean_over_ranks(CheckpointTensors tensors, Comm& ranks) {
  if (ranks.is_alone()) return;
  const NoGrad constant;
  for (ParameterStore::Named& tensor : tensors) {
    tensor.change([&](Tensor& value) {
      ranks.all_reduce(value);
      value.copy_(scale(Variable(value), 1.0 / ranks.size()).value());
    });
  }
}

bool any_rank(bool mine, Comm& ranks) {
  if (ranks.is_alone()) return mine;
  const double said = mine ? 1 : 0;
  const std::vector<double> all = ranks.all_gather(std::span(&said, 1));
  return std::any_of(all.begin(), all.end(), [](double one) { return one != 0; });
}

void check_equal_parameters(const CheckpointTensors& state, std::int64_t step, Comm& ranks) {
  if (ranks.is_alone()) return;
  ranks.wait_for_device();
  const std::vector<double> sums = ranks.all_gather(checksum_of(state));
  for (std::size_t rank = 1; 2 * rank < sums.size(); ++rank) {
    if (sums[2 * rank] == sums[0] && sums[2 * rank + 1] == sums[1]) continue;
    user_error("step ", step, ": rank ", rank,
               " holds other parameters than rank 0, because of an error in that machine or in the "
               "network. "
               "The last checkpoint is correct: continue from it with --resume");
  }
}

}  // namespace scimix

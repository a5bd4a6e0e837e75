#include "data/sampler.hpp"

#include <cstddef>
#include <numeric>
#include <utility>

#include "core/error.hpp"
#include "core/random.hpp"
#include "data/random_order.hpp"

namespace scimix {
namespace {

std::vector<std::int32_t> first_numbers(std::int64_t count) {
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

}  // namespace

Sampler::Sampler(std::vector<std::int32_t> members, std::uint64_t seed, std::uint32_t stream)
    : members_(std::move(members)), seed_(seed), stream_(stream) {
  if (members_.empty()) user_error("there are no images to draw batches from");
}

Sampler::Sampler(std::int64_t count, std::uint64_t seed, std::uint32_t stream)
    : Sampler(first_numbers(count), seed, stream) {}

std::vector<std::int32_t> Sampler::indices(std::int64_t step, std::int64_t batch) {
  SCIMIX_CHECK(step >= 0 && batch >= 0, "Sampler: step ", step, ", batch ", batch);
  std::vector<std::int32_t> result;
  result.reserve(static_cast<std::size_t>(batch));
  for (std::int64_t i = step * batch; i < (step + 1) * batch; ++i) {
    load_epoch(i / size());
    const std::int32_t position = order_[static_cast<std::size_t>(i % size())];
    result.push_back(members_[static_cast<std::size_t>(position)]);
  }
  return result;
}

double Sampler::epochs(std::int64_t step, std::int64_t batch) const {
  return static_cast<double>(step) * static_cast<double>(batch) / static_cast<double>(size());
}

void Sampler::load_epoch(std::int64_t epoch) {
  if (epoch == epoch_) return;
  order_ = random_order(
      members_.size(), Random(seed_, Purpose::shuffle, static_cast<std::uint32_t>(epoch), stream_));
  epoch_ = epoch;
}

}  // namespace scimix

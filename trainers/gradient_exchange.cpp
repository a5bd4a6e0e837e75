#include "trainers/gradient_exchange.hpp"

#include <algorithm>

#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "kernels/elementwise/elementwise.hpp"

namespace scimix {

namespace {

// Returns the derivative of the mean of all ranks' losses with respect to this rank's loss.
Variable share_of_mean(const Variable& loss, int ranks) {
  Tensor share = Tensor::empty(loss.shape(), loss.dtype(), loss.device());
  fill(share, 1.0 / ranks);
  return Variable(share);
}

}  // namespace

GradientExchange::GradientExchange(Comm& ranks, std::vector<ParameterStore*> stores,
                                   std::int64_t bucket_bytes)
    : ranks_(ranks), stores_(std::move(stores)) {
  if (ranks_.is_alone()) return;
  for (ParameterStore* const store : stores_) add(*store, bucket_bytes);
}

// Divides the slab from its end, because backward reaches the last layers first.
void GradientExchange::add(ParameterStore& store, std::int64_t bucket_bytes) {
  Tensor& slab = store.gradient_slab().flat();
  const auto entries = store.layout().entries();
  const auto size = static_cast<std::int64_t>(size_of(slab.dtype()));
  std::int64_t end = slab.numel();
  std::int64_t parameters = 0;
  for (std::size_t i = entries.size(); i-- > 0;) {
    ++parameters;
    const std::int64_t begin = entries[i].offset;
    // A slab has all weights with weight decay first, then all other parameters. A bucket with both
    // kinds would be complete only after backward has reached the first layer.
    const bool last_of_kind = begin == store.decayed_count() || begin == 0;
    if ((end - begin) * size < bucket_bytes && !last_of_kind) continue;
    buckets_.push_back({slab.rows(begin, end), parameters, 0});
    end = begin;
    parameters = 0;
  }
}

void GradientExchange::complete(const Tensor& gradient) {
  const auto holds = [&](const Bucket& bucket) {
    return gradient.raw() >= bucket.gradients.raw() &&
           gradient.raw() < bucket.gradients.raw() + bucket.gradients.bytes();
  };
  const auto bucket = std::find_if(buckets_.begin(), buckets_.end(), holds);
  if (bucket == buckets_.end()) return;  // the leaf is no parameter of these stores
  if (--bucket->missing == 0) ranks_.start_all_reduce(bucket->gradients);
}

void GradientExchange::backward(const Variable& loss) {
  for (ParameterStore* const store : stores_) store->zero_grad();
  if (ranks_.is_alone()) {
    scimix::backward(loss, {.grads_are_zero = true});
    return;
  }
  for (Bucket& bucket : buckets_) bucket.missing = bucket.parameters;
  scimix::backward(loss, {.seed = share_of_mean(loss, ranks_.size()),
                          .grads_are_zero = true,
                          .on_complete = [&](const Tensor& gradient) { complete(gradient); }});
  // Gradients of parameters on which the loss does not depend never become complete.
  for (Bucket& bucket : buckets_) {
    if (bucket.missing > 0) ranks_.start_all_reduce(bucket.gradients);
  }
  ranks_.finish_all_reduces();
}

}  // namespace scimix

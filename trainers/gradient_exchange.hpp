// Averages gradients over the ranks. Each rank computes the gradients of its rows of the batch, and
// all ranks update their parameters with the mean.
#pragma once

#include <cstdint>
#include <vector>

#include "autograd/variable.hpp"
#include "core/comm.hpp"
#include "models/module.hpp"

namespace scimix {

class GradientExchange {
 public:
  // Divides the gradient slabs of the stores into buckets, each of which is all-reduced by one
  // call. A bucket should be so large that bandwidth, not latency, determines its cost, and so
  // small that the first all-reduce starts early. `ranks` and the stores must outlive this object.
  GradientExchange(Comm& ranks, std::vector<const ParameterStore*> stores,
                   std::int64_t bucket_bytes = kBucketBytes);

  // Sets the gradients of all stores to those of the mean of all ranks' losses. Each bucket is
  // all-reduced as soon as its gradients are complete, while the backward pass continues.
  void backward(const Variable& loss);

  [[nodiscard]] std::int64_t buckets() const { return static_cast<std::int64_t>(buckets_.size()); }

  static constexpr std::int64_t kBucketBytes = std::int64_t{4} << 20;

 private:
  struct Bucket {
    Tensor gradients;  // adjacent entries of a slab
    std::int64_t parameters = 0;
    std::int64_t missing = 0;  // number of parameters whose gradient is not complete yet
  };
  void add(const ParameterStore& store, std::int64_t bucket_bytes);
  void complete(const Tensor& gradient);

  Comm& ranks_;
  std::vector<const ParameterStore*> stores_;
  std::vector<Bucket> buckets_;
};

}  // namespace scimix

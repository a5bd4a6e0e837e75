// Gradients of several ranks: each computes those of its rows, and all of them update with the
// mean.
#pragma once

#include <cstdint>
#include <vector>

#include "autograd/variable.hpp"
#include "core/comm.hpp"
#include "models/module.hpp"

namespace scimix {

class GradientExchange {
 public:
  // `ranks` and the stores must outlive it. A bucket is what is sent at once: large enough that
  // sending costs bandwidth rather than latency, small enough that the first leaves early.
  GradientExchange(Comm& ranks, std::vector<ParameterStore*> stores,
                   std::int64_t bucket_bytes = kBucketBytes);

  // Clears the gradients of all stores and fills them with those of the mean over all ranks'
  // losses. Parts of the slabs are reduced as soon as they are complete, beside the rest of
  // backward.
  void backward(const Variable& loss);

  [[nodiscard]] std::int64_t buckets() const { return static_cast<std::int64_t>(buckets_.size()); }

  static constexpr std::int64_t kBucketBytes = std::int64_t{4} << 20;

 private:
  struct Bucket {
    Tensor gradients;  // neighbours in a slab
    std::int64_t parameters = 0;
    std::int64_t missing = 0;  // of which the gradient is not complete yet
  };
  void add(ParameterStore& store, std::int64_t bucket_bytes);
  void complete(const Tensor& gradient);

  Comm& ranks_;
  std::vector<ParameterStore*> stores_;
  std::vector<Bucket> buckets_;
};

}  // namespace scimix
